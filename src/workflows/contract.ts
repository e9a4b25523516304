/**
 * Names that the two sides of Temporal share: workflow types, task queues, ids, inputs, search attributes.
 * No import of Temporal here, so that the api and the ledger may read it.
 */
import type { Decision, EventName, HeadgateEvent } from '../domain/event.ts';
import type { MembershipState } from '../domain/membership.ts';
import type { FailureReport, SyncState } from '../domain/failures.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { Backlog } from '../ledger/index.ts';
import type { QuarantineEntry } from '../domain/quarantine.ts';

export const QUEUES = {
  /** Event workflows with their local activities. */
  events: 'headgate-events',
  /** Syncs have a queue of their own, so that a backlog of event workflows never delays a push. */
  sync: 'headgate-sync',
  /** Steps that wait for the ledger to come back, and the lifeboat. */
  patient: 'headgate-patient',
} as const;

/** The workflow that each event starts. */
export const WORKFLOW_OF_EVENT: Record<EventName, 'audienceAdd' | 'audienceRemove' | 'exposure'> = {
  'cio.audience_add': 'audienceAdd',
  'cio.audience_remove': 'audienceRemove',
  'cio.exposure': 'exposure',
};

/** Search attributes, all of type Keyword; registered at start-up. */
export const SEARCH_ATTRIBUTES = ['EventName', 'AudienceKey', 'PersonId', 'Destination', 'SyncState', 'Source'] as const;
export type SearchAttributeName = (typeof SEARCH_ATTRIBUTES)[number];

export const syncWorkflowId = (destination: string, audienceKey: string): string => `headgate/sync/${destination}/${audienceKey}`;
export const lifeboatWorkflowId = (uuid: string): string => `headgate/lifeboat/${uuid}`;

/** Input of every event workflow. */
export interface EventWorkflowInput {
  event: HeadgateEvent;
  decision: Decision;
}

/** How far one platform is with a person: part of an event workflow's result, shown in the Temporal UI. */
export interface PlatformProgress {
  destination: string;
  wanted: MembershipState;
  status: string;
  reason?: string;
}

/** What `settle` found, and the result of an event workflow. Times are ISO 8601 for the people who read it. */
export interface Settled {
  status: Decision['status'];
  personId: string | null;
  audience?: MembershipState;
  /** End of the window, while the person is in because of this very event. */
  until?: string;
  /** Why the person is in or out now, which may have changed since the decision. */
  because?: string;
  platforms: PlatformProgress[];
}

/** Input of the step that ends a window. */
export interface ExpireInput {
  event: HeadgateEvent;
  personId: string;
  audienceKey: string;
  /** When the window ended, in milliseconds since the epoch. */
  endedAt: number;
}

/** Input of `audienceSync`; what a run hands to the next one. */
export interface SyncInput extends TargetRef {
  /** How long one call to the platform may take, in milliseconds. A lost worker's call has ended by then. */
  callTimeoutMs: number;
  /** What the last run showed, so that the next one starts with it. */
  standing?: SyncStanding;
  /** Of the pending members, the first so many hold one for which the platform refuses the whole call. */
  suspects?: number;
  /** How many members the platform has rejected since it last accepted one. */
  rejectedInARow?: number;
  /** When to ask about the first request that is decided later, in milliseconds since the epoch. */
  nextCheckAt?: number;
}

/** Input of one push. */
export interface PushInput extends TargetRef {
  /** Carry no more members than this; absent: as many as the platform takes. */
  mostMembers?: number;
  /** Call although the platform asked for a rest, because a person says so. */
  now?: boolean;
  /** Carry only the newest member, to find out whether any call goes through. */
  probe?: boolean;
}

/** How a sync stands, as carried over and shown in the Temporal UI. Times in milliseconds since the epoch. */
export interface SyncStanding {
  state: SyncState;
  failures: number;
  lastSuccessAt?: number;
  report?: FailureReport;
  backlog?: PushBacklog;
}

/** What a target needs, as the ledger counts it. */
export type PushBacklog = Backlog;

/** A call that the platform refused, as carried in the failure's details. */
export interface FailedCall {
  /** What the target needed when the call was put together. */
  backlog: PushBacklog;
  /** How many members it carried. */
  carried: number;
}

/** What one push did. */
export interface PushResult {
  operation: 'add' | 'remove' | 'none';
  /** Members that the platform has taken in, at once or for later. */
  accepted: number;
  /** Members that the platform refuses. */
  rejected: number;
  /** Members with nothing that the platform takes; no call was made for them. */
  unusable: number;
  /** More is pending than this push carried: push again at once. */
  more: boolean;
  backlog: PushBacklog;
  /** The ledger says that this target is paused. */
  paused: boolean;
  /** When to ask what became of a request that the platform decides later, in milliseconds; null when there is none. */
  nextCheckMs: number | null;
  /** How long to make no call, in milliseconds: the account's budget is used up. */
  restMs: number;
  /** The platform itself asked for that rest. */
  resting: boolean;
  /** Least time until the next call, in milliseconds, so that changes gather. */
  paceMs: number;
  callTimeoutMs: number;
}

/** What came of asking about requests that a platform decides later. */
export interface FollowUpResult {
  /** Members who are pending again. */
  again: number;
  /** At least one request was decided, and not refused as a whole. */
  decided: boolean;
  /** When to ask again, in milliseconds; null when nothing is open. */
  nextCheckMs: number | null;
  /** Why a request failed as a whole, if one did. */
  failed: FailureReport | null;
}

/** What the ledger is told of a sync. */
export interface StandingReportInput extends TargetRef {
  state: SyncState;
  report?: FailureReport;
  failures: number;
  retryInMs?: number;
}

export interface LifeboatInput {
  events: HeadgateEvent[];
  /** Invalid bodies that could not be quarantined while the ledger was down. */
  quarantined: QuarantineEntry[];
}

/** Messages of `audienceSync`. */
export const SYNC_SIGNALS = { wake: 'wake', pushNow: 'pushNow' } as const;
export const SYNC_UPDATES = { pause: 'pause', resume: 'resume', retry: 'retry' } as const;
/** Signal of `audienceAdd`: a newer decision has replaced this one. */
export const SUPERSEDED_SIGNAL = 'superseded';
