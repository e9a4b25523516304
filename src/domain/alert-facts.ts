/** What the alert rules look at: read from the ledger in one go (ledger/observations.ts). Times in milliseconds since the epoch. */
import type { Drift } from './drift.ts';
import type { SyncState } from './failures.ts';
import type { GuardHold } from './guard.ts';
import type { PendingCounts } from './holding.ts';
import type { TargetRef } from './registry.ts';

export interface TargetFacts extends TargetRef {
  state: SyncState;
  since: number;
  cause: string | null;
  cure: string | null;
  /** Paused by a person. */
  paused: boolean;
  /** Pending and not held by a mode. */
  waiting: PendingCounts;
  /** Pending and held by a mode of the registry. */
  held: number;
  blocked: { count: number; oldestAt: number | null };
  /** People whom the platform has and who should be out: pending or blocked removals of whom it had taken in. */
  stillTargeted: number;
  /** What platforms said of members in the last hour. */
  lastHour: { accepted: number; rejected: number };
  /** What was pending an hour ago and half an hour ago; null when nobody looked. */
  pendingBefore: { anHour: number; halfAnHour: number } | null;
}

export interface DestinationFacts {
  destination: string;
  /** Calls that ended in the last quarter of an hour. */
  calls: number;
  failed: number;
  /** Of the last two minutes. */
  failedLately: number;
  /** When the first of those failed. */
  failingSince: number | null;
  /** Of all its targets. */
  stillTargeted: number;
}

export interface SourceFacts {
  source: string;
  /** Answers of the last quarter of an hour and of the last hour, by what was answered. */
  quarter: Readonly<Record<string, number>>;
  hour: Readonly<Record<string, number>>;
  /** The last webhook that was understood; null when there never was one (in five weeks). */
  lastAt: number | null;
  /** Webhooks in the last hour, in the same hour of each of up to four earlier weeks, and of up to seven earlier days; only where the counts go back so far. */
  volume: { now: number; weeks: number[]; days: number[] };
  quarantine: { open: number; lastHour: number };
}

export interface ExporterFacts {
  exporter: string;
  state: SyncState;
  since: number;
  paused: boolean;
  cause: string | null;
  cure: string | null;
  unsent: number;
  oldestUnsentAt: number | null;
  parked: number;
}

/** How much of a target came and went in a day. */
export interface SwingFacts extends TargetRef {
  adds: number;
  removes: number;
  size: number;
}

export interface ActionFacts {
  action: string;
  state: SyncState;
  since: number;
  paused: boolean;
  cause: string | null;
  cure: string | null;
  waiting: number;
  oldestWaitingAt: number | null;
}

export interface AlertFacts {
  now: number;
  targets: readonly TargetFacts[];
  destinations: readonly DestinationFacts[];
  /** Windows that are over and whose people are still in, by audience. */
  overdue: readonly { audienceKey: string; count: number; oldestAt: number }[];
  sources: readonly SourceFacts[];
  exporters: readonly ExporterFacts[];
  actions: readonly ActionFacts[];
  /** Waves that the guard holds. */
  waves: readonly GuardHold[];
  drifts: readonly Drift[];
  swings: readonly SwingFacts[];
  /** Targets that their platform does not serve, with the reason. */
  tooSmall: readonly (TargetRef & { why: string })[];
  outbox: { waiting: number; oldestAt: number | null };
  /** The ledger or Temporal was restored, and they are not reconciled yet. `since`: what came after it may be missing; null: everything. */
  restores: readonly { what: 'ledger' | 'temporal'; since: number | null; noticedAt: number }[];
  /** Running processes that have loaded another headgate.yaml than most. */
  registries: number;
  /** Channels that have failed for so long that an owner was not told. */
  channels: readonly { owner: string; channel: string; failingSince: number; error: string; attempts: number }[];
}
