import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { QUEUES, type LifeboatInput } from './contract.ts';

const { applyLifeboat } = proxyActivities<Activities>({
  taskQueue: QUEUES.patient,
  startToCloseTimeout: '60s',
  // A worker that was killed is noticed by its silence.
  heartbeatTimeout: '15s',
  retry: { initialInterval: '2s', maximumInterval: '1m' },
});

/** A group of events that the ledger could not take: applied once it is back. Each event's own workflow starts then. */
export async function lifeboat(batch: LifeboatInput): Promise<{ applied: number; duplicates: number; conflicts: number }> {
  return applyLifeboat.executeWithOptions({ summary: `${String(batch.events.length)} events wait for the ledger` }, [batch]);
}
