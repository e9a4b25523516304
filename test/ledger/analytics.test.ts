/**
 * The queries of docs/analytics.md, as they stand there, on a made-up shop whose answers are computed without the ledger; and the page itself:
 * it has every column, every query and what it really gives. `npx vitest run test/ledger/analytics.test.ts -u` writes these parts of the page anew.
 */
import { readFile, readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { openLedger, type Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { Random } from '../chaos/random.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, CROSS_SELL, DAY, makeEvent, makePolicies, person } from '../support/events.ts';
import { renderRows } from '../support/render-rows.ts';
import { armIn, makeShop, openShop, SHOP_AUDIENCES, SINCE, UNTIL, WINBACK, type Message, type Shop, type Shopper } from '../support/shop.ts';

const PAGE = new URL('../../docs/analytics.md', import.meta.url);
const QUERIES = new URL('../../docs/analytics/', import.meta.url);
const HOUR = DAY / 24;
const SIZE = 3_000;

type Row = Record<string, unknown>;

let database: TestDatabase;
let ledger: Ledger;
let shop: Shop;
const audienceOf = (key: string) => SHOP_AUDIENCES.find((audience) => audience.key === key)!;
const sqlOf = (name: string): Promise<string> => readFile(new URL(`${name}.sql`, QUERIES), 'utf8');
/** Runs a query of the docs. @param change what an analyst would edit in it */
async function run(name: string, change: Readonly<Record<string, string>> = {}): Promise<Row[]> {
  let text = await sqlOf(name);
  for (const [from, to] of Object.entries(change)) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  return database.query<Row>(text);
}
const numbers = (row: Row): Row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value]));

beforeAll(async () => {
  database = await createDatabase();
  ledger = openLedger({ url: database.url, policies: makePolicies(SHOP_AUDIENCES), logger: createLogger({ level: 'silent', pretty: false }), connections: 4 });
  shop = makeShop(SIZE);
  await openShop(shop, ledger, database);
  await removeAtPlatform(exitsOf(shop));
  // As autovacuum does.
  await database.query('analyze');
});
afterAll(async () => {
  await ledger.close();
  await database.drop();
});

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
/** As `percentile_cont`. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

/** In the cart audience when the purchase came, so that the merge finds them in it. */
const mergedInCart = ({ merged, boughtAt, stays }: Shopper): boolean => merged && stays.some(({ audience, until }) => audience === CART && until === (boughtAt ?? 0) + 1_000);
const eventOf = (id: string): HeadgateEvent => {
  const found = shop.items.find(({ item }) => item.kind === 'event' && item.event.eventId === id)?.item;
  if (found?.kind !== 'event') throw new Error(`no event ${id}`);
  return found.event;
};

interface Exit {
  audience: string;
  /** Who the platform's call was about. */
  personId: string;
  occurredAt: number;
  receivedAt: number;
}

/** When somebody who had been pushed had to leave, in the period. */
function exitsOf({ shoppers, persons }: Shop): Exit[] {
  const nameOf = new Map(persons.map(({ personId, customerId }) => [personId, customerId ?? '']));
  return shoppers.flatMap((shopper) => shopper.stays.flatMap(({ audience: key, personId, until }): Exit[] => {
    const name = nameOf.get(shopper.personId) ?? '';
    const audience = audienceOf(key);
    const bought = key === CART && until === (shopper.boughtAt ?? 0) + 1_000;
    if (!bought) return armIn(audience, personId) === 'treatment' ? [{ audience: key, personId, occurredAt: until, receivedAt: until + 500 }] : [];
    const linkedAt = eventOf(`${name}-bought`).receivedAt;
    // The purchase says whose lead it was, who may be in the other arm: then that is what takes them out.
    const moved = shopper.merged && armIn(audience, personId) === 'treatment' && armIn(audience, shopper.personId) === 'holdout';
    if (moved) return [{ audience: key, personId: shopper.personId, occurredAt: linkedAt, receivedAt: linkedAt }];
    return armIn(audience, shopper.personId) === 'treatment' ? [{ audience: key, personId: shopper.personId, occurredAt: until, receivedAt: eventOf(`${name}-cross`).receivedAt }] : [];
  })).filter(({ occurredAt }) => occurredAt >= SINCE && occurredAt < UNTIL);
}

