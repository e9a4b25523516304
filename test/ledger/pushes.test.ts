/** Pushes: written down before they are sent, finished after, and never trusted when they come too late. */
import { afterAll, beforeEach, beforeAll, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import type { Hold } from '../../src/domain/holding.ts';
import { openLedger, type Ledger, type MemberOutcome, type Pending } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, makeEvent, makePolicies, person } from '../support/events.ts';
import { until } from '../support/until.ts';

const TARGET = { destination: 'meta_main', audienceKey: CART };
const LATER = 60_000;

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
const onlyFor = (testProfiles: string[]): Hold => ({ adds: 'others', removals: 'others', testProfiles, because: 'mode is test' });
const pending = (limit = 100, only?: string[]) => ledger.loadPending(TARGET, limit, { ...(only ? { hold: onlyFor(only) } : {}), atOnce: true, callsAreScarce: true });
const accepted = (loaded: Pending): MemberOutcome[] => loaded.members.map(({ personId, revision }) => ({ personId, revision, status: 'accepted' }));
async function start(loaded: Pending, deadlineMs = LATER): Promise<string> {
  const started = await ledger.startPush(TARGET, { operation: loaded.operation === 'remove' ? 'remove' : 'add', members: loaded.members, deadlineMs });
  if ('busyMs' in started) throw new Error(`another push is under way for ${String(started.busyMs)} ms`);
  return started.pushId;
}
const endDeadline = (pushId: string) => database.query('update pushes set deadline = clock_timestamp() where push_id = $1', [pushId]);
const statusOf = async (name: string) =>
  (await database.query<{ wanted: string; status: string; accepted: string | null }>(
    'select d.wanted, d.status, d.accepted from deliveries d join persons using (person_id) where customer_id = $1',
    [`c_${name}`],
  ))[0];

/** Pushes whatever is pending, as a platform that accepts everything. */
async function pushAll(): Promise<void> {
  for (let loaded = await pending(); loaded.operation !== 'none'; loaded = await pending()) {
    const operation = loaded.operation;
    await ledger.finishPush(TARGET, { pushId: await start(loaded), operation }, accepted(loaded));
  }
}

test('removals come before adds, the oldest first', async () => {
  await apply(makeEvent(person('a')), makeEvent(person('b')));
  await apply(makeEvent({ ...person('c'), name: 'cio.audience_remove' }));
  const loaded = await pending();
  expect(loaded.operation).toBe('remove');
  expect(loaded.members.map((member) => member.customerId)).toEqual(['c_c']);
  expect(await ledger.readBacklog(TARGET)).toMatchObject({ adds: 2, removes: 1 });
});

test('a finished push settles its rows, and nothing is pending after it', async () => {
  await apply(makeEvent(person('a')));
  await pushAll();
  expect(await statusOf('a')).toEqual({ wanted: 'in', status: 'accepted', accepted: 'in' });
  expect((await pending()).operation).toBe('none');
});

test('a decision that came while the push was under way stays pending', async () => {
  const add = makeEvent({ ...person('a'), occurredAt: Date.now() - 1_000 });
  await apply(add);
  const loaded = await pending();
  const pushId = await start(loaded);
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove' }));
  await ledger.finishPush(TARGET, { pushId, operation: 'add' }, accepted(loaded));
  expect(await statusOf('a')).toMatchObject({ wanted: 'out', status: 'pending' });
  await pushAll();
  expect(await statusOf('a')).toEqual({ wanted: 'out', status: 'accepted', accepted: 'out' });
});

test('a push whose outcome never came is made again after its deadline, also when a newer one was accepted since', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: Date.now() - 1_000 }));
  const lostId = await start(await pending());
  await ledger.notePushUnanswered(lostId, 0);
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove' }));
  const removal = await pending();
  await ledger.finishPush(TARGET, { pushId: await start(removal), operation: 'remove' }, accepted(removal));
  expect((await pending()).operation).toBe('none');
  await endDeadline(lostId);
  expect(await ledger.findTargetsToPush()).toEqual([TARGET]);
  const again = await pending();
  expect(again).toMatchObject({ operation: 'remove', members: [{ customerId: 'c_a' }] });
});

