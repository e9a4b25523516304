/**
 * Steps on the ledger. First one short local attempt, which costs no task of its own; when the ledger is away, the same step
 * as an ordinary activity on the patient queue. A local activity that kept failing would hold a workflow-task slot (200 of them
 * starve a worker), show nothing in the UI and fill the history.
 */
import { isCancellation, proxyActivities, proxyLocalActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { QUEUES, type EventWorkflowInput, type ExpireInput, type Forwarded, type Settled } from './contract.ts';

const quick = proxyLocalActivities<Activities>({ startToCloseTimeout: '1s', scheduleToCloseTimeout: '2s', retry: { maximumAttempts: 1 } });
const patient = proxyActivities<Activities>({
  taskQueue: QUEUES.patient,
  startToCloseTimeout: '60s',
  // A worker that was killed is noticed by its silence.
  heartbeatTimeout: '15s',
  retry: { initialInterval: '5s', maximumInterval: '5m' },
});

async function quickElsePatient<T>(quickStep: () => Promise<T>, patientStep: () => Promise<T>): Promise<T> {
  try {
    return await quickStep();
  } catch (error) {
    if (isCancellation(error)) throw error;
    setCurrentDetails('Waits for the ledger (Postgres), which does not answer. It goes on by itself.');
    const result = await patientStep();
    setCurrentDetails('');
    return result;
  }
}

/** How the event was decided and how far each platform is. */
export const settle = ({ event }: EventWorkflowInput): Promise<Settled> =>
  quickElsePatient(
    async () => (await quick.settle(event.eventId)) ?? quick.decide(event),
    () => patient.settleWhenLedgerIsUp(event),
  );

/** How far a `cio.forward` is. */
export const settleForward = ({ event }: EventWorkflowInput): Promise<Forwarded> =>
  quickElsePatient(
    () => quick.settleForward(event),
    () => patient.settleForwardWhenLedgerIsUp(event),
  );

/** Takes the person out, unless a newer decision has replaced the event that armed the window. */
export const expire = (input: ExpireInput): Promise<Settled> =>
  quickElsePatient(
    () => quick.expire(input),
    () => patient.expireWhenLedgerIsUp(input),
  );