const suppressed: (Exit & { removedAt?: number })[] = [];
/** Writes down the calls that a sync would have made: within a minute, but for one in fifty, which waits. */
async function removeAtPlatform(exits: readonly Exit[]): Promise<void> {
  const random = new Random('calls');
  const calls: { audience: string; operation: string; person: string; outcome: string; at: number }[] = [];
  const write = ({ audience, personId }: Exit, operation: string, outcome: string, at: number): void => void calls.push({ audience, operation, person: personId, outcome, at });
  for (const exit of exits) {
    write(exit, 'add', 'answered', exit.receivedAt + 500);
    write(exit, 'remove', 'answered', exit.receivedAt - HOUR);
    if (random.chance(0.02)) suppressed.push(exit);
    else {
      const removedAt = Math.round(exit.receivedAt + random.between(1_000, 60_000));
      suppressed.push({ ...exit, removedAt });
      if (random.chance(0.1)) write(exit, 'remove', 'unknown', exit.receivedAt + 900);
      write(exit, 'remove', 'answered', removedAt);
      if (random.chance(0.1)) write(exit, 'remove', 'answered', removedAt + HOUR);
    }
  }
  await database.query(
    `insert into pushes (push_id, destination, audience_key, operation, person_ids, revisions, started_at, deadline, finished_at, outcome, accepted, rejected)
     select gen_random_uuid(), 'meta_main', audience, operation, array[person, 'p_somebody_else'], '{1,1}', at, at, at, outcome, 2, 0
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[]) as r (audience, operation, person, outcome, ms), to_timestamp(ms / 1000) as at`,
    [calls.map((one) => one.audience), calls.map((one) => one.operation), calls.map((one) => one.person), calls.map((one) => one.outcome), calls.map((one) => one.at)],
  );
}

/** Newcombe's interval, from https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10. */
function newcombe(ct: number, nt: number, ch: number, nh: number): [number, number] {
  const z = 1.959964;
  const wilson = (c: number, n: number): [number, number] => {
    const half = z * Math.sqrt(z * z + 4 * c * (1 - c / n));
    return [(2 * c + z * z - half) / (2 * (n + z * z)), (2 * c + z * z + half) / (2 * (n + z * z))];
  };
  const [[lt, ut], [lh, uh]] = [wilson(ct, nt), wilson(ch, nh)];
  const [pt, ph] = [ct / nt, ch / nh];
  return [pt - ph - Math.hypot(pt - lt, uh - ph), pt - ph + Math.hypot(ut - pt, ph - lh)];
}

