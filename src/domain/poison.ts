/**
 * Finds the rows for which a platform refuses a whole call: what was refused is halved until one row stands alone. Pure.
 * Needs about log2 of a call's rows in calls for each such row, and one more for the rest.
 */
import { REJECTIONS_BEFORE_PROBE } from './failures.ts';

/** A person who says `headgate retry` while a sync doubts the whole call allows so many rejections before it doubts again. */
const REJECTIONS_AFTER_RETRY = 1_000;
/** Where the last call's rows were rejected one after the other, the next call is small: 8 members, then 2, then 1. */
const CAREFUL_FIRST = 32;

/** Members of the last call that was refused for some of them (one alone is rejected): the first so many pending ones hold at least one that cannot go through; absent when none is suspected. */
export type Suspects = number | undefined;

/**
 * How many members the next call may carry; undefined: as many as the platform takes. Halves what was refused, and goes on carefully
 * while row after row is rejected, because halving a whole call for each of many wrong rows takes many times their number in calls.
 */
export function mostMembers({ suspects, rejectedInARow }: Pick<Suspicion, 'suspects' | 'rejectedInARow'>): number | undefined {
  if (suspects !== undefined) return Math.ceil(suspects / 2);
  return rejectedInARow > 0 ? Math.max(1, Math.floor(CAREFUL_FIRST / 4 ** rejectedInARow)) : undefined;
}

/**
 * A call with so many members went through, so the wrong one is behind them. When others came in between (removals go first) the
 * count may be wrong, which costs a call and nothing else.
 */
export function suspectsAfterSuccess(suspects: Suspects, carried: number): Suspects {
  const left = (suspects ?? 0) - carried;
  return left > 0 ? left : undefined;
}

/** What earlier calls to a target say of the next one. */
export interface Suspicion {
  suspects: Suspects;
  /** How many members the platform has rejected since it last accepted one. */
  rejectedInARow: number;
  /** How many rejections more a person allows, who has found that the calls are right; until nothing is pending any more. */
  allowed?: number;
}

/** Row after row was refused alone: the next call carries one other member, to find out whether any call goes through. */
export const isProbing = ({ rejectedInARow, allowed = 0 }: Suspicion): boolean => rejectedInARow >= REJECTIONS_BEFORE_PROBE && allowed === 0;

/** After a person's `headgate retry`. */
export const suspicionAfterRetry = (suspicion: Suspicion): Suspicion => ({ ...suspicion, rejectedInARow: 0, ...(isProbing(suspicion) ? { allowed: REJECTIONS_AFTER_RETRY } : {}) });

/**
 * How the next call is made; absent is the usual way. While something is wrong, each call is looked at before the next one.
 * @param failures how many calls in a row have failed, or what else keeps the target from being well
 */
export function nextCall(suspicion: Suspicion, { well, failures }: { well: boolean; failures: number }): { mostMembers?: number; probe?: number; single?: true } {
  if (isProbing(suspicion)) return { probe: failures, single: true };
  const most = mostMembers(suspicion);
  return { ...(most === undefined ? {} : { mostMembers: most }), ...(most === undefined && well ? {} : { single: true }) };
}

/** After calls that the platform has answered, also where it rejected members one by one. */
export function suspicionAfter({ suspects, rejectedInARow, allowed = 0 }: Suspicion, { accepted, rejected, more }: { accepted: number; rejected: number; more: boolean }): Suspicion {
  return { suspects: suspectsAfterSuccess(suspects, accepted + rejected), rejectedInARow: accepted > 0 ? 0 : rejectedInARow + rejected, allowed: more ? Math.max(0, allowed - rejected) : 0 };
}

/** After a call that was refused for its rows. Undefined when there is nothing to halve: the refusal says something of the call. */
export function suspicionAfterRefusal(suspicion: Suspicion, carried: number | undefined): Suspicion | undefined {
  return carried !== undefined && carried > 1 ? { ...suspicion, suspects: carried } : undefined;
}
