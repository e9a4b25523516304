/** Which runs are older than a key, and how those that go on for ever are begun anew. */
import { ScheduleNotFoundError, type Client } from '@temporalio/client';
import { MONITOR_SCHEDULE } from '../workflows/contract.ts';
import type { TemporalGateway } from './gateway.ts';

/** One per target, action and warehouse. They continue as new when their history is long, which takes a quiet one years. */
const FOR_EVER = ['audienceSync', 'actionQueue', 'exposureExport'];

export interface RunsBefore {
  /** Ids of the workflows that go on for ever and whose run began before. */
  forEver: string[];
  /** How many others are open since before; each ends by itself. */
  others: number;
  /** How many closed ones Temporal still keeps for looking at. */
  closed: number;
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

/** As Temporal's visibility has it, which is some seconds behind. */
export async function readRunsBefore({ workflow }: Client, before: Date): Promise<RunsBefore> {
  const older = `StartTime < '${before.toISOString()}'`;
  const forEver: string[] = [];
  for await (const { workflowId } of workflow.list({ query: `${older} AND ExecutionStatus = 'Running' AND WorkflowType IN (${quoted(FOR_EVER)})` })) forEver.push(workflowId);
  const open = await workflow.count(`${older} AND ExecutionStatus = 'Running'`);
  const all = await workflow.count(older);
  return { forEver, others: Math.max(0, open.count - forEver.length), closed: Math.max(0, all.count - open.count) };
}

/**
 * Ends the run of a workflow that goes on for ever, and starts the next one. What it knows is in the ledger, pauses too, and a call that is under way is settled
 * there as after a crash.
 */
export async function beginAnew({ workflow }: Client, gateway: TemporalGateway, workflowId: string): Promise<void> {
  await workflow.getHandle(workflowId).terminate('begun anew by headgate encryption renew');
  const [, kind, name = '', audienceKey = ''] = workflowId.split('/');
  if (kind === 'sync') await gateway.wakeSync({ destination: name, audienceKey });
  else if (kind === 'action') await gateway.wakeAction(name);
  else await gateway.startExport(name);
}

/** Its summary was encrypted when it was made. */
export async function makeMonitorScheduleAnew({ schedule }: Client, gateway: TemporalGateway): Promise<void> {
  try {
    await schedule.getHandle(MONITOR_SCHEDULE).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
  await gateway.scheduleMonitor();
}
