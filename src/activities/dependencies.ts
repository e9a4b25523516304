/** What activities are built from; wiring.ts brings it. */
import type { Action } from '../actions/configured-action.ts';
import type { Destination } from '../destinations/destination.ts';
import type { Policies, TargetRef } from '../domain/registry.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Exporter } from '../warehouse/exporter.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import type { Tracing } from '../monitoring/tracing.ts';
import type { TemporalGateway } from '../temporal/index.ts';
import type { MonitorResult } from '../workflows/contract.ts';

export interface ActivityDependencies {
  ledger: Ledger;
  policies: Policies;
  destinations: ReadonlyMap<string, Destination>;
  exporters: ReadonlyMap<string, Exporter>;
  /** How often each target's size is read, in milliseconds. */
  sizesEveryMs: number;
  actions: ReadonlyMap<string, Action>;
  /** Tells an action that something waits. Never waits, never fails. */
  wakeAction: (action: string) => void;
  /** Tells the syncs that something is pending. Never waits, never fails. */
  wake: (targets: readonly TargetRef[]) => void;
  /** Aborted when this process has been asked to stop: whatever goes on for long by itself ends soon. */
  stopping: AbortSignal;
  /** Looks for what is wrong and tells owners; `alarm` has it look at once. */
  monitor: { round: () => Promise<MonitorResult>; alarm: () => void };
  /** What Temporal remembers, and what is started in it by steps. */
  gateway: Pick<TemporalGateway, 'records' | 'newestBeat' | 'startErasure' | 'startResync'>;
  logger: Logger;
  metrics: Metrics;
  tracer?: Tracing;
}
