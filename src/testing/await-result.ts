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
export async function awaitResult(handle: WorkflowHandle, { environment, whyNoSkipping, skipInTurn }: TestEnvironment): Promise<unknown> {
  const result: Promise<unknown> = handle.result();
  if (whyNoSkipping !== undefined) return result;
  const ended = result.then(
    () => true,
    () => true,
  );
  const nap = (): Promise<false> => new Promise((resolve) => setTimeout(resolve, NAP_MS, false));
  while (!(await Promise.race([ended, nap()]))) await Promise.race([ended, skipInTurn(() => skipSleep(handle, environment))]);
  return result;
}

async function skipSleep(handle: WorkflowHandle, environment: TestWorkflowEnvironment): Promise<void> {
  const now = await environment.currentTimeMs();
  const due = await nextDue(handle, now);
  if (due !== undefined && due > now) await environment.sleep(Math.ceil(due - now) + 1);
}

/** When the workflow goes on by itself; undefined while it is at work, and when only somebody else can wake it. Milliseconds. */
async function nextDue(handle: WorkflowHandle, now: number): Promise<number | undefined> {
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
  const steps = (raw.pendingActivities ?? []).map(({ lastStartedTime, lastAttemptCompleteTime }) => ({ startedAt: timeOf(lastStartedTime), failedAt: timeOf(lastAttemptCompleteTime) }));
  if (working || steps.some(({ startedAt, failedAt }) => failedAt === undefined || (startedAt ?? 0) > failedAt)) return undefined;
  // The server does not say when a failed step is tried again: wait as long again as it has waited, so about twice its pause at most.
  const again = steps.map(({ failedAt = now }) => now + Math.max(SHORTEST_PAUSE_MS, now - failedAt));
  return [...timers.values(), ...again].sort((a, b) => a - b)[0];
}

const SHORTEST_PAUSE_MS = 500;
const timeOf = (time: Parameters<typeof tsToMs>[0]): number | undefined => (time ? tsToMs(time) : undefined);