test('a call that a worker makes and gives up after it has slept, and was taken for lost, is followed by one more push', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: Date.now() - 1_000 }));
  const sleptId = await start(await pending(), 1);
  await database.query('select pg_sleep(0.01)');
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove' }));
  await pushAll();
  await ledger.notePushUnanswered(sleptId, LATER);
  expect((await pending()).operation).toBe('none');
  await endDeadline(sleptId);
  expect(await pending()).toMatchObject({ operation: 'remove', members: [{ customerId: 'c_a' }] });
});

test('an outcome that comes after a newer push of the same person makes the person pending again', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: Date.now() - 1_000 }));
  const slept = await pending();
  const sleptId = await start(slept, 1);
  await database.query('select pg_sleep(0.01)');
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove' }));
  const removal = await pending();
  await ledger.finishPush(TARGET, { pushId: await start(removal), operation: 'remove' }, accepted(removal));
  expect(await statusOf('a')).toMatchObject({ wanted: 'out', status: 'accepted' });
  const { again } = await ledger.finishPush(TARGET, { pushId: sleptId, operation: 'add' }, accepted(slept));
  expect(again).toBe(1);
  expect(await statusOf('a')).toMatchObject({ wanted: 'out', status: 'pending' });
});

test('while a call may be under way no other one begins, however many workers try', async () => {
  await apply(makeEvent(person('a')));
  const loaded = await pending();
  const tries = await Promise.allSettled(Array.from({ length: 10 }, () => start(loaded)));
  const [begun, ...others] = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(others).toEqual([]);
  await expect(start(loaded)).rejects.toThrow(/another push is under way for [0-9]{5} ms/);
  await ledger.finishPush(TARGET, { pushId: begun!, operation: 'add' }, accepted(loaded));
  await apply(makeEvent(person('b')));
  await start(await pending());
});

test('adds that come right after a call of adds wait for more of them, and a removal does not wait with them', async () => {
  await apply(makeEvent(person('a')));
  const first = await ledger.loadPending(TARGET, 100);
  expect(first).toMatchObject({ operation: 'add', gatherMs: 0 });
  await ledger.finishPush(TARGET, { pushId: await start(first), operation: 'add' }, accepted(first));
  await apply(makeEvent(person('b')));
  const waiting = await ledger.loadPending(TARGET, 100);
  expect(waiting).toMatchObject({ operation: 'none', members: [] });
  expect(waiting.gatherMs).toBeGreaterThan(0);
  await apply(makeEvent({ ...person('c'), name: 'cio.audience_remove' }));
  expect(await ledger.loadPending(TARGET, 100)).toMatchObject({ operation: 'remove', members: [{ customerId: 'c_c' }] });
});

test('an endless stream of removals leaves one call in five to adds, and nothing else goes before a removal', async () => {
  await apply(makeEvent(person('adding')));
  const operations: string[] = [];
  for (let call = 0; call < 7; call++) {
    await apply(makeEvent({ ...person(`leaving-${String(call)}`), name: 'cio.audience_remove' }));
    const loaded = await pending();
    operations.push(loaded.operation);
    await ledger.finishPush(TARGET, { pushId: await start(loaded), operation: loaded.operation === 'add' ? 'add' : 'remove' }, accepted(loaded));
  }
  expect(operations).toEqual(['remove', 'remove', 'remove', 'remove', 'add', 'remove', 'remove']);
});

test('a removal that was decided while its person became pending again is not settled by the push of before', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: Date.now() - 1_000 }));
  await pushAll();
  let deciding: Promise<unknown> = Promise.resolve();
  await ledger.connection.transaction(async (client) => {
    // As after a push whose outcome was lost. The decision has read the row before, and waits to write it.
    await client.query("update deliveries set status = 'pending', revision = revision + 1");
    deciding = apply(makeEvent({ ...person('a'), name: 'cio.audience_remove' }));
    await until(() => database.query("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"), (waiting) => waiting.length > 0);
  });
  await deciding;
  const [row] = await database.query<{ person_id: string }>('select person_id from deliveries');
  await ledger.finishPush(TARGET, { pushId: crypto.randomUUID(), operation: 'add' }, [{ personId: row!.person_id, revision: 2, status: 'accepted' }]);
  expect(await statusOf('a')).toMatchObject({ wanted: 'out', status: 'pending' });
});

