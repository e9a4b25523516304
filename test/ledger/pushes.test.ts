/** Pushes: written down before they are sent, finished after, and never trusted when they come too late. */
import { afterAll, beforeEach, beforeAll, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { openLedger, type Ledger, type MemberOutcome, type Pending } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, makeEvent, makePolicies, person } from '../support/events.ts';

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
const pending = (limit = 100, only?: string[]) => ledger.loadPending(TARGET, limit, { onlyProfiles: only });
const accepted = (loaded: Pending): MemberOutcome[] => loaded.members.map(({ personId, revision }) => ({ personId, revision, status: 'accepted' }));
const start = (loaded: Pending, deadlineMs = LATER) =>
  ledger.startPush(TARGET, { operation: loaded.operation === 'remove' ? 'remove' : 'add', members: loaded.members, deadlineMs });
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
  expect(loaded.backlog).toMatchObject({ adds: 2, removes: 1 });
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
  await start(await pending(), 50);
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove' }));
  const removal = await pending();
  await ledger.finishPush(TARGET, { pushId: await start(removal), operation: 'remove' }, accepted(removal));
  expect((await pending()).operation).toBe('none');
  await database.query('select pg_sleep(0.06)');
  expect(await ledger.findTargetsToPush()).toEqual([TARGET]);
  const again = await pending();
  expect(again).toMatchObject({ operation: 'remove', members: [{ customerId: 'c_a' }] });
});

test('an outcome that comes after a newer push of the same person makes the person pending again', async () => {
  await apply(makeEvent({ ...person('a'), occurredAt: Date.now() - 1_000 }));
  const slept = await pending();
  const sleptId = await start(slept);
  await apply(makeEvent({ ...person('a'), name: 'cio.audience_remove' }));
  const removal = await pending();
  await ledger.finishPush(TARGET, { pushId: await start(removal), operation: 'remove' }, accepted(removal));
  expect(await statusOf('a')).toMatchObject({ wanted: 'out', status: 'accepted' });
  const { again } = await ledger.finishPush(TARGET, { pushId: sleptId, operation: 'add' }, accepted(slept));
  expect(again).toBe(1);
  expect(await statusOf('a')).toMatchObject({ wanted: 'out', status: 'pending' });
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

test('test mode sees only the listed profiles, by customer id or e-mail', async () => {
  await apply(makeEvent(person('a')), makeEvent(person('b')), makeEvent(person('c')));
  const loaded = await pending(100, ['c_a', `email:${person('b').person.emailHash!}`]);
  expect(loaded.members.map((member) => member.customerId).sort()).toEqual(['c_a', 'c_b']);
  expect(loaded.backlog.adds).toBe(3);
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
