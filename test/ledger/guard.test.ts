/** The guard on a real ledger: what it holds, what it never holds, and that everything goes where it is wanted in the end. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import type { GuardPolicy } from '../../src/domain/guard.ts';
import { CHANGES_SOMETHING } from '../../src/ledger/guard.ts';
import { openLedger, type Ledger, type Pending } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, CROSS_SELL, DAY, makeAudience, makeEvent, makePolicies, person } from '../support/events.ts';
import { holds, PATIENCE_MS } from '../support/property.ts';

const TARGET = { destination: 'meta_main', audienceKey: CART };
/** Small numbers, so that a wave needs few people: 2 singles in a minute are 10 in five. */
const GUARD: GuardPolicy = { removals: 0.5, adds: 3, withinMs: 3_600_000, least: 20, singlesPerMinute: 2, letGoAfterMs: 4 * 3_600_000 };
const SINGLES = 10;

let database: TestDatabase;
let ledger: Ledger;
let other: Ledger;
beforeAll(async () => {
  database = await createDatabase();
  const policies = makePolicies([makeAudience({ key: CART, guard: GUARD }), makeAudience({ key: CROSS_SELL, excludes: [CART], guard: GUARD })]);
  const open = (): Ledger => openLedger({ url: database.url, policies, logger: createLogger({ level: 'silent', pretty: false }) });
  [ledger, other] = [open(), open()];
});
beforeEach(() => database.query('truncate events, persons, person_identifiers, memberships, deliveries, pushes, targets, outbox, exposures, target_flow, guard_holds'));
afterAll(async () => {
  await ledger.close();
  await other.close();
  await database.drop();
});

const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `n${String(from + index)}`);
const apply = (events: readonly HeadgateEvent[]) => ledger.applyEvents(events.map((event) => ({ kind: 'event', event })));
let clock = Date.now() - DAY / 2;
const decide = (people: readonly string[], overrides: Partial<HeadgateEvent> = {}) => apply(people.map((name) => makeEvent({ occurredAt: ++clock, ...person(name), context: { campaign_id: '7' }, ...overrides })));
const remove = (people: readonly string[], campaign = '7') => decide(people, { name: 'cio.audience_remove', context: { campaign_id: campaign } });
const look = (by = ledger, guard: GuardPolicy | null = GUARD): Promise<Pending> => by.loadPending(TARGET, 1_000, { atOnce: true, callsAreScarce: true, ...(guard ? { guard } : {}) });

/** A platform that takes everything; returns whom it removed. */
async function pushAll(by = ledger, guard: GuardPolicy | null = GUARD): Promise<string[]> {
  const removed: string[] = [];
  for (let loaded = await look(by, guard); loaded.operation !== 'none'; loaded = await look(by, guard)) {
    const { operation, members } = loaded;
    const started = await by.startPush(TARGET, { operation, members, deadlineMs: 60_000 });
    if ('busyMs' in started) continue;
    await by.finishPush(TARGET, { pushId: started.pushId, operation }, members.map(({ personId, revision }) => ({ personId, revision, status: 'accepted' })));
    if (operation === 'remove') removed.push(...members.map(({ customerId }) => customerId ?? ''));
  }
  return removed;
}
/** An audience that has been there for days. */
async function audienceOf(count: number): Promise<void> {
  await decide(names(0, count));
  await pushAll();
  await isOld();
}
/** As if it had been filled, and first pushed, two days ago. */
async function isOld(): Promise<void> {
  await database.query("update target_flow set at = at - interval '2 days'");
  await database.query("update targets set fill = 'done'");
}
const heldNow = async (): Promise<number> => (await ledger.listGuardHolds()).reduce((sum, { held }) => sum + held, 0);
const atPlatform = async (): Promise<number> => Number((await database.query<{ n: string }>("select count(*) as n from deliveries where audience_key = $1 and accepted = 'in'", [CART]))[0]?.n);
const unequal = (): Promise<unknown[]> => database.query("select wanted, status, accepted from deliveries where audience_key = $1 and (wanted = 'in') is distinct from coalesce(accepted = 'in', false)", [CART]);