test('a worker that slept after it had read does not carry what was decided anew and pushed meanwhile', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: Date.now() - 1_000 }), makeEvent(person('b')));
  const slept = await pending();
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove' }));
  await pushAll();
  expect(await ledger.startPush(TARGET, { operation: 'add', members: slept.members, deadlineMs: LATER })).toEqual({ busyMs: 1 });
  expect(await database.query('select 1 from pushes where finished_at is null')).toEqual([]);
});

test('a removal makes another member with the same e-mail pending again', async () => {
  const shared = person('first');
  await apply(makeEvent({ ...shared, occurredAt: Date.now() - 3_000 }));
  await apply(makeEvent({ person: { ...shared.person, customerId: 'c_second' }, identifiers: shared.identifiers, occurredAt: Date.now() - 2_000 }));
  await pushAll();
  expect(await statusOf('second')).toMatchObject({ status: 'accepted' });
  await apply(makeEvent({ person: { customerId: 'c_first' }, identifiers: {}, name: 'cio.audience_remove' }));
  const removal = await pending();
  const { again } = await ledger.finishPush(TARGET, { pushId: await start(removal), operation: 'remove' }, accepted(removal));
  expect(again).toBe(1);
  expect(await statusOf('second')).toMatchObject({ wanted: 'in', status: 'pending' });
});

test('a rejected row is parked with its reason and does not come again by itself', async () => {
  await apply(makeEvent(person('a')), makeEvent(person('b')));
  const loaded = await pending();
  const [first, second] = accepted(loaded);
  await ledger.finishPush(TARGET, { pushId: await start(loaded), operation: 'add' }, [first!, { ...second!, status: 'rejected', reason: 'empty external ID' }]);
  expect(await database.query("select reason from deliveries where status = 'rejected'")).toEqual([{ reason: 'empty external ID' }]);
  expect((await pending()).operation).toBe('none');
});

test('a push that the platform refused leaves everything pending and nothing to look after', async () => {
  await apply(makeEvent(person('a')));
  const pushId = await start(await pending(), 1);
  await ledger.abandonPush(pushId, 'unavailable');
  expect((await pending()).members).toHaveLength(1);
  expect(await database.query('select outcome from pushes')).toEqual([{ outcome: 'unavailable' }]);
});

test('after a few small pushes on a young ledger a large one is settled, and does not run into the time limit of a query', async () => {
  for (let index = 0; index < 8; index++) {
    await apply(makeEvent(person(`small${String(index)}`)));
    await pushAll();
  }
  for (let batch = 0; batch < 20; batch++) await apply(...Array.from({ length: 500 }, (_, index) => makeEvent(person(`${String(batch)}of${String(index)}`))));
  const large = await ledger.loadPending(TARGET, 10_000, { atOnce: true, callsAreScarce: true });
  expect(large.members).toHaveLength(10_000);
  await ledger.finishPush(TARGET, { pushId: await start(large), operation: 'add' }, accepted(large));
  expect((await pending()).operation).toBe('none');
});

test('test mode sees only the listed profiles, by customer id or e-mail', async () => {
  await apply(makeEvent(person('a')), makeEvent(person('b')), makeEvent(person('c')));
  const loaded = await pending(100, ['c_a', `email:${person('b').person.emailHash!}`]);
  expect(loaded.members.map((member) => member.customerId).sort()).toEqual(['c_a', 'c_b']);
  expect(await ledger.readBacklog(TARGET, onlyFor(['c_a']))).toMatchObject({ adds: 1, removes: 0, held: { adds: 2, removes: 0, because: 'mode is test', everything: false } });
  expect(await ledger.hasPending(TARGET, { hold: onlyFor(['c_nobody']) })).toBe(false);
});

test('a removal carries what the person went by before', async () => {
  const [before, after] = [person('old'), person('new')];
  await apply(makeEvent({ person: { customerId: 'c_x' }, identifiers: before.identifiers, occurredAt: Date.now() - 3_000 }));
  await pushAll();
  await apply(makeEvent({ person: { customerId: 'c_x' }, identifiers: after.identifiers, occurredAt: Date.now() - 2_000 }));
  await pushAll();
  await apply(makeEvent({ person: { customerId: 'c_x' }, identifiers: {}, name: 'cio.audience_remove' }));
  const [member] = (await pending()).members;
  expect(member).toMatchObject({ today: after.identifiers, former: before.identifiers });
});
