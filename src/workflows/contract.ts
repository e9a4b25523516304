/**
 * Names that the two sides of Temporal share: workflow types, task queues, ids, inputs, search attributes.
 * No import of Temporal here, so that the api and the ledger may read it.
 */
import type { AuditEntry } from '../domain/audit.ts';
import type { AudienceSize, SizeComparison } from '../domain/audience-size.ts';
import type { ForwardState } from '../domain/forward.ts';
import type { BuiltInEventName, Decision, HeadgateEvent } from '../domain/event.ts';
import type { MembershipState } from '../domain/membership.ts';
import type { FailureReport, SyncState } from '../domain/failures.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { Backlog, ErasedRows, Leaving } from '../ledger/index.ts';
import type { QuarantineEntry } from '../domain/quarantine.ts';

export const QUEUES = {
  /** Event workflows with their local activities. */
  events: 'headgate-events',
  /** Syncs have a queue of their own, so that a backlog of event workflows never delays a push. */
  sync: 'headgate-sync',
  /** Steps that wait for the ledger to come back, and the lifeboat. */
  patient: 'headgate-patient',
  /** Calls to actions: bounded slots, so that a tool that hangs holds up nothing else. */
  forward: 'headgate-forward',
  /** Workflows of types and their steps (docs/new-workflow-type.md): only processes that have types look there. */
  steps: 'headgate-steps',
} as const;

/** The workflow that each event of Headgate's own starts; that of another one travels with it. */
export const WORKFLOW_OF_EVENT: Record<BuiltInEventName, 'audienceAdd' | 'audienceRemove' | 'exposure' | 'forward'> = {
  'cio.audience_add': 'audienceAdd',
  'cio.audience_remove': 'audienceRemove',
  'cio.exposure': 'exposure',
  'cio.forward': 'forward',
  'cio.report': 'exposure',
};

/** Search attributes, all of type Keyword; registered at start-up. */
export const SEARCH_ATTRIBUTES = ['EventName', 'AudienceKey', 'PersonId', 'Destination', 'SyncState', 'Source'] as const;
export type SearchAttributeName = (typeof SEARCH_ATTRIBUTES)[number];

export const syncWorkflowId = (destination: string, audienceKey: string): string => `headgate/sync/${destination}/${audienceKey}`;
export const exportWorkflowId = (exporter: string): string => `headgate/export/${exporter}`;
/** Id of the schedule, and of the workflows that it starts (with their time behind it). */
export const MONITOR_SCHEDULE = 'headgate/monitor';
export const actionWorkflowId = (action: string): string => `headgate/action/${action}`;
export const lifeboatWorkflowId = (uuid: string): string => `headgate/lifeboat/${uuid}`;

export const resyncWorkflowId = (audienceKey: string, at: Date): string => `headgate/resync/${audienceKey}/${at.toISOString()}`;

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
  /** What the last run showed, so that the next one starts with it. */
  standing?: SyncStanding;
  /** Of the pending members, the first so many hold one for which the platform refuses the whole call. */
  suspects?: number;
  /** How many members the platform has rejected since it last accepted one. */
  rejectedInARow?: number;
  /** How many rejections more a person allows, by `retry`. */
  allowed?: number;
  /** When to ask about the first request that is decided later, in milliseconds since the epoch. */
  nextCheckAt?: number;
  /** What is wrong with such requests, and until when they are not asked about (milliseconds since the epoch). */
  requestFailure?: RequestTrouble;
  askNotBefore?: number;
  /** A person has asked for a push at once. */
  now?: boolean;
}

/** A request failed as a whole, or the platform cannot be asked. */
export interface RequestTrouble {
  report: FailureReport;
  failures: number;
}

/** Input of a turn of pushes. */
export interface PushInput extends TargetRef {
  /** Carry no more members than this; absent: as many as the platform takes. */
  mostMembers?: number;
  /** Call although the platform asked for a rest, because a person says so. */
  now?: boolean;
  /** Carry only one member, to find out whether any call goes through: the newest, or the one so many places before it. */
  probe?: number;
  /** Make one call and come back, because what becomes of it matters for the next one. */
  single?: boolean;
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
  /** What the target needs. */
  backlog: PushBacklog;
  /** How many members it carried. */
  carried: number;
}

