/** What is held: pending at a target, and not pushed although the platform would take it. Derived when it is read, never stored. */
import type { DeliveryStatus } from './delivery.ts';
import type { MembershipState } from './membership.ts';
import { MODES, type Mode, type Policies, type TargetRef } from './registry.ts';

/**
 * - `active`: pushed
 * - `absent`: a process has started without it while nobody was in it; pushed by those that have it
 * - `retiring`: gets no adds, and lets everybody go
 * - `retired`: nobody is in it, nothing is pushed
 * - `kept`: given up with the people in it, nothing is pushed
 */
export type TargetLife = 'active' | 'absent' | 'retiring' | 'retired' | 'kept';
export type AudienceLife = Exclude<TargetLife, 'absent'>;

/** Given up: nothing is pushed any more, and it may be taken out of headgate.yaml. */
export const isOver = (life: TargetLife): life is 'retired' | 'kept' => life === 'retired' || life === 'kept';

/** `others`: everybody but the test profiles. */
export type HeldPeople = 'nobody' | 'others' | 'everybody';

/** What a target holds. */
export interface Hold {
  adds: HeldPeople;
  removals: HeldPeople;
  /** Customer ids and (as `email:<hash>`) e-mails of those who are not `others`. */
  testProfiles: readonly string[];
  /** Why, for people; null when nothing is held. */
  because: string | null;
}

export const NOTHING_HELD: Hold = { adds: 'nobody', removals: 'nobody', testProfiles: [], because: null };

/** The stricter one of the destination's mode and the audience's. A target that the registry does not have is paused. */
export function modeOf({ audiences, destinations }: Policies, { destination, audienceKey }: TargetRef): Mode {
  const modes = [audiences.get(audienceKey)?.mode, destinations.get(destination)?.mode];
  return modes.reduce<Mode>((strictest, mode = 'paused') => (MODES.indexOf(mode) > MODES.indexOf(strictest) ? mode : strictest), 'live');
}

/** A target that is being emptied lets everybody go also in test mode: nobody new gets in by that. */
export function holdOf(policies: Policies, target: TargetRef, life: TargetLife): Hold {
  const testProfiles = policies.destinations.get(target.destination)?.testProfiles ?? [];
  const hold = (adds: HeldPeople, removals: HeldPeople, because: string | null): Hold => ({ adds, removals, testProfiles, because });
  if (isOver(life)) return hold('everybody', 'everybody', `the target is ${life}`);
  const mode = modeOf(policies, target);
  if (mode === 'paused') return hold('everybody', 'everybody', 'mode is paused');
  if (life === 'retiring') return hold('everybody', 'nobody', 'the target is being retired');
  return mode === 'test' ? hold('others', 'others', 'mode is test') : NOTHING_HELD;
}

/** Nobody enters while the ledger may not know who has left since; whoever is to leave goes. */
export const whileLedgerIsOld = (hold: Hold): Hold =>
  hold.adds === 'everybody' ? hold : { ...hold, adds: 'everybody', because: hold.because ?? 'the ledger was restored and is not reconciled yet (headgate reconcile)' };

export const holdsEverything = (hold: Hold): boolean => hold.adds === 'everybody' && hold.removals === 'everybody';

const heldOf = (hold: Hold, wanted: MembershipState): HeldPeople => (wanted === 'in' ? hold.adds : hold.removals);

/** How a delivery is shown. @param goesBy the person's customer id and contacts (`kind:hash`) */
export function shownStatus(delivery: { status: DeliveryStatus; wanted: MembershipState }, hold: Hold, goesBy: readonly string[]): DeliveryStatus {
  if (delivery.status !== 'pending') return delivery.status;
  const held = heldOf(hold, delivery.wanted);
  return held === 'everybody' || (held === 'others' && !hold.testProfiles.some((profile) => goesBy.includes(profile))) ? 'held' : 'pending';
}

/** Pending deliveries by what is wanted: how many, and since when the oldest (milliseconds since the epoch; null when there is none). */
export type PendingCounts = Record<MembershipState, { count: number; oldestAt: number | null }>;

export const NOTHING_PENDING: Readonly<PendingCounts> = { in: { count: 0, oldestAt: null }, out: { count: 0, oldestAt: null } };

/** Since when the oldest of all waits, in milliseconds since the epoch; null when nothing does. */
export function oldestOf(pending: PendingCounts): number | null {
  const times = [pending.in.oldestAt, pending.out.oldestAt].filter((at) => at !== null);
  return times.length === 0 ? null : Math.min(...times);
}

/** Those of the pending ones that are not held. @param ofProfiles the test profiles' among them; looked at only when others are held */
export function withoutHeld(all: PendingCounts, ofProfiles: PendingCounts, hold: Hold): PendingCounts {
  const left = (wanted: MembershipState): PendingCounts[MembershipState] =>
    ({ nobody: all[wanted], others: ofProfiles[wanted], everybody: { count: 0, oldestAt: null } })[heldOf(hold, wanted)];
  return { in: left('in'), out: left('out') };
}
