/** What happened over time, as the console reads it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CART, CROSS_SELL, DAY, makeEvent, person } from '../support/events.ts';
import { startLedger, type TestLedger } from '../support/ledger.ts';

const HOUR = 3_600_000;
let own: TestLedger;
const at = (ago: number): { occurredAt: number; receivedAt: number } => ({ occurredAt: Date.now() - ago, receivedAt: Date.now() - ago });
const today = new Date().toISOString().slice(0, 10);

beforeAll(async () => {
  own = await startLedger();
  const apply = (overrides: Parameters<typeof makeEvent>[0]) => own.ledger.applyEvents([{ kind: 'event', event: makeEvent(overrides) }]);
  await apply({ ...person('early'), ...at(3 * DAY) });
  await apply({ ...person('late'), ...at(5 * HOUR) });
  await apply({ ...person('gone'), ...at(4 * HOUR) });
  await apply({ ...person('gone'), ...at(HOUR), name: 'cio.audience_remove' });
  await apply({ ...person('late'), ...at(2 * HOUR), receivedAt: Date.now() });
  await apply({ ...person('other'), ...at(HOUR), audienceKey: CROSS_SELL });
  await apply({ ...person('test'), eventId: 'test~1', test: true });
  await own.ledger.quarantine([{ source: 'demo', reason: 'invalid', receivedAt: Date.now() - HOUR, problems: [], body: '{}' }, { source: 'demo', reason: 'invalid', receivedAt: Date.now() - 3 * DAY, problems: [], body: '{}' }]);
  await own.database.query(`insert into targets (destination, audience_key) values ('meta_main', $1)`, [CART]);
  await own.database.query(
    `insert into pushes (push_id, destination, audience_key, operation, person_ids, revisions, started_at, deadline, finished_at, outcome)
     select gen_random_uuid(), 'meta_main', $1, 'add', '{}', '{}', now(), now(), now() - ago::interval, outcome from (values ('10 minutes', 'answered'), ('10 minutes', 'the platform is down'), ('1 day', 'unknown')) as p (ago, outcome)`,
    [CART],
  );
});
afterAll(() => own.stop());

test('the newest events stand first by when they came, tests among them, what an event brought about does not', async () => {
  const events = await own.ledger.listArrivedEvents(100);
  expect(events.map(({ received_at: received }) => received.getTime())).toEqual(events.map(({ received_at: received }) => received.getTime()).sort((a, b) => b - a));
  expect(events.map(({ event_id: id }) => id)).toContain('test~1');
  expect(events.every(({ event_id: id }) => !id.includes('/'))).toBe(true);
  expect(await own.ledger.listArrivedEvents(2)).toHaveLength(2);
});

test('rows of a restored ledger do not stand before new ones for ever', async () => {
  await own.database.query("update exposures set written_by = 9000000000000000 where event_id in (select event_id from exposures where occurred_at < now() - interval '2 days')");
  const events = await own.ledger.listArrivedEvents(100);
  expect(events.length).toBeGreaterThan(4);
  expect(events.every(({ occurred_at: occurred }) => occurred.getTime() > Date.now() - 2 * DAY)).toBe(true);
});

test('what there was in each stretch of time, the newest last', async () => {
  const stretches = { stepMs: 90 * 60_000, buckets: 4 };
  expect(await own.ledger.countQuarantinedOverTime(stretches)).toEqual([0, 0, 0, 1]);
  expect(await own.ledger.countCallsOverTime(stretches)).toEqual({ all: [0, 0, 0, 2], failed: [0, 0, 0, 1] });
});

test('who is in, up to a number', async () => {
  expect(await own.ledger.countInside([CART, CROSS_SELL, 'nothing_1d_v1'], 10)).toEqual(new Map([[CART, 2], [CROSS_SELL, 1], ['nothing_1d_v1', 0]]));
  expect(await own.ledger.countInside([CART], 1)).toEqual(new Map([[CART, 2]]));
  expect(await own.ledger.countInsideByArm(CART, 10)).toEqual({ in: 2, holdout: 0 });
});

test('an audience day by day, cut where there is too much', async () => {
  const { days, cut } = await own.ledger.readAudienceHistory(CART, 30, 1_000);
  const all = (what: 'entered' | 'renewed' | 'left' | 'growth'): number => days.reduce((sum, day) => sum + day[what], 0);
  expect([all('entered'), all('renewed'), all('left'), all('growth'), cut]).toEqual([3, 1, 1, 2, false]);
  expect(days[0]).toMatchObject({ entered: 1, growth: 1 });
  expect(days.at(-1)?.day.slice(0, 7)).toBe(today.slice(0, 7));
  expect((await own.ledger.readAudienceHistory(CART, 30, 2)).cut).toBe(true);
});

test('a person\'s timeline, the newest first', async () => {
  const [late] = await own.ledger.readPersons({ kind: 'customer_id', value: 'c_late' }, 0);
  expect((await own.ledger.readTimeline(late?.person_id ?? '', 10)).map(({ outcome }) => outcome)).toEqual(['renewed', 'entered']);
});

test('counting deliveries is given up when it takes too long, and the ledger is not suspected for it', async () => {
  expect(await own.ledger.countDeliveriesWithin(CART, 30_000)).toMatchObject([{ destination: 'meta_main', pending_adds: 2 }]);
  const { ledger } = own;
  const holder = await ledger.connection.pool.connect();
  await holder.query('begin');
  await holder.query('lock table deliveries in access exclusive mode');
  expect(await ledger.countDeliveriesWithin(CART, 50)).toBeUndefined();
  await holder.query('rollback');
  holder.release();
  expect(ledger.connection.isUp).toBe(true);
});

test('a ledger counts as new until its first event, and not again when its newest row is one that an event brought about', async () => {
  const fresh = await startLedger();
  expect(await fresh.ledger.hasEvents()).toBe(false);
  const entered = { ...person('entered'), ...at(HOUR) };
  await fresh.ledger.applyEvents([{ kind: 'event', event: makeEvent(entered) }]);
  await fresh.ledger.applyEvents([{ kind: 'event', event: makeEvent({ ...person('entered'), ...at(HOUR / 2), audienceKey: CROSS_SELL }) }]);
  expect(await fresh.ledger.hasEvents()).toBe(true);
  await fresh.stop();
});
