/** All platforms at once, through the whole service: Temporal, Postgres and the stand-ins over HTTP. */
import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FaultName } from '../../src/sandbox/faults.ts';
import { sha256 } from '../../src/destinations/user-data.ts';
import { ALL_PLATFORMS, CART, CROSS_SELL, NAMES, type Name } from '../support/all-platforms.ts';
import { startService, type TestService } from '../support/service.ts';
import { seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const SYNC_STATE = defineSearchAttributeKey('SyncState', SearchAttributeType.KEYWORD);

let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: ALL_PLATFORMS });
});
afterAll(() => service.stop());
beforeEach(() => {
  for (const name of NAMES) service.sandbox.store.setLimits(name, { processingMs: 20 });
});
afterEach(async () => {
  service.sandbox.faults.set(undefined, null);
  // Only where it is needed: a person's word ends a rest, also one that the next test is about.
  const refused = await service.database.query<{ destination: string; audience_key: string }>("select distinct destination, audience_key from deliveries where status in ('rejected', 'blocked') or (status = 'pending' and pending_since < now() - interval '10 seconds')");
  for (const { destination, audience_key: key } of refused) await sync(destination, key).executeUpdate('retry', { args: [null] });
  await until(() => service.database.query<{ status: string }>("select distinct status from deliveries where status <> 'accepted'"), (rows) => rows.length === 0 || rows.every(({ status }) => status === 'rejected'), 60_000);
});

