import { continueAsNew, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { formatTime } from '../domain/describe.ts';
import type { Walked } from './contract.ts';
import type { ReconcileCounts, ReconcileInput, ReconcileResult } from './contract-reconcile.ts';
import { describeReconciled } from './describe-reconcile.ts';
import { steps, walks } from './walk-members.ts';

const NOTHING: ReconcileCounts = { found: 0, recovered: 0, quarantined: 0, lost: 0, lostIds: [], settled: 0, started: 0, erasures: 0, lostErasures: [], resynced: 0 };
const MOST_NAMED = 20;

/**
 * Brings the ledger and Temporal together after one of them, or both, were restored: what Temporal has and the ledger does not is decided again, what the
 * ledger has and Temporal does not is started again, and platforms are made equal to the outcome. Every step may run again; a second run finds nothing to do.
 */
export async function reconcile(input: ReconcileInput): Promise<ReconcileResult> {
  const { dryRun } = input;
  const progress = input.progress ?? { ...(await steps.planReconcile(input)), counts: NOTHING };
  const { read, ownSince } = progress;
  const counts: ReconcileCounts = { ...progress.counts };

  if (read && !input.progress) {
    const { again, lost } = await steps.takeUpErasures(read.since, dryRun);
    counts.erasures = again;
    counts.lostErasures = lost;
  }
  for (let from = read?.from ?? null; read && from !== null; ) {
    setCurrentDetails(`Reads what was started since ${formatTime(read.since)}: now at ${formatTime(from)}. ${describeReconciled(counts, input)}`);
    const { next, lostIds, ...more } = await walks.readBack({ ...read, from, dryRun });
    for (const name of ['found', 'recovered', 'quarantined', 'lost'] as const) counts[name] += more[name];
    counts.lostIds = [...counts.lostIds, ...lostIds].slice(0, MOST_NAMED);
    from = next;
    if (from !== null && workflowInfo().continueAsNewSuggested) await continueAsNew<typeof reconcile>({ ...input, progress: { ...progress, read: { ...read, from }, counts } });
  }
  for (let after: string | null = ''; after !== null; ) {
    const walked: Walked = await walks.settleForwardsAgain(after, dryRun);
    counts.settled += walked.changed;
    after = walked.after;
  }
  for (const kind of ['windows', 'forwards', 'own'] as const) {
    if (kind === 'own' && ownSince === null) continue;
    for (let after: string | null = ''; after !== null; ) {
      setCurrentDetails(`Looks for workflows that Temporal does not know. ${describeReconciled(counts, input)}`);
      const walked: Walked = await walks.startAgain({ kind, after, since: ownSince ?? 0, dryRun });
      counts.started += walked.changed;
      after = walked.after;
    }
  }
  const done = counts.lost === 0 || input.acceptLoss;
  if (!dryRun && done) counts.resynced = await steps.finishReconcile(describeReconciled(counts, input));
  const said = describeReconciled(counts, input, read?.since);
  setCurrentDetails(said);
  return { said, counts, done };
}
