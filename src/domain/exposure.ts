/** The analyst's rows: one for each event, and one for each decision on an audience that an event or the time brought about. Pure. */
import type { HeadgateEvent } from './event.ts';
import type { Merge } from './identity.ts';
import type { Arm, ChangeOutcome, Membership, MembershipReason, MembershipState } from './membership.ts';

/**
 * What an event did to its person in its audience. `renewed`: was in already. `held_out`: would have entered, and counts as the ghost
 * exposure of who is held out. `absent`: taken out who was not in. `noted`: no audience was decided on. `reported`: of the reporting feed.
 */
export type ExposureOutcome = 'entered' | 'renewed' | 'held_out' | 'left' | 'expired' | 'absent' | 'superseded' | 'noted' | 'reported' | 'merged';

/** The outcome of an event's own row, and the membership's reason and arm after it. */
export interface Exposed {
  outcome: ExposureOutcome;
  reason?: MembershipReason;
  arm?: Arm;
}

/** A row that has no webhook of its own: a window ended, another audience excluded this one, a member changed arms, two persons turned out to be one. */
export interface BroughtAbout extends Exposed {
  /** `<event id>/expired`, `/left/<audience key>` …: no event id has a `/`. */
  exposureId: string;
  causedBy: string;
  source: string | null;
  name: 'headgate.left' | 'headgate.rearmed' | 'headgate.merged';
  personId: string;
  audienceKey: string | null;
  /** Milliseconds since the epoch. */
  occurredAt: number;
  receivedAt: number;
  attributes?: Record<string, string>;
}

/** @param before the state before the event; undefined for somebody who was never decided on */
export function outcomeOfAdd(before: MembershipState | undefined, decided: ChangeOutcome): ExposureOutcome {
  if (decided === 'superseded' || decided === 'expired') return decided;
  if (before === 'in') return 'renewed';
  return decided === 'held_out' ? 'held_out' : 'entered';
}

export function outcomeOfRemoval(before: MembershipState | undefined, decided: ChangeOutcome): ExposureOutcome {
  if (decided === 'superseded') return decided;
  return before === 'in' ? 'left' : 'absent';
}

/**
 * Of a member who changed arms: who is held out from now on has a ghost exposure now, and who is not enters now.
 * @param at milliseconds since the epoch
 */
export const rearmedRow = (personId: string, audienceKey: string, { eventId, occurredAt, reason, arm, revision }: Membership, at: number): BroughtAbout => ({
  exposureId: `${eventId}/rearmed/${String(revision)}`, causedBy: eventId, source: null, name: 'headgate.rearmed', personId, audienceKey,
  // An event's time may lie some minutes ahead.
  occurredAt: Math.max(at, occurredAt), receivedAt: at, outcome: arm === 'holdout' ? 'held_out' : 'entered', reason, arm,
});

/**
 * Of a member whose newer add came when its own window was over already, before anybody had ended the one that the member was in by.
 * @param at milliseconds since the epoch: when it came
 */
export const overtakenRow = (personId: string, audienceKey: string, { eventId, expiresAt, arm }: Membership, at: number): BroughtAbout => ({
  exposureId: `${eventId}/expired`, causedBy: eventId, source: null, name: 'headgate.left', personId, audienceKey,
  occurredAt: Math.min(expiresAt ?? at, at), receivedAt: at, outcome: 'expired', reason: 'expired', arm,
});

/**
 * Of a member whom no event took out: the window is over, or the audience or the person is given up.
 * @param before the membership until then, and `after` since
 * @param at milliseconds since the epoch: when it was looked at
 */
export const endedRow = (personId: string, audienceKey: string, before: Membership, { reason, expiresAt }: Membership, at: number): BroughtAbout => ({
  exposureId: `${before.eventId}/${reason}`, causedBy: before.eventId, source: null, name: 'headgate.left', personId, audienceKey,
  occurredAt: (reason === 'expired' ? expiresAt : null) ?? Math.max(at, before.occurredAt), receivedAt: at, outcome: reason === 'expired' ? 'expired' : 'left', reason, arm: before.arm,
});

type Cause = Pick<HeadgateEvent, 'eventId' | 'source' | 'occurredAt' | 'receivedAt'>;

/** Of a member whom an event about something else took out. */
export const leftRow = (personId: string, audienceKey: string, reason: MembershipReason, arm: Arm, { eventId, source, occurredAt, receivedAt }: Cause): BroughtAbout => ({
  exposureId: `${eventId}/left/${audienceKey}`, causedBy: eventId, source, name: 'headgate.left', personId, audienceKey, occurredAt, receivedAt, outcome: 'left', reason, arm,
});

/** Two stored persons turned out to be one. */
export const mergedRow = ({ survivor, loser }: Merge, { eventId, source, occurredAt, receivedAt }: Cause): BroughtAbout => ({
  exposureId: `${eventId}/merged/${loser}`, causedBy: eventId, source, name: 'headgate.merged', personId: survivor, audienceKey: null,
  occurredAt, receivedAt, outcome: 'merged', attributes: { person_id: loser },
});

/** One of two persons was in, and the other one's newer decision says that the person whom they turned out to be is out. */
export const leftByMergeRow = ({ survivor, loser }: Merge, audienceKey: string, { occurredAt, expiresAt, reason, arm }: Membership, event: HeadgateEvent): BroughtAbout => ({
  exposureId: `${event.eventId}/left/${audienceKey}/${loser}`, causedBy: event.eventId, source: event.source, name: 'headgate.left', personId: survivor, audienceKey,
  occurredAt: reason === 'expired' ? Math.min(expiresAt ?? event.receivedAt, event.receivedAt) : occurredAt, receivedAt: event.receivedAt, outcome: 'left', reason, arm,
});
