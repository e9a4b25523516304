import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { QUEUES, type AuditInput } from './contract.ts';

const { writeAudit } = proxyActivities<Activities>({
  taskQueue: QUEUES.patient,
  startToCloseTimeout: '60s',
  retry: { initialInterval: '2s', maximumInterval: '1m' },
});

/** Brings what a command did, which talks to Temporal itself, into the audit log; however long the ledger is away. */
export async function audit(input: AuditInput): Promise<void> {
  await writeAudit(input);
}
