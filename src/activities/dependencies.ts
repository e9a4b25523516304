/** What activities are built from; wiring.ts brings it. */
import type { Destination } from '../destinations/destination.ts';
import type { Policies, TargetRef } from '../domain/registry.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';

export interface ActivityDependencies {
  ledger: Ledger;
  policies: Policies;
  destinations: ReadonlyMap<string, Destination>;
  /** Tells the syncs that something is pending. Never waits, never fails. */
  wake: (targets: readonly TargetRef[]) => void;
  logger: Logger;
  metrics: Metrics;
}