describe('lift by holdout', () => {
  const liftOf = (shoppers: readonly Shopper[], converts: (shopper: Shopper) => number | undefined, within: number): Row => {
    const arms = { treatment: { persons: 0, conversions: 0 }, holdout: { persons: 0, conversions: 0 } };
    for (const shopper of shoppers) {
      const arm = arms[armIn(audienceOf(CART), shopper.cartPersonId)];
      const at = converts(shopper);
      arm.persons++;
      if (at !== undefined && at < shopper.cartAt + within) arm.conversions++;
    }
    const { treatment: t, holdout: h } = arms;
    const [pt, ph] = [t.conversions / t.persons, h.conversions / h.persons];
    const [low, high] = newcombe(t.conversions, t.persons, h.conversions, h.persons);
    return {
      treatment_persons: t.persons, treatment_conversions: t.conversions, treatment_rate: round(pt, 4), holdout_persons: h.persons, holdout_conversions: h.conversions, holdout_rate: round(ph, 4),
      difference: round(pt - ph, 4), low_95: round(low, 4), high_95: round(high, 4), incremental_conversions: round(t.persons * (pt - ph), 1), relative_lift: round(pt / ph - 1, 3),
    };
  };
  const moved = (shoppers: readonly Shopper[]): number => shoppers.filter((one) => mergedInCart(one) && armIn(audienceOf(CART), one.cartPersonId) !== armIn(audienceOf(CART), one.personId)).length;

  test('by purchases', async () => {
    const [row] = await run('lift');
    expect(numbers(row!)).toEqual({ ...liftOf(shop.shoppers, ({ boughtAt }) => boughtAt, 14 * DAY), changed_arm: moved(shop.shoppers), warning: null });
    expect(row).toMatchObject({ treatment_persons: expect.anything() as unknown });
  });

  test.each<[string, string, (shopper: Shopper) => number | undefined]>([
    ['the audience that buyers enter', CROSS_SELL, ({ boughtAt }) => boughtAt],
    ['leaving because of it, which only who is still in does', 'left excluded', ({ boughtAt, stays }) => (stays.some(({ audience, until }) => audience === CART && until === (boughtAt ?? 0) + 1_000) ? boughtAt : undefined)],
    ["a goal of Customer.io's", 'converted', ({ boughtAt, messages }) => (messages.some(({ metrics }) => metrics.has('converted')) ? boughtAt : undefined)],
  ])('by %s', async (_what, counts, converts) => {
    const [row] = await run('lift', { "'purchase'": `'${counts}'`, "interval '14 days'": "interval '6 days'" });
    // A report or an add may come some seconds after the purchase; nobody is that close to the end.
    expect(numbers(row!)).toMatchObject(liftOf(shop.shoppers, converts, 6 * DAY));
  });

  test('warns of too few persons, too few conversions and days that are not over', async () => {
    const few = shop.shoppers.filter(({ cartAt }) => cartAt < SINCE + DAY);
    const [row] = await run('lift', { "'2025-10-01 00:00Z'": "'2025-09-02 00:00Z'" });
    expect(numbers(row!)).toMatchObject({ treatment_persons: few.filter(({ cartPersonId }) => armIn(audienceOf(CART), cartPersonId) === 'treatment').length });
    expect(row?.['warning']).toMatch(/^an arm has fewer than 100 persons; an arm has fewer than 5 conversions$/);
    const [late] = await run('lift', { "'2025-10-01 00:00Z'": "'2999-01-01 00:00Z'" });
    expect(late?.['warning']).toBe('the last persons have not had all their days yet');
    const [nobody] = await run('lift', { [CART]: 'nobody_v1' });
    expect(nobody).toMatchObject({ treatment_persons: '0', treatment_rate: null, difference: null, low_95: null, warning: expect.stringContaining('fewer than 100 persons') as string });
  });
});

test('exposure before conversion', async () => {
  const within = 14 * DAY;
  const buyers = shop.shoppers.flatMap((shopper) => (shopper.boughtAt !== undefined && shopper.boughtAt >= SINCE && shopper.boughtAt < UNTIL ? [{ ...shopper, boughtAt: shopper.boughtAt }] : []));
  const hours = new Map<string, number[]>();
  let unexposed = 0;
  for (const buyer of buyers) {
    const before = buyer.stays.filter(({ from, until }) => from < buyer.boughtAt && until >= buyer.boughtAt - within);
    if (before.length === 0) unexposed++;
    for (const { audience, personId, from } of before) {
      // Who turned out to be somebody else at the purchase was in under the name of then.
      const group = `${audience} ${armIn(audienceOf(audience), personId)}`;
      hours.set(group, [...(hours.get(group) ?? []), (buyer.boughtAt - from) / HOUR]);
    }
  }
  const expected = [...hours].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([group, all]) => ({
    audience_key: group.split(' ')[0], arm: group.split(' ')[1], conversions: all.length, share_of_conversions: round(all.length / buyers.length, 4), median_hours_since_entering: round(percentile(all, 0.5), 1),
  }));
  const rows = (await run('exposure-before-conversion')).map(numbers);
  expect(rows).toEqual([...expected, { audience_key: 'in none', arm: null, conversions: unexposed, share_of_conversions: round(unexposed / buyers.length, 4), median_hours_since_entering: null }].toSorted((a, b) => (`${String(a.audience_key)} ${String(a.arm)}` < `${String(b.audience_key)} ${String(b.arm)}` ? -1 : 1)));
});