describe('removals', () => {
  test('of most of an audience by one campaign are held, but for a few, and say why', async () => {
    await audienceOf(100);
    await remove(names(0, 80));
    expect(await pushAll()).toHaveLength(SINGLES);
    expect(await atPlatform()).toBe(100 - SINGLES);
    expect(await ledger.listGuardHolds()).toMatchObject([{ ...TARGET, operation: 'remove', causes: ['campaign:7'], held: 70, noticed: 80, audienceSize: 100, most: 50 }]);
    expect(await ledger.readBacklog(TARGET)).toMatchObject({ removes: 0, guard: { adds: 0, removes: 70 } });
    expect(await ledger.findTargetsToPush()).toEqual([]);
  });

  test('that trickle in are counted together, so that a wave in small pieces is noticed as well', async () => {
    await audienceOf(100);
    for (let from = 0; from < 80; from += 8) {
      await remove(names(from, from + 8));
      await pushAll();
    }
    expect(await heldNow()).toBeGreaterThanOrEqual(24);
    expect(await atPlatform()).toBeGreaterThanOrEqual(44);
  });

  test('of a buyer go at once while a wave is held: by what the purchase adds to, by another campaign, by consent, by the same campaign later', async () => {
    await audienceOf(100);
    await remove(names(0, 80));
    await pushAll();
    await decide(['n90'], { audienceKey: CROSS_SELL });
    await remove(['n91'], 'purchases');
    await decide(['n92'], { consent: { ad_user_data: 'denied' } });
    expect((await pushAll()).sort()).toEqual(['c_n90', 'c_n91', 'c_n92']);
    await database.query("update target_flow set at = at - interval '10 minutes'");
    await remove(['n93']);
    expect(await pushAll()).toEqual(['c_n93']);
    expect(await heldNow()).toBe(70);
  });

  test('of a buyer who is part of the wave go as soon as the purchase comes, also when it happened before the wave', async () => {
    await audienceOf(100);
    const before = ++clock;
    await remove(names(0, 80));
    await decide(['n77'], { audienceKey: CROSS_SELL });
    expect(await pushAll()).toContain('c_n77');
    const held = await database.query<{ customer_id: string }>("select customer_id from deliveries join persons using (person_id) where status = 'held' order by customer_id limit 2");
    const [first, second] = held.map((row) => row.customer_id);
    const many = await heldNow();
    await decide([first!.slice(2)], { audienceKey: CROSS_SELL });
    await decide([second!.slice(2)], { audienceKey: CROSS_SELL, occurredAt: before });
    expect((await pushAll()).sort()).toEqual([first, second]);
    expect(await heldNow()).toBe(many - 2);
  });

  test('by windows that end are no wave, nor are those of an audience that is given up', async () => {
    await audienceOf(100);
    const rows = await database.query<{ person_id: string; event_id: string }>("select person_id, event_id from memberships where audience_key = $1", [CART]);
    await ledger.applyEvents(rows.slice(0, 90).map((row) => ({ kind: 'expire', personId: row.person_id, eventId: row.event_id, audienceKey: CART, at: Date.now() + 8 * DAY })));
    expect(await pushAll()).toHaveLength(90);
    expect(await heldNow()).toBe(0);
  });

  test('of a small audience are never held, nor is a busy day of a large one', async () => {
    await audienceOf(20);
    await remove(names(0, 20));
    expect(await pushAll()).toHaveLength(20);
    await audienceOf(200);
    await remove(names(0, 90));
    expect(await pushAll()).toHaveLength(90);
    expect(await ledger.listGuardHolds()).toEqual([]);
  });

  test('that gathered while the platform was away for hours are no wave', async () => {
    await audienceOf(100);
    await remove(names(0, 80));
    await database.query("update deliveries set pending_since = pending_since - interval '3 hours' where status = 'pending'");
    expect(await pushAll()).toHaveLength(80);
    await remove(names(80, 99));
    expect(await pushAll()).toHaveLength(19);
  });

  test('that fail and are tried again count once', async () => {
    await audienceOf(100);
    await remove(names(0, 30));
    for (let attempt = 0; attempt < 5; attempt++) {
      const loaded = await look();
      expect(loaded.members).toHaveLength(30);
      const started = await ledger.startPush(TARGET, { operation: 'remove', members: loaded.members, deadlineMs: 60_000 });
      if ('busyMs' in started) throw new Error('busy');
      await ledger.abandonPush(started.pushId, 'unavailable');
    }
    expect(await pushAll()).toHaveLength(30);
  });

  test('that are corrected are not held any more, and the platform never hears of them', async () => {
    await audienceOf(100);
    await remove(names(0, 80));
    await pushAll();
    await decide(names(0, 80));
    expect(await pushAll()).toEqual([]);
    expect(await heldNow()).toBe(0);
    expect(await atPlatform()).toBe(100);
  });

  test('go when somebody releases them, and so does what the same campaign removes in that hour', async () => {
    await audienceOf(100);
    await remove(names(0, 80));
    await pushAll();
    expect(await ledger.releaseHolds(TARGET, { operation: 'remove', by: 'ada', because: 'meant' })).toEqual([{ ...TARGET, operation: 'remove', members: 70 }]);
    expect(await pushAll()).toHaveLength(70);
    await remove(names(80, 100));
    expect(await pushAll()).toHaveLength(20);
    expect(await unequal()).toEqual([]);
    expect(await ledger.releaseHolds(TARGET, { by: 'ada' })).toEqual([]);
  });

  test('go by themselves when nobody says anything, because buyers may be among them; adds do not', async () => {
    await audienceOf(100);
    await remove(names(0, 80));
    await pushAll();
    await decide(names(1_000, 1_500), { context: { campaign_id: '8' } });
    await pushAll();
    expect((await ledger.listGuardHolds()).map(({ operation, letGoAt }) => [operation, letGoAt === null])).toEqual([['remove', false], ['add', true]]);
    expect(await ledger.letGoWaves()).toEqual([]);
    await database.query("update guard_holds set let_go_at = let_go_at - interval '5 hours', since = since - interval '5 hours'");
    expect(await ledger.letGoWaves()).toEqual([{ ...TARGET, operation: 'remove', members: 70 }]);
    expect(await pushAll()).toHaveLength(70);
    expect(await ledger.listGuardHolds()).toMatchObject([{ operation: 'add', held: 490 }]);
  });

  test('go at once when the person is to be forgotten, or the target is given up', async () => {
    await audienceOf(100);
    await remove(names(0, 80));
    await pushAll();
    const [row] = await database.query<{ person_id: string; customer_id: string }>("select person_id, customer_id from deliveries join persons using (person_id) where status = 'held' limit 1");
    await ledger.requestErasure({ erasureId: crypto.randomUUID(), personId: row!.person_id, by: 'ada', because: null });
    expect((await look()).members.map(({ customerId }) => customerId)).toEqual([row!.customer_id]);
    await ledger.giveUp({ audienceKey: CART, destinations: ['meta_main'], wholeAudience: false }, false);
    expect(await heldNow()).toBe(0);
    expect(await look()).toMatchObject({ operation: 'remove', members: { length: 70 } });
  });

  test('are held for every worker: one that had read them before does not push them', async () => {
    await audienceOf(100);
    await remove(names(0, 80));
    const slept = await look(other, null);
    expect(slept.members).toHaveLength(80);
    await look();
    expect(await other.startPush(TARGET, { operation: 'remove', members: slept.members, deadlineMs: 60_000 })).toEqual({ busyMs: 1 });
    await Promise.all([pushAll(), pushAll(other)]);
    expect(await heldNow()).toBe(70);
  });
});

