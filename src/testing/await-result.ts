/**
 * Waits for a workflow's result and skips the time that the workflow sleeps, and no more. What the SDK's own client does
 * lets the clock run free while it waits, which may end years later: at the time when the server would give the workflow up.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { TestEnvironment } from './environment.ts';

/** How long a workflow may do something before it is looked whether it sleeps, in real milliseconds. */
const NAP_MS = 20;

/** @param handle of a client that skips nothing by itself */
export async function awaitResult(handle: WorkflowHandle, { environment, whyNoSkipping }: TestEnvironment): Promise<unknown> {
  const result: Promise<unknown> = handle.result();
  if (whyNoSkipping !== undefined) return result;
  const ended = result.then(
    () => true,
    () => true,
  );
  const nap = (): Promise<false> => new Promise((resolve) => setTimeout(resolve, NAP_MS, false));
  while (!(await Promise.race([ended, nap()]))) await skipSleep(handle, environment);
  return result;
}

async function skipSleep(handle: WorkflowHandle, environment: TestWorkflowEnvironment): Promise<void> {
  const due = await nextDue(handle);
  const left = due === undefined ? 0 : due - (await environment.currentTimeMs());
  if (left > 0) await environment.sleep(Math.ceil(left) + 1);
}

/** temporal.api.enums.v1.PendingActivityState: a worker is at it. */
const AT_WORK = 2;

/** When the workflow goes on by itself; undefined while it is at work, and when only somebody else can wake it. Milliseconds. */
async function nextDue(handle: WorkflowHandle): Promise<number | undefined> {
  const [{ raw }, { events }] = await Promise.all([handle.describe(), handle.fetchHistory()]);
  const timers = new Map<string, number>();
  let working = false;
  for (const { eventTime, ...event } of events ?? []) {
    const { timerStartedEventAttributes: started } = event;
    const ended = event.timerFiredEventAttributes ?? event.timerCanceledEventAttributes;
    if (started) timers.set(started.timerId ?? '', tsToMs(eventTime) + tsToMs(started.startToFireTimeout));
    if (ended) timers.delete(ended.timerId ?? '');
    if (event.workflowTaskScheduledEventAttributes) working = true;
    if (event.workflowTaskCompletedEventAttributes) working = false;
  }
  const steps = raw.pendingActivities ?? [];
  if (working || steps.some(({ state }) => Number(state) === AT_WORK)) return undefined;
  return [...timers.values(), ...steps.map(({ scheduledTime }) => (scheduledTime ? tsToMs(scheduledTime) : Infinity))].sort((a, b) => a - b)[0];
}