const sync = (destination: string, key = CART): WorkflowHandle => service.client.workflow.getHandle(`headgate/sync/${destination}/${key}`);
const state = async (destination: string, key = CART): Promise<unknown> => (await sync(destination, key).describe()).typedSearchAttributes.get(SYNC_STATE);
const details = async (destination: string): Promise<string> => (await sync(destination).query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';
const hashes = (destination: string, key = CART): string[] => service.sandbox.store.state.destinations[destination]?.audiences[key === CART ? '6000000000001' : '6000000000002']?.hashes ?? [];
const fault = (destination: string, kind: FaultName, more: { ms?: number; values?: string[] } = {}, calls?: number): void => {
  service.sandbox.faults.set(destination, { fault: kind, ms: more.ms ?? 0, values: more.values }, calls);
};
interface Standing {
  destination: string;
  wanted: string;
  status: string;
  reason: string | null;
}
const standing = (customerId: string, key = CART): Promise<Standing[]> =>
  service.database.query<Standing>(
    `select destination, wanted, status, reason from deliveries join persons using (person_id) where customer_id = $1 and audience_key = $2 and destination <> 'meta_second' order by destination`,
    [customerId, key],
  );
const at = async (destination: string, customerId: string, key = CART): Promise<Standing | undefined> => (await standing(customerId, key)).find((row) => row.destination === destination);
const settledAs = (destination: string, customerId: string, status: string): Promise<unknown> => until(() => at(destination, customerId), (row) => row?.status === status, 60_000);

test('a cart, then a purchase: in and out at every platform, as each of them says', async () => {
  const { person, hash } = somebody();
  await service.post({ ...person, timestamp: seconds() - 10 });
  for (const name of NAMES) await until(() => hashes(name), (list) => list.includes(hash), 30_000);
  await until(() => standing(person.customer_id), (rows) => rows.length === 4 && rows.every(({ status }) => status === 'accepted'), 30_000);
  await service.post({ ...person, audience_key: CROSS_SELL });
  for (const name of NAMES) {
    await until(() => hashes(name), (list) => !list.includes(hash), 30_000);
    await until(() => hashes(name, CROSS_SELL), (list) => list.includes(hash), 30_000);
  }
  await until(() => standing(person.customer_id), (rows) => rows.every(({ wanted, status }) => wanted === 'out' && status === 'accepted'), 30_000);
});

test('who has nothing that a platform takes is rejected there, and accepted in the others all the same', async () => {
  const customer = `c_${crypto.randomUUID()}`;
  await service.post({ customer_id: customer, phone: '(555) 123-4567' });
  const rows = await until(() => standing(customer), (all) => all.length === 4 && all.every(({ status }) => ['accepted', 'rejected'].includes(status)), 30_000);
  expect(rows.map(({ destination, status, reason }) => [destination, status, reason])).toEqual([
    ['google_main', 'accepted', null],
    ['meta_main', 'accepted', null],
    ['snap_main', 'rejected', 'no usable identifier'],
    ['tiktok_main', 'accepted', null],
  ]);
  const email = `${customer}@example.com`;
  await service.post({ customer_id: customer, email });
  await settledAs('snap_main', customer, 'accepted');
  expect(hashes('snap_main')).toContain(sha256(email));
});

describe('Google decides later', () => {
  test('a removal that Google applies before an older add is sent once more, so that it has the last word', async () => {
    const { person, hash } = somebody();
    service.sandbox.store.setLimits('google_main', { processingMs: 2_500 });
    await service.post({ ...person, timestamp: seconds() - 10 });
    await settledAs('google_main', person.customer_id, 'processing');
    service.sandbox.store.setLimits('google_main', { processingMs: 20 });
    await service.post({ ...person, event: 'cio.audience_remove' });
    await until(() => hashes('google_main'), (list) => list.includes(hash));
    await until(() => hashes('google_main'), (list) => !list.includes(hash));
    await settledAs('google_main', person.customer_id, 'accepted');
    const open = await service.database.query("select 1 from pushes where finished_at is null and destination = 'google_main'");
    expect(open).toEqual([]);
  });
  test('the match rate of the last request is kept', async () => {
    const { person } = somebody();
    await service.post(person);
    await settledAs('google_main', person.customer_id, 'accepted');
    const { body } = await service.read(`/v1/audiences/${CART}`);
    expect((body['targets'] as { destination: string; match_rate: string | null }[]).find(({ destination }) => destination === 'google_main')?.match_rate).toBe('41–50 %');
  });
  test('a request that Google no longer knows is sent again', async () => {
    const { person, hash } = somebody();
    service.sandbox.store.setLimits('google_main', { processingMs: 60_000 });
    await service.post(person);
    await settledAs('google_main', person.customer_id, 'processing');
    await service.database.query("update pushes set request_id = 'lost' where finished_at is null and destination = 'google_main'");
    service.sandbox.store.setLimits('google_main', { processingMs: 20 });
    await until(() => hashes('google_main'), (list) => list.includes(hash), 30_000);
    await settledAs('google_main', person.customer_id, 'accepted');
  });
});

describe('when Google', () => {
  test('cannot be asked what became of requests, pushes go on, the sync says so, and all is decided when it can', async () => {
    const [first, second] = [somebody(), somebody()];
    // What the test before was about may still be shown.
    await until(() => state('google_main'), (shown) => shown === 'ok');
    fault('google_main', 'no_status');
    await service.post(first.person);
    await until(() => state('google_main'), (shown) => shown === 'retrying', 30_000);
    await service.post(second.person);
    await until(() => hashes('google_main'), (list) => list.includes(second.hash));
    await settledAs('google_main', second.person.customer_id, 'processing');
    expect(await state('google_main')).toBe('retrying');
    service.sandbox.faults.set(undefined, null);
    await settledAs('google_main', first.person.customer_id, 'accepted');
    await settledAs('google_main', second.person.customer_id, 'accepted');
    await until(() => state('google_main'), (shown) => shown === 'ok');
  });
  test('refuses whole requests later for the account, they are kept and sent again, and the sync is stuck until one is decided well', async () => {
    const { person } = somebody();
    fault('google_main', 'late_refused');
    await service.post(person);
    await until(() => state('google_main'), (shown) => shown === 'stuck', 30_000);
    expect(await details('google_main')).toMatch(/NO_CONSENT.*\n.*What to do: .*consent/);
    service.sandbox.faults.set(undefined, null);
    await sync('google_main').signal('pushNow');
    await settledAs('google_main', person.customer_id, 'accepted');
    await until(() => state('google_main'), (shown) => shown === 'ok');
  });
});

describe('a platform that refuses removals', () => {
  test.each<Name>(['meta_main', 'google_main', 'tiktok_main'])('%s: they are blocked, adds go on, and they go through when it lets them', async (name) => {
    const [leaving, coming] = [somebody(), somebody()];
    await service.post({ ...leaving.person, timestamp: seconds() - 10 });
    await settledAs(name, leaving.person.customer_id, 'accepted');
    fault(name, 'refuse_removals');
    await service.post({ ...leaving.person, event: 'cio.audience_remove' });
    await settledAs(name, leaving.person.customer_id, 'blocked');
    await until(() => state(name), (shown) => shown === 'stuck');
    expect(await details(name)).toMatch(/removals refused: 1/);
    await service.post(coming.person);
    await settledAs(name, coming.person.customer_id, 'accepted');
    expect(hashes(name)).toContain(leaving.hash);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toContain(`headgate_blocked_removals{destination="${name}",audience="${CART}"} 1`);

    service.sandbox.faults.set(undefined, null);
    expect(await sync(name).executeUpdate('retry')).toContain('1 rejected or blocked');
    await settledAs(name, leaving.person.customer_id, 'accepted');
    await until(() => state(name), (shown) => shown === 'ok');
    await until(() => hashes(name), (list) => !list.includes(leaving.hash));
  });
});

test('when every member is refused alone, it is not the members: nobody is given up, and the sync says so', async () => {
  const people = Array.from({ length: 8 }, somebody);
  fault('tiktok_main', 'unnamed_invalid', { values: [''] });
  for (const { person } of people) await service.post(person);
  await until(() => state('tiktok_main'), (shown) => shown === 'stuck', 60_000);
  expect(await details('tiktok_main')).toMatch(/Every member is refused.*headgate check/);
  const refused = await service.database.query("select 1 from deliveries where destination = 'tiktok_main' and status = 'rejected' and reason like 'Partial success%'");
  expect(refused.length).toBeLessThanOrEqual(4);
  service.sandbox.faults.set(undefined, null);
  await sync('tiktok_main').executeUpdate('retry');
  for (const { person, hash } of people) {
    await settledAs('tiktok_main', person.customer_id, 'accepted');
    expect(hashes('tiktok_main')).toContain(hash);
  }
});

test('when only wrong members are left, one retry of an operator rejects them all, and the sync is well', async () => {
  const people = Array.from({ length: 8 }, somebody);
  fault('snap_main', 'unnamed_invalid', { values: people.map(({ hash }) => hash) });
  for (const { person } of people) await service.post(person);
  await until(() => state('snap_main'), (shown) => shown === 'stuck', 60_000);
  await sync('snap_main').executeUpdate('retry');
  for (const { person } of people) await settledAs('snap_main', person.customer_id, 'rejected');
  await until(() => state('snap_main'), (shown) => shown === 'ok');
  service.sandbox.faults.set(undefined, null);
});

test('terms that are not accepted keep removals pending, not blocked; once accepted, pushNow sends them at once', async () => {
  const { person, hash } = somebody();
  await service.post({ ...person, timestamp: seconds() - 10 });
  await settledAs('meta_main', person.customer_id, 'accepted');
  fault('meta_main', 'needs_person');
  await service.post({ ...person, event: 'cio.audience_remove' });
  await until(() => state('meta_main'), (shown) => shown === 'stuck');
  expect(await at('meta_main', person.customer_id)).toMatchObject({ wanted: 'out', status: 'pending' });
  expect(await details('meta_main')).toMatch(/Backlog when last read: 1 removals/);
  service.sandbox.faults.set(undefined, null);
  await sync('meta_main').signal('pushNow');
  await until(() => hashes('meta_main'), (list) => !list.includes(hash));
  await until(() => state('meta_main'), (shown) => shown === 'ok');
});

test('adds and removals of the same person sent in parallel have no order: a target has one call under way at a time', async () => {
  const { person, hash } = somebody();
  fault('meta_main', 'slow_ms', { ms: 500 });
  const events = ['add', 'remove', 'add', 'remove', 'add', 'remove'];
  for (const [index, event] of events.entries()) await service.post({ ...person, event: `cio.audience_${event}`, timestamp: seconds() - 10 + index });
  await until(() => at('meta_main', person.customer_id), (row) => row?.wanted === 'out' && row.status === 'accepted', 30_000);
  expect(hashes('meta_main')).not.toContain(hash);
  const overlapping = await service.database.query(
    `select 1 from pushes a join pushes b on a.destination = b.destination and a.audience_key = b.audience_key and a.push_id < b.push_id
     where a.destination = 'meta_main' and a.started_at < b.finished_at and b.started_at < a.finished_at`,
  );
  expect(overlapping).toEqual([]);
});

test('a rejected person is tried again when a person asks for it', async () => {
  const { person, hash } = somebody();
  fault('meta_main', 'named_invalid', { values: [hash] });
  await service.post(person);
  await settledAs('meta_main', person.customer_id, 'rejected');
  service.sandbox.faults.set(undefined, null);
  expect(await sync('meta_main').executeUpdate('retry', { args: [person.customer_id] })).toContain('1 rejected or blocked');
  await settledAs('meta_main', person.customer_id, 'accepted');
});

test('a throttled account rests with all its audiences, and another account goes on', async () => {
  const [first, second] = [somebody(), somebody()];
  fault('meta_main', 'rate_limit', { ms: 10_000 }, 1);
  const from = service.sandbox.store.state.calls.length;
  await service.post(first.person);
  await until(() => state('meta_main'), (shown) => shown === 'throttled');
  await service.post({ ...second.person, audience_key: CROSS_SELL });
  await until(() => hashes('meta_second', CROSS_SELL), (list) => list.includes(second.hash));
  expect(hashes('meta_main', CROSS_SELL)).not.toContain(second.hash);
  await until(() => hashes('meta_main', CROSS_SELL), (list) => list.includes(second.hash), 30_000);
  await until(() => hashes('meta_main'), (list) => list.includes(first.hash), 30_000);
  const calls = service.sandbox.store.state.calls.slice(from).filter(({ destination }) => destination === 'meta_main');
  const [refused, ...later] = calls;
  expect(refused?.answer).toBe(400);
  for (const { at: time } of later) expect(Date.parse(time) - Date.parse(refused!.at)).toBeGreaterThanOrEqual(9_900);
});

test('a call that went well and used up the quota lets the whole account rest, and another account goes on; a person may end it', async () => {
  const [first, second] = [somebody(), somebody()];
  fault('meta_main', 'used_up', { ms: 600_000 }, 1);
  await service.post(first.person);
  await settledAs('meta_main', first.person.customer_id, 'accepted');
  await service.post({ ...second.person, audience_key: CROSS_SELL });
  await until(() => hashes('meta_second', CROSS_SELL), (list) => list.includes(second.hash));
  await until(() => state('meta_main', CROSS_SELL), (shown) => shown === 'throttled');
  expect(hashes('meta_main', CROSS_SELL)).not.toContain(second.hash);
  const [account] = await service.database.query<{ resting: boolean; rest_cause: string }>("select rest_until > clock_timestamp() as resting, rest_cause from accounts where destination = 'meta_main'");
  expect(account).toEqual({ resting: true, rest_cause: 'the platform says that its quota is used up' });
  await sync('meta_main', CROSS_SELL).signal('pushNow');
  await until(() => hashes('meta_main', CROSS_SELL), (list) => list.includes(second.hash));
  await service.database.query("update accounts set rest_until = clock_timestamp() where destination = 'meta_main'");
  for (const key of [CART, CROSS_SELL]) await sync('meta_main', key).signal('pushNow');
});

describe('consent', () => {
  test('that was granted reaches the platform that asks for it, each person\'s by itself', async () => {
    const [granting, silent] = [somebody(), somebody()];
    fault('google_main', 'consent_required');
    await service.post({ ...silent.person });
    await service.post({ ...granting.person, consent: { ad_user_data: 'granted', ad_personalization: 'granted' } });
    await settledAs('google_main', granting.person.customer_id, 'accepted');
    await settledAs('google_main', silent.person.customer_id, 'rejected');
    expect((await at('google_main', silent.person.customer_id))?.reason).toContain('UNKNOWN_CONSENT');
    expect(hashes('google_main')).toContain(granting.hash);
    expect(hashes('google_main')).not.toContain(silent.hash);
  });

  test('that is denied takes a person out everywhere, whichever audience the event is of, and granted brings them back', async () => {
    const { person, hash } = somebody();
    await service.post({ ...person, timestamp: seconds() - 20 });
    for (const name of NAMES) await until(() => hashes(name), (list) => list.includes(hash), 30_000);
    await service.post({ ...person, event: 'cio.exposure', audience_key: undefined, timestamp: seconds() - 10, consent: { ad_user_data: 'denied' } });
    for (const name of NAMES) await until(() => hashes(name), (list) => !list.includes(hash), 30_000);
    await service.post({ ...person, event: 'cio.exposure', audience_key: undefined, consent: { ad_user_data: 'granted', ad_personalization: 'granted' } });
    for (const name of NAMES) await until(() => hashes(name), (list) => list.includes(hash), 30_000);
  });
});
