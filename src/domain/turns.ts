/**
 * Who goes next when both removals and adds wait for a target, and how many adds one call may carry. Pure. Looks only at the
 * calls of the last moments, so it needs no state of its own and survives restarts.
 */
import type { PushOperation } from './delivery.ts';

export interface RecentCall {
  operation: PushOperation;
  members: number;
  /** How long ago it began, in milliseconds. */
  ageMs: number;
}

/** Of each so many calls adds keep one, so that an endless stream of removals does not starve them. */
export const ADDS_KEEP_ONE_IN = 5;
/** How far back calls count as recent, in milliseconds. */
export const RECENT_MS = 30_000;
/** A call of adds starts this small, because a removal that comes meanwhile waits for its end. */
export const FIRST_ADDS = 1_000;

/** Removals go first, unless they have had all calls but one. @param recent the newest first, at least `ADDS_KEEP_ONE_IN - 1` of them if there are */
export function whoGoesFirst(recent: readonly RecentCall[]): PushOperation {
  const starving = recent.length >= ADDS_KEEP_ONE_IN - 1 && recent.slice(0, ADDS_KEEP_ONE_IN - 1).every(({ operation }) => operation === 'remove');
  return starving ? 'add' : 'remove';
}

/** Between two calls of adds that few wait for lies at least so much time, in milliseconds: adds gather, removals never do. */
export const GATHER_MS = 1_000;

/** For how long adds that have just come wait for more of them, in milliseconds. @param waiting how many wait */
export function gatherFor(recent: readonly RecentCall[], waiting: number): number {
  const last = recent.find(({ operation }) => operation === 'add');
  return last && waiting < FIRST_ADDS ? Math.max(0, Math.ceil(GATHER_MS - last.ageMs)) : 0;
}

/** While adds follow adds, nobody waits, and calls grow to what the platform takes; after a removal they are small again. */
export function mostAdds(recent: readonly RecentCall[]): number {
  const [last] = recent;
  return last?.operation === 'add' ? Math.max(FIRST_ADDS, 2 * last.members) : FIRST_ADDS;
}
