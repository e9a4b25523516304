/** What an event's workflow is started with can be read back into the event (headgate reconcile). */
import { expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { eventOfStart, eventStart } from '../../src/temporal/event-start.ts';
import { makeEvent, person } from '../support/events.ts';

const own: HeadgateEvent = { ...makeEvent(person('a')), name: 'shop.refund', attributes: { order_id: 'o-1' }, type: { workflow: 'refundWatch' } };

test.each([['one of Headgate', makeEvent(person('b'))], ['one of a workflow type', own]])('%s', (_what, event) => {
  const { workflow, input } = eventStart(event, { status: 'applied', personId: 'p_1' });
  expect(eventOfStart(event.eventId, workflow, JSON.parse(JSON.stringify(input)))).toEqual({ event: JSON.parse(JSON.stringify(event)) as HeadgateEvent, personId: 'p_1' });
});

test.each([['nothing', undefined], ['text', 'hello'], ["another event's", { event: { eventId: 'other' }, decision: {} }], ['the input of a later run', { event: { eventId: 'x' } }]])('no event: %s', (_what, input) => {
  expect(eventOfStart('x', 'anything', input)).toBeUndefined();
});
