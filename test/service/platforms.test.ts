/** All platforms at once, through the whole service: Temporal, Postgres and the stand-ins over HTTP. */
import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FaultName } from '../../src/sandbox/faults.ts';
import { sha256 } from '../../src/destinations/user-data.ts';
import { SECRET, startService, type TestService } from '../support/service.ts';
import { seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const SYNC_STATE = defineSearchAttributeKey('SyncState', SearchAttributeType.KEYWORD);
const CART = 'high_intent_cart_7d_v1';
const CROSS_SELL = 'post_purchase_cross_sell_14d_v1';
const NAMES = ['meta_main', 'google_main', 'tiktok_main', 'snap_main'] as const;
type Name = (typeof NAMES)[number];

const targets = (id: string): string => `{ ${NAMES.map((name) => `${name}: "${id}"`).join(', ')}, meta_second: "${id}" }`;
const REGISTRY = `
sources:
  demo: { signing_secret: ${SECRET}, default_country: US }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_1, timeout: 5s }
  meta_second: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_2, timeout: 5s }
  google_main: { platform: google, sandbox: true, operating_account: "1234567890", timeout: 5s, gather: 20ms, status_after: 100ms, status_at_most: 200ms }
  tiktok_main: { platform: tiktok, sandbox: true, access_token: a-token-for-tests, advertiser_id: "7", timeout: 5s, rows_per_call: 10000, calls_per_minute: 6000 }
  snap_main: { platform: snap, sandbox: true, ad_account: a, client_id: c, client_secret: a-secret-for-tests, refresh_token: a-token-for-tests, timeout: 5s, calls_per_minute: 6000 }
audiences:
  ${CART}:
    description: Abandoned a cart
    owner: { name: Tests }
    window: 7d
    targets: ${targets('6000000000001')}
  ${CROSS_SELL}:
    description: Paid
    owner: { name: Tests }
    window: 14d
    excludes: [${CART}]
    targets: ${targets('6000000000002')}
`;

let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: REGISTRY });
});
afterAll(() => service.stop());
beforeEach(() => {
  for (const name of NAMES) service.sandbox.store.setLimits(name, { processingMs: 20 });
});
afterEach(async () => {
  service.sandbox.faults.set(undefined, null);
  for (const name of [...NAMES, 'meta_second']) {
    for (const key of [CART, CROSS_SELL]) await sync(name, key).executeUpdate('retry', { args: [null] });
  }
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

describe('a batch of 10,000 with 3 wrong rows', () => {
  // The workflows of so many events would keep Temporal busy for minutes, and are not what this is about.
  beforeAll(async () => {
    await service.database.query("create function leave_out() returns trigger language plpgsql as 'begin return null; end'");
    await service.database.query("create trigger leave_out before insert on outbox for each row when (new.event_id like 'bulk~%') execute function leave_out()");
  });

  /** Decides that many adds, without waking a sync or starting their workflows, and returns the e-mail hashes of three of them. */
  async function prepare(prefix: string, many = 10_000): Promise<string[]> {
    const identify = (email: string): Record<string, { type: string; value: string }[]> => {
      const value = sha256(email);
      return { meta: [{ type: 'EMAIL', value }], google: [{ type: 'emailAddress', value }], tiktok: [{ type: 'EMAIL_SHA256', value }], snap: [{ type: 'EMAIL_SHA256', value }] };
    };
    const now = Date.now();
    const events = Array.from({ length: many }, (_, index) => {
      const email = `${prefix}${String(index)}@example.com`;
      return {
        kind: 'event' as const,
        event: {
          eventId: `bulk~${crypto.randomUUID()}`, source: 'demo', people: 'demo', name: 'cio.audience_add' as const, audienceKey: CART, occurredAt: now, receivedAt: now,
          person: { customerId: `${prefix}${String(index)}`, emailHash: sha256(email) }, identifiers: identify(email), context: {}, attributes: {},
        },
      };
    });
    for (let from = 0; from < events.length; from += 500) await service.parts.ledger.applyEvents(events.slice(from, from + 500));
    return [Math.floor(many / 6), Math.floor(many / 2), many - 1].map((index) => sha256(`${prefix}${String(index)}@example.com`));
  }
  const counts = async (destination: string, prefix: string): Promise<Record<string, number>> => {
    const rows = await service.database.query<{ status: string; count: number }>(
      'select status, count(*)::int as count from deliveries join persons using (person_id) where destination = $1 and customer_id like $2 group by status',
      [destination, `${prefix}%`],
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  };
  const callsTo = (name: string): number => service.sandbox.store.state.calls.filter(({ destination }) => destination === name).length;

  test.each<[Name, FaultName, number, number]>([
    ['meta_main', 'named_invalid', 10_000, 2],
    ['meta_main', 'unnamed_invalid', 10_000, 60],
    ['google_main', 'named_invalid', 10_000, 6],
    ['google_main', 'unnamed_invalid', 1_000, 50],
    ['google_main', 'late_invalid', 100, 50],
    ['tiktok_main', 'unnamed_invalid', 10_000, 60],
    ['snap_main', 'unnamed_invalid', 10_000, 60],
  ])('%s, %s: of %s all but 3 accepted, in at most %s calls', async (name, kind, many, mostCalls) => {
    const prefix = `${name}_${kind}_`;
    for (const other of [...NAMES, 'meta_second']) if (other !== name) await sync(other).executeUpdate('pause');
    const wrong = await prepare(prefix, many);
    fault(name, kind, { values: wrong });
    const before = callsTo(name);
    service.parts.waker.wake([{ destination: name, audienceKey: CART }]);
    await until(() => counts(name, prefix), ({ accepted = 0, rejected = 0 }) => accepted + rejected === many, 120_000);
    const calls = callsTo(name) - before;
    process.stdout.write(`${name}, ${kind}, 3 of ${String(many)}: ${String(calls)} calls\n`);
    expect(await counts(name, prefix)).toEqual({ accepted: many - 3, rejected: 3 });
    expect(calls).toBeLessThanOrEqual(mostCalls);
    const reasons = await service.database.query<{ reason: string }>("select distinct reason from deliveries where destination = $1 and status = 'rejected' and person_id in (select person_id from persons where customer_id like $2)", [name, `${prefix}%`]);
    expect(reasons.every(({ reason }) => reason.length > 5)).toBe(true);
    for (const hash of wrong) expect(hashes(name)).not.toContain(hash);
    service.sandbox.faults.set(undefined, null);
    await service.database.query("delete from deliveries where person_id in (select person_id from persons where customer_id like $1)", [`${prefix}%`]);
    for (const other of [...NAMES, 'meta_second']) if (other !== name) await sync(other).executeUpdate('resume');
  });
});

describe('Google decides later', () => {
  test('a removal that Google applies before an older add is sent once more, so that it has the last word', async () => {
    const { person, hash } = somebody();
    service.sandbox.store.setLimits('google_main', { processingMs: 2_500 });
    await service.post({ ...person, timestamp: seconds() - 10 });
    await settledAs('google_main', person.customer_id, 'processing');
    service.sandbox.store.setLimits('google_main', { processingMs: 20 });
    await service.post({ ...person, event: 'cio.audience_remove' });
    await until(() => hashes('google_main'), (list) => list.includes(hash), 10_000);
    await until(() => hashes('google_main'), (list) => !list.includes(hash), 10_000);
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
    fault('google_main', 'no_status');
    await service.post(first.person);
    await until(() => state('google_main'), (shown) => shown === 'retrying', 30_000);
    await service.post(second.person);
    await until(() => hashes('google_main'), (list) => list.includes(second.hash), 10_000);
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
  fault('meta_main', 'rate_limit', { ms: 4_000 }, 1);
  const from = service.sandbox.store.state.calls.length;
  await service.post(first.person);
  await until(() => state('meta_main'), (shown) => shown === 'throttled');
  await service.post({ ...second.person, audience_key: CROSS_SELL });
  await until(() => hashes('meta_second', CROSS_SELL), (list) => list.includes(second.hash), 3_000);
  await until(() => hashes('meta_main', CROSS_SELL), (list) => list.includes(second.hash), 30_000);
  await until(() => hashes('meta_main'), (list) => list.includes(first.hash), 30_000);
  const calls = service.sandbox.store.state.calls.slice(from).filter(({ destination }) => destination === 'meta_main');
  const [refused, ...later] = calls;
  expect(refused?.answer).toBe(400);
  for (const { at: time } of later) expect(Date.parse(time) - Date.parse(refused!.at)).toBeGreaterThanOrEqual(3_900);
});

describe('consent', () => {
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