test('audience overlap', async () => {
  const keys = [CART, CROSS_SELL, WINBACK];
  const of = (shopper: Shopper, key: string) => shopper.stays.filter(({ audience, from, until }) => audience === key && from < UNTIL && until > SINCE);
  const expected = keys.flatMap((key, index) => keys.slice(index + 1).map((other) => {
    const [a, b] = [key, other].map((one) => shop.shoppers.filter((shopper) => of(shopper, one).length > 0));
    // A lead of whom nobody knows yet whose lead it is, is somebody else.
    const both = a!.filter((shopper) => b!.includes(shopper) && (key !== CART || shopper.leadId === undefined || shopper.merged));
    const together = both.filter((shopper) => of(shopper, key).some((x) => of(shopper, other).some((y) => x.from < y.until && y.from < x.until)));
    return {
      audience: key, other_audience: other, persons: a!.length, other_persons: b!.length, in_both: both.length, share_of_audience: round(both.length / a!.length, 4), share_of_other: round(both.length / b!.length, 4),
      at_the_same_time: together.length,
    };
  }));
  expect((await run('audience-overlap')).map(numbers)).toEqual(expected);
});

test('time to suppression', async () => {
  const expected = [CART, CROSS_SELL, WINBACK].map((key) => {
    const exits = suppressed.filter(({ audience }) => audience === key);
    const removed = exits.flatMap(({ occurredAt, receivedAt, removedAt }) => (removedAt === undefined ? [] : [{ since: (removedAt - occurredAt) / 1_000, received: (removedAt - receivedAt) / 1_000 }]));
    const since = removed.map((one) => one.since);
    return {
      audience_key: key, destination: 'meta_main', exits: exits.length, removed: removed.length, came_back_before: 0, waiting: exits.length - removed.length,
      median_s: round(percentile(since, 0.5), 1), p95_s: round(percentile(since, 0.95), 1), longest_s: round(Math.max(...since), 1), median_s_since_received: round(percentile(removed.map((one) => one.received), 0.5), 1),
    };
  });
  const rows = (await run('time-to-suppression')).map(numbers);
  expect(rows.map(({ audience_key, exits, removed, waiting, came_back_before }) => ({ audience_key, exits, removed, waiting, came_back_before }))).toEqual(
    expected.map(({ audience_key, exits, removed, waiting, came_back_before }) => ({ audience_key, exits, removed, waiting, came_back_before })));
  for (const [index, row] of rows.entries()) for (const column of ['median_s', 'p95_s', 'longest_s', 'median_s_since_received'] as const) expect(row[column], column).toBeCloseTo(expected[index]![column], 0);
});

test('time to suppression of calls that the ledger itself has written', async () => {
  const own = await createDatabase();
  const writing = openLedger({ url: own.url, policies: makePolicies(), logger: createLogger({ level: 'silent', pretty: false }) });
  const target = { destination: 'meta_main', audienceKey: CART };
  const pushAll = async (): Promise<void> => {
    const { operation, members } = await writing.loadPending(target, 100, { atOnce: true });
    if (operation === 'none') return;
    const started = await writing.startPush(target, { operation, members, deadlineMs: 60_000 });
    if ('busyMs' in started) throw new Error('another push is under way');
    await writing.finishPush(target, { pushId: started.pushId, operation }, members.map(({ personId, revision }) => ({ personId, revision, status: 'accepted' })));
  };
  const apply = (...events: HeadgateEvent[]) => writing.applyEvents(events.map((event) => ({ kind: 'event', event })));
  const decide = (name: string, remove: boolean, occurredAt: number) => makeEvent({ ...person(name), occurredAt, receivedAt: Date.now(), ...(remove ? { name: 'cio.audience_remove' as const } : {}) });
  const start = Date.now() - HOUR;
  await apply(decide('goes', false, start), decide('waits', false, start), decide('returns', false, start));
  await pushAll();
  await apply(decide('goes', true, start + 60_000));
  await pushAll();
  await apply(decide('waits', true, start + 60_000), decide('returns', true, start + 60_000));
  await apply(decide('returns', false, start + 120_000));
  const text = (await sqlOf('time-to-suppression')).replace("timestamptz '2025-09-01 00:00Z'", "now() - interval '1 day'").replace("timestamptz '2025-10-01 00:00Z'", "now() + interval '1 day'");
  const [row, ...more] = (await own.query<Row>(text)).map(numbers);
  expect(more).toEqual([]);
  expect(row).toMatchObject({ audience_key: CART, destination: 'meta_main', exits: 3, removed: 1, waiting: 1, came_back_before: 1 });
  // The removal happened a minute after the hour began.
  expect(row?.['median_s']).toBeGreaterThan(3_500);
  expect(row?.['median_s_since_received']).toBeLessThan(60);
  await writing.close();
  await own.drop();
});