describe('adds', () => {
  test('of many times an audience are held until somebody releases them, and the first filling is not', async () => {
    await decide(names(0, 500));
    await pushAll();
    expect(await atPlatform()).toBe(500);
    await isOld();
    await decide(names(500, 2_500), { context: { campaign_id: '8' } });
    await pushAll();
    expect(await atPlatform()).toBe(500 + SINGLES);
    expect(await ledger.listGuardHolds()).toMatchObject([{ operation: 'add', causes: ['campaign:8'], held: 2_000 - SINGLES, audienceSize: 500, letGoAt: null }]);
    await ledger.releaseHolds(TARGET, { by: 'ada' });
    await pushAll();
    expect(await atPlatform()).toBe(2_500);
  });

  test('again of everybody who is in already are no wave', async () => {
    await audienceOf(100);
    await ledger.markForResync(TARGET, { withFormer: true, after: '', limit: 1_000 });
    await pushAll();
    expect(await heldNow()).toBe(0);
  });
});

test('a look goes through nothing that is pending without a cause, however much that is', async () => {
  await audienceOf(400);
  await ledger.markForResync(TARGET, { withFormer: true, after: '', limit: 1_000 });
  const plan = await ledger.connection.use(async (client) => {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain (analyze, costs off, timing off) select wanted, cause from deliveries
      where destination = 'meta_main' and audience_key = '${CART}' and status = 'pending' and cause is not null and ${CHANGES_SOMETHING} and wanted = 'in' limit 21`);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  });
  expect(plan).toContain('deliveries_guarded');
  expect(plan).not.toContain('Rows Removed by Filter');
  expect((await look()).members).toHaveLength(400);
});

test('whatever is decided, at rest after a release the platform has whom the ledger wants; and without a wave nothing is held', async () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), from: fc.nat(60), count: fc.integer({ min: 1, max: 60 }), campaign: fc.constantFrom('7', '8') }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('add' as const), from: fc.nat(120), count: fc.integer({ min: 1, max: 90 }), campaign: fc.constantFrom('7', '8') }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('buy' as const), from: fc.nat(60), count: fc.integer({ min: 1, max: 5 }), campaign: fc.constant('9') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('push' as const, 'release' as const), from: fc.constant(0), count: fc.constant(0), campaign: fc.constant('') }) },
  );
  await holds(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      await database.query('truncate events, persons, person_identifiers, memberships, deliveries, pushes, targets, outbox, exposures, target_flow, guard_holds');
      await audienceOf(60);
      let changes = 0;
      for (const { kind, from, count, campaign } of steps) {
        const people = names(from, from + count);
        if (kind === 'remove') await remove(people, campaign);
        if (kind === 'add') await decide(people, { context: { campaign_id: campaign } });
        if (kind === 'buy') {
          await decide(people, { audienceKey: CROSS_SELL });
          await pushAll();
          const still = await database.query("select 1 from deliveries join persons using (person_id) where audience_key = $1 and accepted = 'in' and customer_id = any($2)", [CART, people.map((name) => `c_${name}`)]);
          expect(still).toEqual([]);
        }
        if (kind === 'push') await pushAll();
        if (kind === 'release') await ledger.releaseHolds(TARGET, { by: 'ada' });
        if (kind !== 'buy') changes += count;
      }
      await pushAll();
      if (changes <= GUARD.least) expect(await heldNow()).toBe(0);
      expect(await database.query("select 1 from deliveries where audience_key = $1 and status = 'pending'", [CART])).toEqual([]);
      await ledger.releaseHolds(TARGET, { by: 'ada' });
      await pushAll();
      expect(await unequal()).toEqual([]);
      expect(await heldNow()).toBe(0);
    }),
    8,
  );
}, PATIENCE_MS);