/** What a turn of pushes did. */
export interface PushResult {
  /** Members that the platform has taken in, at once or for later. */
  accepted: number;
  /** Members that the platform refuses. */
  rejected: number;
  /** Something is pending still, or again. */
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
  /** The target is retired or kept: nothing is pushed there any more, and its sync may end. */
  givenUp?: true;
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

/** What one look of the monitor did. */
export interface MonitorResult {
  /** The ledger's sign of life, so that Temporal knows how old the ledger has become; absent in results of older versions. */
  beat?: { ledger: string; beat: number };
  /** False: another process was at it. */
  ran: boolean;
  findings: number;
  changes: number;
  delivered: number;
  undelivered: number;
}

/** What the ledger is told of a sync. */
export interface StandingReportInput extends TargetRef {
  state: SyncState;
  report?: FailureReport;
  failures: number;
  retryInMs?: number;
}

/** Input of `resync`; what a run hands to the next one. */
export interface ResyncInput {
  audienceKey: string;
  /** Also those who have left: their removal is pushed again. */
  withFormer: boolean;
  /** Whether to ask each platform for the audience's size in the end. */
  verify?: boolean;
  targets: ResyncTarget[];
}

/** How far a resync is at one target. */
export interface ResyncTarget {
  destination: string;
  /** How many it concerns; null until they are counted. */
  members: number | null;
  marked: number;
  /** The person after whom it goes on; null when all are marked. */
  after: string | null;
  /** When the last ones were marked, by the ledger's clock in milliseconds. */
  markedAt: number | null;
  /** How many of them have yet to be pushed; null until that is looked at. */
  pending: number | null;
  /** What the platform told in the end, when it was asked. */
  size?: SizeReport;
}

/** What a platform tells of a target's size. */
export interface SizeReport extends SizeComparison {
  /** Members that are in and that it has taken in. */
  takenIn: number;
  told: AudienceSize | null;
}

export interface MarkForResyncInput extends TargetRef {
  withFormer: boolean;
  after: string;
  limit: number;
}

export interface AwaitPushedInput extends TargetRef {
  markedAt: number;
  /** How long to wait at the most, in milliseconds. */
  forMs: number;
}

/** Names one exporter of the registry. */
export interface ExportRef {
  exporter: string;
}

/** Input of `exposureExport`; what a run hands to the next one. */
export interface ExportInput extends ExportRef {
  standing?: ExportStanding;
}

/** How an export stands, as carried over and shown in the Temporal UI. Times in milliseconds since the epoch. */
export interface ExportStanding {
  state: SyncState;
  failures: number;
  lastSuccessAt?: number;
  report?: FailureReport;
  /** The open transaction that keeps back rows which were written after it began. */
  heldBy?: string;
}

/** What a turn of an export did. */
export interface ExportResult {
  /** Rows that the warehouse has taken. */
  rows: number;
  /** Rows that it refuses. */
  parked: number;
  /** The turn was over before nothing was left. */
  more: boolean;
  paused: boolean;
  /** How long to wait until the next turn, in milliseconds. */
  everyMs: number;
  /** All that are parked, and why the last one is. */
  parkedRows: number;
  parkedReason: string | null;
  heldBy: string | null;
  /** This worker's registry has no such exporter. */
  gone?: true;
}

/** What the ledger is told of an export. */
export interface ExportStandingReport extends ExportRef {
  state: SyncState;
  report?: FailureReport;
  failures: number;
  retryInMs?: number;
}

/** Names one action of the registry. */
export interface ActionRef {
  action: string;
}

/** Input of `actionQueue`; what a run hands to the next one. */
export interface ActionQueueInput extends ActionRef {
  standing?: ActionStandingShown;
}

/** How an action stands, as carried over and shown in the Temporal UI. Times in milliseconds since the epoch. */
export interface ActionStandingShown {
  state: SyncState;
  failures: number;
  lastSuccessAt?: number;
  report?: FailureReport;
  /** More than 10,000 are counted as 10,000. */
  waiting?: number;
}

/** Input of a turn of an action. */
export interface ForwardTurnInput extends ActionRef {
  /** It did not answer as it should when it was last asked: one call at a time. */
  failing: boolean;
  /** A person says so: whatever rests is tried at once. */
  now: boolean;
}

/** What a turn of an action did. */
export interface ForwardTurn {
  /** Calls that were made. */
  tried: number;
  sent: number;
  refused: number;
  /** Something can be sent at once. */
  more: boolean;
  paused: boolean;
  /** When the next one may be tried, in milliseconds; null when none waits. */
  nextInMs: number | null;
  /** How long to make no call, in milliseconds: the budget is used up. */
  restMs: number;
  waiting: number;
  /** The tool does not answer as it should, whatever it is sent. */
  failure?: FailureReport;
  /** Why an event failed that waits alone, while others go through. */
  trouble?: FailureReport;
  /** This worker's registry has no such action. */
  gone?: true;
}

/** What the ledger is told of an action. */
export interface ActionStandingReport extends ActionRef {
  state: SyncState;
  report?: FailureReport;
  failures: number;
  retryInMs?: number;
}

/** Result of `forward`: how the event was decided, and what came back from its action. `forgotten`: its row is gone, because the person was erased. */
export interface Forwarded extends Pick<Settled, 'status' | 'personId'> {
  forward: { action: string; state: ForwardState | 'forgotten'; attempts: number; status?: number; answer?: string; reason?: string };
  /** What keeps the action from sending, while the event waits. */
  action_state?: string;
}

export interface LifeboatInput {
  events: HeadgateEvent[];
  /** Invalid bodies that could not be quarantined while the ledger was down. */
  quarantined: QuarantineEntry[];
}

/** Input of `retire`: some targets of an audience, or the audience with all of them. */
export interface RetireInput {
  audienceKey: string;
  destinations: string[];
  wholeAudience: boolean;
  /** Leave the people with the platforms. */
  keep: boolean;
}

/** Input of `adopt`: targets that were given up and are taken up again. */
export interface AdoptInput {
  audienceKey: string;
  destinations: string[];
}

/** Input of `rewindow`. */
export interface RewindowInput {
  audienceKey: string;
  /** What the registry of whoever asks has, in milliseconds; null: no window. */
  windowMs: number | null;
  /** Only count. */
  dryRun: boolean;
}

/** What a person asks for because the registry changed: a workflow each, followed in the terminal. */
export type RegistryJob = { kind: 'retire'; input: RetireInput } | { kind: 'adopt'; input: AdoptInput } | { kind: 'rewindow'; input: RewindowInput };

/** Result of each of them, for people. */
export interface JobResult {
  said: string;
}

/** The same again is followed, not started twice. */
export function jobWorkflowId({ kind, input }: RegistryJob): string {
  if (kind === 'rewindow') return `headgate/rewindow/${input.audienceKey}${input.dryRun ? '/dry-run' : ''}`;
  const verb = kind === 'retire' && input.keep ? 'keep' : kind;
  const [only, ...others] = input.destinations;
  const whole = kind === 'retire' ? input.wholeAudience : only === undefined || others.length > 0;
  return `headgate/${verb}/${input.audienceKey}${whole || only === undefined ? '' : `/${only}`}`;
}

/** Input of `erase`. */
export interface EraseInput {
  erasureId: string;
  /** Do not wait for platforms that do not let the person go. */
  anyway: boolean;
}

/** What an erasure did. Says nothing of who it was. */
export interface ErasureReceipt {
  rows: ErasedRows;
  /** Workflows whose histories Temporal was told to delete. */
  histories: number;
  /** Where a platform may still hold the person, because nobody waited for it. */
  left_at_platforms: string[];
  /** Rows of each warehouse that were made nobody's, or why they were not, because nobody waited for it. */
  warehouses: Record<string, number | string>;
}

/** Input of `audit`: rows with keys, so that bringing them twice is bringing them once. */
export interface AuditInput {
  entries: readonly AuditEntry[];
}

export const auditWorkflowId = (key: string): string => `headgate/audit/${key}`;

export const eraseWorkflowId = (erasureId: string): string => `headgate/erase/${erasureId}`;

/** Input of `readSizes`. */
export interface ReadSizesInput {
  /** All its targets, now; absent: those of all audiences whose turn it is. */
  audienceKey?: string;
}

export interface SizesRead {
  read: number;
  /** Platforms that could not be asked. */
  unread: number;
}

export const sizesWorkflowId = ({ audienceKey }: ReadSizesInput): string => (audienceKey === undefined ? 'headgate/sizes' : `headgate/sizes/${audienceKey}`);

/** How far a target is that is being retired. */
export interface LeavingReport extends Leaving {
  /** Why no removal gets through at the moment; null when they do. */
  obstacle: string | null;
}

export const fillWorkflowId = ({ destination, audienceKey }: TargetRef): string => `headgate/fill/${destination}/${audienceKey}`;

/** How far a walk through members came: where to go on, null at the end, and how many it changed. */
export interface Walked {
  after: string | null;
  changed: number;
}

/** Messages of `audienceSync`. */
export const SYNC_SIGNALS = { wake: 'wake', pushNow: 'pushNow' } as const;
export const SYNC_UPDATES = { pause: 'pause', resume: 'resume', retry: 'retry', resync: 'resync' } as const;
/** Messages of `exposureExport`, besides the signal `pushNow`. */
export const EXPORT_UPDATES = { pause: 'pause', resume: 'resume', retry: 'retry', restart: 'restart' } as const;
/** Messages of `actionQueue`, besides those of `audienceSync`. */
export const ACTION_UPDATES = { pause: 'pause', resume: 'resume', retry: 'retry' } as const;
/** Signal of `audienceAdd`: a newer decision has replaced this one. */
export const SUPERSEDED_SIGNAL = 'superseded';
/** Query of `resync`: how far it is. */
export const RESYNC_QUERY = 'progress';
