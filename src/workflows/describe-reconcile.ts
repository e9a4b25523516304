import { formatTime } from '../domain/describe.ts';
import type { ReconcileCounts, ReconcileInput } from './contract-reconcile.ts';

const many = (count: number, one: string, more = `${one}s`): string => `${String(count)} ${count === 1 ? one : more}`;

/** What was done, or with a dry run would be. @param since given in the end: from when on Temporal was read */
export function describeReconciled(counts: ReconcileCounts, { dryRun, acceptLoss }: Pick<ReconcileInput, 'dryRun' | 'acceptLoss'>, since?: number): string {
  const would = dryRun ? 'would be ' : '';
  const parts = [
    ...(since === undefined ? [] : [`read what Temporal has started since ${formatTime(since)}`]),
    `${many(counts.found, 'event')} found, ${String(counts.recovered)} of them unknown to the ledger and ${would}decided again`,
    ...(counts.quarantined === 0 ? [] : [`${String(counts.quarantined)} ${would}put into quarantine, because they contradict headgate.yaml`]),
    ...(counts.settled === 0 ? [] : [`${many(counts.settled, 'event')} for tools ${would}marked as answered before, and not sent again`]),
    ...(counts.erasures === 0 ? [] : [`${many(counts.erasures, 'erasure')} ${would}done again`]),
    ...(counts.started === 0 ? [] : [`${many(counts.started, 'workflow')} that Temporal does not know ${would}started again`]),
    ...(counts.resynced === 0 ? [] : [`${many(counts.resynced, 'audience')} pushed again as a whole`]),
    ...(counts.lostErasures.length === 0 ? [] : [`erasures of whom the ledger cannot know any more, ask for them again: ${counts.lostErasures.join(', ')}`]),
    ...(counts.lost === 0 ? [] : [`${many(counts.lost, 'event')} cannot be read any more (${counts.lostIds.join(', ')})${acceptLoss ? '' : ': adds and forwards stay held until --accept-loss says that they are given up'}`]),
  ];
  return parts.join('; ');
}
