/**
 * The decision rule. Of all events of a person in an audience the one with the latest `occurredAt` decides; at equal times a
 * removal outranks an add; then the greater `event_id`. A state is thus a maximum over the set of events, so any order,
 * delay and repetition ends alike. Proved by property tests in test/domain/membership.property.test.ts.
 */
import { isDenied, type Consent } from './event.ts';

export type MembershipState = 'in' | 'out';
export type Arm = 'treatment' | 'holdout';

/** Why a person is in or out. `excluded`: entered an audience that excludes this one. `reported`: Customer.io's feed says so. `retired`: the audience was given up. `erased`: the person is. */
export type MembershipReason = 'added' | 'removed' | 'excluded' | 'consent_denied' | 'reported' | 'expired' | 'retired' | 'erased';

/** The desired state of one person in one audience, with the event that decided it. Times in milliseconds. */
export interface Membership {
  state: MembershipState;
  reason: MembershipReason;
  /** Order of the deciding event. */
  occurredAt: number;
  removal: boolean;
  eventId: string;
  /** End of the window of the deciding add; null without a window and for removals. */
  expiresAt: number | null;
  arm: Arm;
  /** Counts the changes of this row, from 1. */
  revision: number;
}

export type Change =
  | { kind: 'add'; eventId: string; occurredAt: number; receivedAt: number; windowMs: number | null; arm: Arm }
  | { kind: 'remove'; eventId: string; occurredAt: number; reason: 'removed' | 'excluded' | 'consent_denied' | 'reported'; arm: Arm }
  /** The window of `eventId` is over. Acts, as the next two, only while the person is still in because of that event. */
  | { kind: 'expire'; eventId: string; at: number }
  /** The audience lasts another time than when `eventId` was decided; at `at` the new window may be over already. */
  | { kind: 'rewindow'; eventId: string; at: number; windowMs: number | null }
  /** The audience is given up, or the person is to be forgotten. */
  | { kind: 'retire'; eventId: string }
  | { kind: 'erase'; eventId: string }
  /** The shares of holdouts are others than when it was decided. Acts only while the person is in, and in the other arm. */
  | { kind: 'rearm'; arm: Arm };

export type ChangeOutcome = 'applied' | 'superseded' | 'expired' | 'held_out';

export interface Decided {
  membership: Membership;
  outcome: ChangeOutcome;
  /** True when the row is another one than before and must be stored. */
  changed: boolean;
}

interface Order {
  occurredAt: number;
  removal: boolean;
  eventId: string;
}

/** True when `a` decides over `b`. Event ids are compared by code unit, as Postgres does under `COLLATE "C"`. */
export function outranks(a: Order, b: Order): boolean {
  if (a.occurredAt !== b.occurredAt) return a.occurredAt > b.occurredAt;
  if (a.removal !== b.removal) return a.removal;
  return a.eventId > b.eventId;
}

/**
 * Applies one change to a membership.
 * @param current what the ledger holds, undefined for a person who was never decided on in this audience
 */
export function decide(current: Membership | undefined, change: Change): Decided | undefined {
  if (change.kind !== 'add' && change.kind !== 'remove') return changeMember(current, change);
  const order = { occurredAt: change.occurredAt, removal: change.kind === 'remove', eventId: change.eventId };
  if (current && !outranks(order, current)) return { membership: current, outcome: 'superseded', changed: false };
  const revision = (current?.revision ?? 0) + 1;
  if (change.kind === 'remove') {
    const membership: Membership = { ...order, state: 'out', reason: change.reason, expiresAt: null, arm: change.arm, revision };
    return { membership, outcome: 'applied', changed: true };
  }
  const expiresAt = endOf(change.occurredAt, change.windowMs);
  const over = expiresAt !== null && expiresAt <= change.receivedAt;
  const membership: Membership = {
    ...order,
    state: over ? 'out' : 'in',
    reason: over ? 'expired' : 'added',
    expiresAt,
    arm: change.arm,
    revision,
  };
  const outcome = over ? 'expired' : change.arm === 'holdout' ? 'held_out' : 'applied';
  return { membership, outcome, changed: true };
}

/** What happens to a person who is in, without an event about them. */
function changeMember(current: Membership | undefined, change: Exclude<Change, { kind: 'add' | 'remove' }>): Decided | undefined {
  if (!current) return undefined;
  const nothing: Decided = { membership: current, outcome: 'superseded', changed: false };
  if (change.kind === 'rearm') {
    if (current.state !== 'in' || current.arm === change.arm) return nothing;
    return { membership: { ...current, arm: change.arm, revision: current.revision + 1 }, outcome: 'applied', changed: true };
  }
  if (current.state !== 'in' || current.eventId !== change.eventId) return nothing;
  const leave = (reason: 'expired' | 'retired' | 'erased', expiresAt: number | null): Membership => ({ ...current, state: 'out', reason, expiresAt, revision: current.revision + 1 });
  if (change.kind === 'retire' || change.kind === 'erase') return { membership: leave(change.kind === 'retire' ? 'retired' : 'erased', current.expiresAt), outcome: 'applied', changed: true };
  const expiresAt = change.kind === 'expire' ? current.expiresAt : endOf(current.occurredAt, change.windowMs);
  const over = expiresAt !== null && expiresAt <= change.at;
  if (over) return { membership: leave('expired', expiresAt), outcome: change.kind === 'expire' ? 'applied' : 'expired', changed: true };
  if (expiresAt === current.expiresAt) return nothing;
  return { membership: { ...current, expiresAt, revision: current.revision + 1 }, outcome: 'applied', changed: true };
}

/** Milliseconds since the epoch; null without a window. */
const endOf = (occurredAt: number, windowMs: number | null): number | null => (windowMs === null ? null : occurredAt + windowMs);

/** The membership that survives when two persons turn out to be one: the newest decision wins, per audience. */
export function mergeMemberships(a: Membership, b: Membership): Membership {
  const winner = outranks(a, b) ? a : b;
  return { ...winner, revision: Math.max(a.revision, b.revision) + 1 };
}

/**
 * What the platforms should hold for this membership: a held-out person is decided and timed, but never pushed, and neither
 * is one whose newest word on consent is a denial, whichever audience it came with.
 */
export function wantedAtPlatforms(membership: Membership, consent: Consent | undefined): MembershipState {
  return membership.state === 'in' && membership.arm === 'treatment' && !isDenied(consent) ? 'in' : 'out';
}
