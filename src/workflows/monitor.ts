import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { MonitorResult } from './contract.ts';

const { monitor: look } = proxyActivities<Activities>({ startToCloseTimeout: '50s', retry: { maximumAttempts: 2, initialInterval: '2s' }, summary: 'looks at the ledger and tells owners what changed' });

/** One look of the monitor, each minute by the schedule `headgate/monitor`. What cannot be looked at now is looked at a minute later. */
export async function monitor(): Promise<MonitorResult> {
  const result = await look();
  setCurrentDetails(`${String(result.findings)} findings, ${String(result.changes)} changes, ${String(result.delivered)} messages delivered, ${String(result.undelivered)} not yet.`);
  return result;
}