test('the holdout recomputed in SQL has nobody in another arm than the ledger', async () => {
  // In the middle of the month, so that somebody is in.
  const now = Date.UTC(2025, 8, 16);
  const own = await createDatabase();
  const half = openLedger({ url: own.url, policies: makePolicies(SHOP_AUDIENCES), logger: createLogger({ level: 'silent', pretty: false }) });
  await openShop({ ...shop, items: shop.items.filter(({ at }) => at < now) }, half, own);
  const [row] = (await own.query<Row>(await sqlOf('holdout-position'))).map(numbers);
  const members = shop.shoppers.flatMap((shopper) => shopper.stays.filter(({ audience, from, until }) => audience === CART && from < now && until > now)
    .map(({ personId }) => (shopper.merged && (shopper.boughtAt ?? Infinity) < now ? shopper.personId : personId)));
  expect(row).toMatchObject({ members: members.length, held_out: members.filter((personId) => armIn(audienceOf(CART), personId) === 'holdout').length, in_the_wrong_arm: 0 });
  expect((await own.query<{ members: number }>("select count(*)::int as members from current_memberships where audience_key = $1", [CART]))[0]?.members).toBe(members.length);
  await half.close();
  await own.drop();
});

describe('views', () => {
  test('membership_intervals has every stay once, with the arm of then', async () => {
    const rows = await database.query<{ person_id: string; audience_key: string; arm: string; entered_at: Date; left_at: Date | null }>('select person_id, audience_key, arm, entered_at, left_at from membership_intervals');
    const found = rows.map((row) => [row.person_id, row.audience_key, row.arm, row.entered_at.getTime(), row.left_at?.getTime() ?? null].join(' '));
    const expected = shop.shoppers.flatMap((shopper) => shopper.stays.flatMap(({ audience: key, personId, from, until }) => {
      const audience = audienceOf(key);
      const today = shopper.merged ? shopper.personId : personId;
      const [then, now] = [armIn(audience, personId), armIn(audience, shopper.personId)];
      const line = (arm: string, a: number, b: number): string => [today, key, arm, a, b].join(' ');
      if (key !== CART || then === now || !mergedInCart(shopper)) return [line(then, from, until)];
      const name = shop.persons.find((one) => one.personId === shopper.personId)?.customerId ?? '';
      const at = eventOf(`${name}-bought`).receivedAt;
      // The purchase that was told late took them out before it was known who they are.
      return at < until ? [line(then, from, at), line(now, at, until)] : [line(then, from, until)];
    }));
    expect(found.toSorted()).toEqual(expected.toSorted());
    expect(await database.query('select distinct left_reason from membership_intervals order by 1')).toEqual(['excluded', 'expired', 'rearmed'].map((left_reason) => ({ left_reason })));
  });

  test('delivery_funnel counts deliveries, and machines apart', async () => {
    const messages = shop.shoppers.flatMap((shopper) => shopper.messages);
    const expected = (of: (message: Message) => boolean): Row => {
      const own = messages.filter(of);
      const count = (...metrics: string[]): number => own.filter((message) => metrics.every((metric) => message.metrics.has(metric))).length;
      const machineOnly = count('opened by machine') - count('opened by machine', 'opened by person');
      return {
        deliveries: own.length, sent: count('sent'), delivered: count('delivered'), opened: count('opened by person'), opened_by_machines_only: machineOnly, clicked: count('clicked by person'), clicked_by_machines_only: 0,
        converted: count('converted'), bounced: count('bounced'), failed: 0, unsubscribed: count('unsubscribed'),
      };
    };
    const rows = await database.query<Row>('select campaign_id, newsletter_id, step_id, channel, variant, deliveries, sent, delivered, opened, opened_by_machines_only, clicked, clicked_by_machines_only, converted, bounced, failed, unsubscribed from delivery_funnel order by campaign_id, newsletter_id, variant');
    expect(rows).toEqual([
      { campaign_id: '7', newsletter_id: null, step_id: '43', channel: 'email', variant: null, ...expected(({ campaignId }) => campaignId === '7') },
      { campaign_id: null, newsletter_id: '3', step_id: null, channel: 'email', variant: '31', ...expected(({ variant }) => variant === '31') },
      { campaign_id: null, newsletter_id: '3', step_id: null, channel: 'email', variant: '32', ...expected(({ variant }) => variant === '32') },
    ]);
  });

  test('daily_exposures counts rows and persons of a day', async () => {
    const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
    const expected = new Map<string, number>();
    for (const { cartAt, cartPersonId } of shop.shoppers) {
      const key = `${day(cartAt)} ${armIn(audienceOf(CART), cartPersonId) === 'holdout' ? 'held_out' : 'entered'}`;
      expected.set(key, (expected.get(key) ?? 0) + 1);
    }
    const rows = await database.query<{ day: string; outcome: string; rows: number; persons: number }>("select day::text, outcome, rows, persons from daily_exposures where name = 'cio.audience_add' and audience_key = $1 and outcome in ('entered', 'held_out')", [CART]);
    expect(new Map(rows.map((row) => [`${row.day} ${row.outcome}`, row.rows]))).toEqual(expected);
    expect(rows.every((row) => row.persons === row.rows)).toBe(true);
    expect(await database.query('select (select sum(rows)::int from daily_exposures) = (select count(*)::int from exposures) as same')).toEqual([{ same: true }]);
  });

  test('surviving_persons is what the rows of mergers say, as a warehouse without the table persons has it', async () => {
    expect(await database.query(`
      with recursive merges as (select attributes ->> 'person_id' as person_id, person_id as survivor_id from exposures where outcome = 'merged'),
      chain as (select * from merges union all select c.person_id, m.survivor_id from chain c join merges m on m.person_id = c.survivor_id)
      (select person_id, survivor_id from chain where survivor_id not in (select person_id from merges) except select * from surviving_persons where person_id <> survivor_id)
      union all (select * from surviving_persons where person_id <> survivor_id except select person_id, survivor_id from chain)`)).toEqual([]);
    expect(await database.query('select count(*)::int as merged from surviving_persons where person_id <> survivor_id')).toEqual([{ merged: shop.shoppers.filter(({ merged }) => merged).length }]);
  });
});

