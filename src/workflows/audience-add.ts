import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { formatTime } from '../domain/describe.ts';
import { SUPERSEDED_SIGNAL, type EventWorkflowInput, type Settled } from './contract.ts';
import { expire, settle } from './ledger-steps.ts';

const superseded = defineSignal(SUPERSEDED_SIGNAL);

/**
 * One `cio.audience_add`. The door has already decided it; this workflow stays open while the person is in because of this
 * event, and takes them out when the window ends. It ends early when a newer decision replaces it, which is best effort:
 * expiring does nothing then.
 */
export async function audienceAdd(input: EventWorkflowInput): Promise<Settled> {
  let replaced = false;
  setHandler(superseded, () => void (replaced = true), { description: 'A newer decision has replaced this event.' });

  let settled = await settle(input);
  const { event } = input;
  // As long as this event's window lies ahead: the registry may have got a longer one since.
  while (settled.until !== undefined && settled.personId !== null && event.audienceKey !== undefined) {
    const endsAt = Date.parse(settled.until);
    const summary = `leaves ${event.audienceKey} at ${formatTime(endsAt)}`;
    if (await condition(() => replaced, Math.max(1, endsAt - Date.now()), { summary })) return settle(input);
    settled = await expire({ event, personId: settled.personId, audienceKey: event.audienceKey, endedAt: endsAt });
  }
  return settled;
}
