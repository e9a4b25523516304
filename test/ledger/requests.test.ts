/** Requests that a platform decides later. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { openLedger, type Ledger, type MemberOutcome, type OpenRequest, type Pending, type PushOperation, type Settlement } from '../../src/ledger/index.ts';
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

async function start(operation: PushOperation, members: Pending['members']): Promise<string> {
  const started = await ledger.startPush(TARGET, { operation, members, deadlineMs: 60_000 });
  if ('busyMs' in started) throw new Error('another push is under way');
  return started.pushId;
}

/** Pushes what is pending as a request that is decided later, and returns it. */
async function request(giveUpAfterMs = 60_000, most = 100): Promise<OpenRequest> {
  const { operation, members } = await ledger.loadPending(TARGET, most, { atOnce: true, callsAreScarce: true });
  if (operation === 'none') throw new Error('nothing is pending');
  const pushId = await start(operation, members);
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
  expect(await ledger.readBacklog(TARGET)).toMatchObject({ adds: 0, processing: 1 });
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
  expect((await ledger.loadPending(TARGET, 10, { atOnce: true })).members).toHaveLength(1);
});

test('a call of a lost worker that the platform has taken in, and decides after newer requests, is followed by one more push', async () => {
  const endDeadlines = () => database.query('update pushes set deadline = clock_timestamp() where finished_at is null');
  const look = () => ledger.loadPending(TARGET, 10, { atOnce: true, decidesWithinMs: 60_000 });
  await apply(makeEvent({ ...person('a'), occurredAt: before() }));
  const { members } = await look();
  await start('add', members);
  await endDeadlines();
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove', occurredAt: now() }));
  expect((await look()).operation).toBe('remove');
  await settle(await request(), { status: 'accepted' });
  expect((await look()).operation).toBe('none');
  await endDeadlines();
  expect(await ledger.findTargetsToPush()).toEqual([TARGET]);
  expect(await look()).toMatchObject({ operation: 'remove', members: [{ customerId: 'c_a' }] });
  expect(await database.query('select 1 from pushes where finished_at is null')).toEqual([]);
});

test('a request that a worker made after it had slept, and was taken for lost, is asked about', async () => {
  await apply(makeEvent(person('a')));
  const { members } = await ledger.loadPending(TARGET, 10, { atOnce: true });
  const pushId = await start('add', members);
  await database.query('update pushes set deadline = clock_timestamp()');
  await ledger.loadPending(TARGET, 10);
  await ledger.finishPush(TARGET, { pushId, operation: 'add' }, [], { requestId: 'late', checkAfterMs: 0, giveUpAfterMs: 60_000 });
  expect(await ledger.findDueRequests(TARGET, 10)).toMatchObject([{ pushId, requestId: 'late' }]);
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

test('after a few small requests on a young ledger a large one is sent again, and does not run into the time limit of a query', async () => {
  for (let index = 0; index < 8; index++) {
    await apply(makeEvent(person(`small${String(index)}`)));
    await settle(await request(), { status: 'again' });
    await settle(await request(), { status: 'accepted' });
  }
  for (let batch = 0; batch < 20; batch++) await apply(...Array.from({ length: 500 }, (_, index) => makeEvent(person(`${String(batch)}of${String(index)}`))));
  expect(await settle(await request(60_000, 10_000), { status: 'again' })).toEqual({ again: 10_000 });
});

test('a decision that came while a request failed is not undone by sending the request again', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: before() }), makeEvent({ ...person('b'), occurredAt: before() }));
  const open = await request();
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove', occurredAt: now() }));
  await settle(open, { status: 'again' });
  const removal = await ledger.loadPending(TARGET, 10);
  expect(removal).toMatchObject({ operation: 'remove', members: [{ customerId: 'c_a' }] });
  expect(await ledger.readBacklog(TARGET)).toMatchObject({ adds: 1, removes: 1 });
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
  const pushId = await start('remove', members);
  await ledger.finishPush(TARGET, { pushId, operation: 'remove' }, members.map(({ personId, revision }) => ({ personId, revision, status: 'blocked', reason: 'too small' })));
  expect(await ledger.readBacklog(TARGET)).toMatchObject({ removes: 0, blocked: 1, blockedReason: 'too small' });
  expect(await ledger.retryBlocked(60_000)).toBe(0);
  expect(await ledger.retryRefused(TARGET, 'c_somebody_else')).toBe(0);
  expect(await ledger.retryRefused(TARGET, 'c_a')).toBe(1);
  expect(await statuses()).toEqual(['pending']);
  await database.query("update deliveries set status = 'blocked', settled_at = now() - interval '1 hour'");
  expect(await ledger.retryBlocked(60_000)).toBe(1);
});