describe('docs/analytics.md', () => {
  const COLUMNS = `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, col_description(a.attrelid, a.attnum) as comment
    from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`;
  const TYPES: Readonly<Record<string, string>> = { 'timestamp with time zone': 'timestamptz', 'double precision': 'float8' };
  async function columnsOf(table: string): Promise<string> {
    const columns = await database.query<{ name: string; type: string; comment: string | null }>(COLUMNS, [table]);
    for (const { name, comment } of columns) expect(comment, `${table}.${name} has no comment in the migrations`).not.toBeNull();
    return ['| column | type | what |', '|---|---|---|', ...columns.map(({ name, type, comment }) => `| \`${name}\` | ${TYPES[type] ?? type} | ${comment ?? ''} |`)].join('\n');
  }
  const block = (language: string, text: string): string => `\`\`\`${language}\n${text.trim()}\n\`\`\``;

  test('documents every column, and prints every query with what it gives on this shop', async () => {
    const page = await readFile(PAGE, 'utf8');
    const views = (await database.query<{ name: string }>("select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'v' order by 1")).map(({ name }) => name);
    const parts = new Map<string, string>();
    for (const table of ['exposures', ...views]) parts.set(`columns of ${table}`, await columnsOf(table));
    for (const file of (await readdir(QUERIES)).filter((name) => name.endsWith('.sql') && !name.includes('.bigquery.'))) {
      const name = file.replace('.sql', '');
      parts.set(name, block('sql', await sqlOf(name)));
      if (name !== 'holdout-position') parts.set(`result of ${name}`, block('text', renderRows(await run(name))));
    }
    let written = page;
    for (const [name, text] of parts) {
      const [begin, end] = [`<!-- begin ${name} -->\n`, `\n<!-- end ${name} -->`];
      const [before, rest] = written.split(begin);
      expect(rest, `docs/analytics.md has no part "${name}"`).toBeDefined();
      written = `${before ?? ''}${begin}${text}${(rest ?? '').slice((rest ?? '').indexOf(end))}`;
    }
    await expect(written).toMatchFileSnapshot('../../docs/analytics.md');
  });
});
