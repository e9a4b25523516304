/** What the two sides of Temporal share about `reconcile`: see contract.ts. */
import type { JobResult } from './contract.ts';

/** Input of `reconcile`; what a run hands to the next one. */
export interface ReconcileInput {
  /** Look at what was started since then, in milliseconds since the epoch; null: since the restore that was noticed. */
  since: number | null;
  /** Only count. */
  dryRun: boolean;
  /** End it although events were found that cannot be read. */
  acceptLoss: boolean;
  /** Push every audience again, also when nothing is found that the ledger does not know. */
  resync: boolean;
  /** How far it is. */
  progress?: ReconcileProgress;
}

export interface ReconcileProgress {
  /** Where it looks from and to, in milliseconds since the epoch; null: nothing says that the ledger was restored. */
  read: { since: number; from: number; until: number } | null;
  /** Of workflow types that are not Headgate's: what was decided since then is given to Temporal again where that does not know it. Null: none. */
  ownSince: number | null;
  counts: ReconcileCounts;
}

export interface ReconcileCounts {
  /** Event workflows that Temporal knows of that time. */
  found: number;
  /** Of them, events that the ledger did not know, and knows now. */
  recovered: number;
  /** Of them, such as contradict headgate.yaml or the ledger now: they are in quarantine. */
  quarantined: number;
  /** Of them, such whose input is gone. Some are named. */
  lost: number;
  lostIds: string[];
  /** Events for tools that were sent or refused before, and are not sent again. */
  settled: number;
  /** Workflows that Temporal did not know and that have something to do. */
  started: number;
  /** Erasures that are done again, and such as the ledger cannot do again because it was not noted whose they are. */
  erasures: number;
  lostErasures: string[];
  /** Audiences that are pushed again as a whole. */
  resynced: number;
}

/** Where it looks, and since when. */
export type ReconcilePlan = Pick<ReconcileProgress, 'read' | 'ownSince'>;

/** One step of reading back. */
export interface ReadBack extends Pick<ReconcileCounts, 'found' | 'recovered' | 'quarantined' | 'lost' | 'lostIds'> {
  /** Where to go on, in milliseconds since the epoch; null at the end. */
  next: number | null;
}

/** Result of `reconcile`. */
export interface ReconcileResult extends JobResult {
  counts: ReconcileCounts;
  /** False: something was lost, and nobody has accepted that. */
  done: boolean;
}

/** One at a time; a count beside it. */
export const reconcileWorkflowId = ({ dryRun }: Pick<ReconcileInput, 'dryRun'>): string => (dryRun ? 'headgate/reconcile/dry-run' : 'headgate/reconcile');
