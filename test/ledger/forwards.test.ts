/** The queue of actions in the ledger: what is claimed, in which order, and whose it is. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { openLedger, type Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makeEvent, makePolicies, person } from '../support/events.ts';

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createDatabase();
  ledger = openLedger({ url: database.url, policies: makePolicies(), logger: createLogger({ level: 'silent', pretty: false }) });
});
afterAll(async () => {
  await ledger.close();
  await database.drop();
});

let actions = 0;
const newAction = (): string => `action_${String(++actions)}`;
function forward(action: string, more: Partial<HeadgateEvent> = {}): HeadgateEvent {
  const event = makeEvent({ name: 'cio.forward', action, ...more });
  delete event.audienceKey;
  return event;
}
const apply = async (...events: HeadgateEvent[]): Promise<string[]> => (await ledger.applyEvents(events.map((event) => ({ kind: 'event', event })))).outcomes.map(({ kind }) => kind);
const take = async (action: string, { ordered = false, limit = 10, claimMs = 60_000 } = {}): Promise<string[]> => (await ledger.takeForwards(action, { ordered, limit, claimMs })).map(({ eventId }) => eventId);
const ANSWER = { status: 200, answer: 'ok', reason: null };

test('an event waits once for its action, with what a template may use; another action under its id is a conflict', async () => {
  const action = newAction();
  const event = forward(action, { ...person('fields'), attributes: { sku: 'A' }, context: { campaign_id: 7 } });
  expect(await apply(event, event)).toEqual(['decided', 'duplicate']);
  expect(await apply(event)).toEqual(['duplicate']);
  expect(await apply({ ...event, action: newAction() })).toEqual(['conflict']);
  const [taken] = await ledger.takeForwards(action, { ordered: false, limit: 10, claimMs: 60_000 });
  expect(taken).toMatchObject({ eventId: event.eventId, attempts: 1, fields: { action, customer_id: 'c_fields', email_sha256: event.person.emailHash, attributes: { sku: 'A' }, context: { campaign_id: 7 } } });
  expect(await take(action)).toEqual([]);
  await ledger.settleForward(event.eventId, 'sent', ANSWER);
  expect(await ledger.readForward(event.eventId)).toMatchObject({ state: 'sent', status: 200, answer: 'ok' });
  expect(await database.query('select fields from forwards where event_id = $1', [event.eventId])).toEqual([{ fields: null }]);
});

test('a claim is nobody else\'s until it runs out; what runs at once takes different events', async () => {
  const action = newAction();
  const events = Array.from({ length: 6 }, (_, index) => forward(action, person(`claim${String(index)}`)));
  await apply(...events);
  const taken = (await Promise.all([take(action, { limit: 2 }), take(action, { limit: 2 }), take(action, { limit: 2 })])).flat();
  expect([...taken].sort()).toEqual(events.map(({ eventId }) => eventId).sort());
  expect(await ledger.nextForwardIn(action, false)).toBeGreaterThan(1_000);
  await database.query("update forwards set calling_until = clock_timestamp() - interval '1 second' where event_id = $1", [taken[0]]);
  expect(await take(action)).toEqual([taken[0]]);
});

test('of one person one after the other, also of two who turn out to be one', async () => {
  const action = newAction();
  const [lead, customer] = [{ emailHash: 'f'.repeat(64) }, { customerId: 'c_merged' }];
  const first = forward(action, { person: lead, identifiers: {} });
  const second = forward(action, { person: customer, identifiers: {} });
  await apply(first);
  await apply(second);
  // Links the two.
  await apply(forward(newAction(), { person: { ...lead, ...customer }, identifiers: {} }));
  const third = forward(action, { person: lead, identifiers: {} });
  await apply(third);
  expect(await take(action, { ordered: true })).toEqual([first.eventId]);
  expect(await ledger.nextForwardIn(action, true)).toBeGreaterThan(1_000);
  await ledger.settleForward(first.eventId, 'refused', { status: 400, answer: '', reason: 'no' });
  expect(await take(action, { ordered: true })).toEqual([second.eventId]);
  await ledger.settleForward(second.eventId, 'sent', ANSWER);
  expect(await take(action, { ordered: true })).toEqual([third.eventId]);
  expect(await ledger.retryForwards(action)).toBe(1);
});

test('what failed is tried after what was not tried yet', async () => {
  const action = newAction();
  const [failed, fresh] = [forward(action, person('failed')), forward(action, person('fresh'))];
  await apply(failed);
  await apply(fresh);
  expect(await take(action, { limit: 1 })).toEqual([failed.eventId]);
  await ledger.delayForward(failed.eventId, 0, { status: 500, answer: null, reason: 'HTTP 500' });
  expect(await take(action, { limit: 1 })).toEqual([fresh.eventId]);
  expect(await take(action, { limit: 1 })).toEqual([failed.eventId]);
});

test('previews go nowhere, and old ones are forgotten', async () => {
  const action = newAction();
  await apply(forward(action, { ...person('preview'), test: true }));
  expect(await take(action)).toEqual([]);
  const event = forward(action, person('old'));
  await apply(event);
  await ledger.settleForward(event.eventId, 'sent', ANSWER);
  await database.query("update forwards set settled_at = now() - interval '31 days' where event_id = $1", [event.eventId]);
  await ledger.forgetOldForwards(30);
  expect(await ledger.readForward(event.eventId)).toBeUndefined();
});
