/** Requests that a platform decides later. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { openLedger, type Ledger, type MemberOutcome, type OpenRequest, type Settlement } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, makeEvent, makePolicies, person } from '../support/events.ts';

const TARGET = { destination: 'meta_main', audienceKey: CART };
let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createDatabase();
  ledger = openLedger({ url: database.url, policies: makePolicies(), logger: createLogger({ level: 'silent', pretty: false }) });
});
beforeEach(() => database.query('truncate events, persons, person_identifiers, memberships, deliveries, pushes, targets, outbox, exposures'));
afterAll(async () => {
  await ledger.close();
  await database.drop();
});

const apply = (...events: HeadgateEvent[]) => ledger.applyEvents(events.map((event) => ({ kind: 'event', event })));
const statuses = async (): Promise<string[]> => (await database.query<{ status: string }>('select status from deliveries d join persons using (person_id) order by customer_id')).map(({ status }) => status);

/** Pushes what is pending as a request that is decided later, and returns it. */
async function request(giveUpAfterMs = 60_000): Promise<OpenRequest> {
  const { operation, members } = await ledger.loadPending(TARGET, 100);
  if (operation === 'none') throw new Error('nothing is pending');
  const pushId = await ledger.startPush(TARGET, { operation, members, deadlineMs: 60_000 });
  const taken = members.map(({ personId, revision }): MemberOutcome => ({ personId, revision, status: 'processing' }));
  await ledger.finishPush(TARGET, { pushId, operation }, taken, { requestId: `request of ${pushId}`, checkAfterMs: 0, giveUpAfterMs });
  return { pushId, requestId: `request of ${pushId}`, operation, members: members.length, checks: 0 };
}
const settle = (open: OpenRequest, settlement: Settlement) => ledger.settleRequest(TARGET, open, settlement);
const [before, now] = [() => Date.now() - 5_000, () => Date.now()];

test('taken in is processing, not accepted, until the platform says so', async () => {
  await apply(makeEvent(person('a')));
  const open = await request();
  expect(await statuses()).toEqual(['processing']);
  expect((await ledger.loadPending(TARGET, 10)).backlog).toMatchObject({ adds: 0, processing: 1 });
  expect(await ledger.findDueRequests(TARGET, 10)).toEqual([open]);
  await ledger.postponeCheck(open.pushId, 60_000);
  expect(await ledger.findDueRequests(TARGET, 10)).toEqual([]);
  expect(await ledger.readNextCheck(TARGET)).toBeGreaterThan(50_000);
  await settle(open, { status: 'accepted' });
  expect(await statuses()).toEqual(['accepted']);
  expect(await ledger.readNextCheck(TARGET)).toBeNull();
});

test('a newer decision goes out at once, and both are followed by one more push when the last of them is decided', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: before() }));
  const add = await request();
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove', occurredAt: now() }));
  const removal = await request();
  expect(removal.operation).toBe('remove');
  expect(await settle(removal, { status: 'accepted' })).toEqual({ again: 0 });
  expect(await settle(add, { status: 'accepted' })).toEqual({ again: 1 });
  const last = await request();
  expect(last.operation).toBe('remove');
  expect(await settle(last, { status: 'accepted' })).toEqual({ again: 0 });
  expect(await statuses()).toEqual(['accepted']);
});

test('the same, decided in the order in which they were sent', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: before() }));
  const add = await request();
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove', occurredAt: now() }));
  const removal = await request();
  expect(await settle(add, { status: 'accepted' })).toEqual({ again: 0 });
  expect(await settle(removal, { status: 'accepted' })).toEqual({ again: 1 });
  expect((await request()).operation).toBe('remove');
});

test('a request of other people in between changes nothing', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: before() }));
  const first = await request();
  await apply(makeEvent(person('b')));
  const second = await request();
  expect(await settle(first, { status: 'accepted' })).toEqual({ again: 0 });
  expect(await settle(second, { status: 'accepted' })).toEqual({ again: 0 });
});

test('a request that is never decided is sent again', async () => {
  await apply(makeEvent(person('a')));
  await request(1);
  await database.query('select pg_sleep(0.01)');
  expect(await ledger.findTargetsToPush()).toEqual([TARGET]);
  expect((await ledger.loadPending(TARGET, 10)).members).toHaveLength(1);
});

test('a request with wrong members is halved until each of them stands alone, and nobody else comes in between', async () => {
  await apply(...['a', 'b', 'c', 'd'].map((name) => makeEvent(person(name))));
  await settle(await request(), { status: 'split' });
  await apply(makeEvent(person('e')));
  const halves = [await request(), await request(), await request()];
  expect(halves.map(({ members }) => members)).toEqual([2, 2, 1]);
  await settle(halves[0]!, { status: 'accepted' });
  await settle(halves[1]!, { status: 'split' });
  await settle(halves[2]!, { status: 'accepted' });
  const alone = [await request(), await request()];
  expect(alone.map(({ members }) => members)).toEqual([1, 1]);
  await settle(alone[0]!, { status: 'accepted' });
  await settle(alone[1]!, { status: 'rejected', reason: 'wrong' });
  expect((await statuses()).toSorted()).toEqual(['accepted', 'accepted', 'accepted', 'accepted', 'rejected']);
  expect(await database.query('select 1 from deliveries where batch is not null')).toEqual([]);
});

test('a decision that came while a request failed is not undone by sending the request again', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: before() }), makeEvent({ ...person('b'), occurredAt: before() }));
  const open = await request();
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove', occurredAt: now() }));
  await settle(open, { status: 'again' });
  const removal = await ledger.loadPending(TARGET, 10);
  expect(removal).toMatchObject({ operation: 'remove', members: [{ customerId: 'c_a' }], backlog: { adds: 1, removes: 1 } });
});

test('an answer that comes after the request was given up changes nothing', async () => {
  await apply(makeEvent(person('a')));
  const open = await request(1);
  await database.query('select pg_sleep(0.01)');
  await ledger.loadPending(TARGET, 10);
  expect(await settle(open, { status: 'accepted' })).toEqual({ again: 0 });
  expect(await statuses()).toEqual(['pending']);
});

test('blocked removals come back after a while, and at once when a person asks', async () => {
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove' }));
  const { members } = await ledger.loadPending(TARGET, 10);
  const pushId = await ledger.startPush(TARGET, { operation: 'remove', members, deadlineMs: 60_000 });
  await ledger.finishPush(TARGET, { pushId, operation: 'remove' }, members.map(({ personId, revision }) => ({ personId, revision, status: 'blocked', reason: 'too small' })));
  expect((await ledger.loadPending(TARGET, 10)).backlog).toMatchObject({ removes: 0, blocked: 1, blockedReason: 'too small' });
  expect(await ledger.retryBlocked(60_000)).toBe(0);
  expect(await ledger.retryRefused(TARGET, 'c_somebody_else')).toBe(0);
  expect(await ledger.retryRefused(TARGET, 'c_a')).toBe(1);
  expect(await statuses()).toEqual(['pending']);
  await database.query("update deliveries set status = 'blocked', settled_at = now() - interval '1 hour'");
  expect(await ledger.retryBlocked(60_000)).toBe(1);
});
