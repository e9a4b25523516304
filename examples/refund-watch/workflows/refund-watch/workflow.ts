/** The n-th refund of a customer within a rolling window opens one task for customer experience (CX). See README.md for why it is right under races. */
import { emit, lastEvent, listEvents, setCurrentDetails, sleep, steps, type EventInput } from 'headgate/workflow';
import type { Activities } from './activities.ts';
import { judge, type Verdict } from './judge.ts';
import type { Refund } from './schema.ts';
import type { Settings } from './settings.ts';
import { isTask, taskSuffix } from './task-suffix.ts';

const { readRules } = steps<Activities>();

/** Longer than any ledger lives. */
const EVER = '36500 days';

export interface Watched {
  /** The event that opened the task; null when none was opened because of this refund. */
  task: string | null;
  because: string;
}

export async function refundWatch(input: EventInput<Refund>): Promise<Watched> {
  const rules = await readRules();
  const first = await look(input, rules);
  if (!first.verdict.opens) return { task: null, because: first.verdict.because };

  setCurrentDetails('Enough refunds for a task. Waits a moment for more of them.');
  await sleep(rules.settle, { summary: 'more refunds may come' });
  const { verdict, lastTask } = await look(input, rules);
  setCurrentDetails('');
  if (!verdict.opens) return { task: null, because: verdict.because };

  const { eventId, status } = await emit(input, {
    oncePer: 'person',
    suffix: taskSuffix(lastTask),
    event: 'cio.forward',
    action: rules.action,
    attributes: {
      title: `${String(verdict.refunds.length)} refunds within ${String(Math.round(rules.within / 86_400_000))} days`,
      refunds: verdict.refunds.length,
      refund_events: verdict.refunds.map((refund) => refund.eventId),
      latest_order: input.data.order_id,
      latest_amount: input.data.amount,
    },
  });
  return status === 'duplicate' ? { task: null, because: `another refund of the same moment opened ${eventId}` } : { task: eventId, because: `${String(verdict.refunds.length)} refunds` };
}

/** What the ledger knows now, and what the rule says of it. */
async function look(input: EventInput<Refund>, rules: Settings): Promise<{ verdict: Verdict; lastTask: string | undefined }> {
  const { event } = input;
  const now = Date.now();
  // Clocks differ: an event may seem to come from the future.
  const until = now + 86_400_000;
  const [refunds, cleared, forwards] = await Promise.all([
    listEvents(input, { event: event.name, within: 2 * rules.within, until: event.occurredAt + rules.within }),
    lastEvent(input, { event: rules.cleared_by, within: EVER, until }),
    listEvents(input, { event: 'cio.forward', action: rules.action, within: EVER, until }),
  ]);
  const task = forwards.find(({ eventId }) => isTask(eventId));
  return { verdict: judge(event, { refunds, clearedAt: cleared?.occurredAt ?? null, taskAt: task?.occurredAt ?? null }, rules, now), lastTask: task?.eventId };
}
