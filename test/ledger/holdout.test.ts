/** Holdouts on a real Postgres: the hash in SQL, and members who are moved when shares change. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { armOf, sharesOf } from '../../src/domain/holdout.ts';
import type { Audience, TargetRef } from '../../src/domain/registry.ts';
import { holdoutPosition } from '../../src/ledger/holdout-position.ts';
import { adoptRegistry, openLedger, type Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { Sweep } from '../../src/relay/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, CROSS_SELL, DAY, makeAudience, makeEvent, makePolicies, person } from '../support/events.ts';

const logger = createLogger({ level: 'silent', pretty: false });
const T = Date.now() - DAY;

let database: TestDatabase;
const opened: Ledger[] = [];
beforeAll(async () => {
  database = await createDatabase();
});
beforeEach(() => database.query('truncate events, persons, person_identifiers, memberships, deliveries, pushes, targets, audiences, outbox, exposures, processes'));
afterAll(async () => {
  for (const ledger of opened) await ledger.close();
  await database.drop();
});

const audiencesWith = (share: number, all?: number): Audience[] => [
  makeAudience({ key: CART, holdout: share, holdouts: all === undefined ? [] : [{ name: 'all_ads', share: all }] }),
  makeAudience({ key: CROSS_SELL, excludes: [CART] }),
];

interface Process {
  ledger: Ledger;
  sweep: Sweep;
  woken: TargetRef[];
  apply: (...events: HeadgateEvent[]) => Promise<unknown>;
}
/** A process that starts with these shares. */
async function start(audiences: Audience[], registryHash = 'same'): Promise<Process> {
  const policies = makePolicies(audiences);
  const { refusals } = await adoptRegistry(database.url, policies);
  expect(refusals).toEqual([]);
  const ledger = openLedger({ url: database.url, policies, logger });
  opened.push(ledger);
  const woken: TargetRef[] = [];
  const sweep = new Sweep({
    ledger, audiences, wake: (targets) => woken.push(...targets), logger, metrics: createMetrics(),
    self: { processId: `${registryHash}-${String(opened.length)}`, role: 'api', registryHash },
  });
  return { ledger, sweep, woken, apply: (...events) => ledger.applyEvents(events.map((event) => ({ kind: 'event', event }))) };
}
const adds = (from: number, to: number, overrides: Partial<HeadgateEvent> = {}): HeadgateEvent[] =>
  Array.from({ length: to - from }, (_, index) => makeEvent({ ...person(`h${String(from + index)}`), occurredAt: T, ...overrides }));

interface Member {
  person_id: string;
  arm: string;
  revision: number;
  expires_at: Date;
  event_id: string;
}
const members = (): Promise<Member[]> =>
  database.query<Member>("select person_id, arm, revision, expires_at, event_id from memberships where audience_key = $1 and state = 'in' order by person_id", [CART]);
const wantedIn = async (): Promise<string[]> =>
  (await database.query<{ person_id: string }>("select person_id from deliveries where audience_key = $1 and wanted = 'in' order by person_id", [CART])).map((row) => row.person_id);
const isDue = async (): Promise<boolean> => (await database.query('select 1 from audiences where audience_key = $1 and rearm_after is not null', [CART])).length > 0;
const rearmed = (): Promise<{ person_id: string; outcome: string; arm: string; caused_by: string; occurred_at: Date }[]> =>
  database.query("select person_id, outcome, arm, caused_by, occurred_at from exposures where name = 'headgate.rearmed' order by received_at, person_id");

test('the position in SQL, by the function and by the expression of the docs, is that of the code, bit by bit', async () => {
  const asked = Array.from({ length: 2_000 }, (_, index) => ({ salt: [CART, CROSS_SELL, 'holdout:all_ads'][index % 3]!, personId: `p_${(index * 7_919).toString(16).padStart(28, '0')}` }));
  const rows = await database.query<{ salt: string; person_id: string; by_function: number; by_expression: number }>(
    `select salt, person_id, holdout_position(salt, person_id) as by_function, (('x' || left(md5(salt || ':' || person_id), 8))::bit(32)::bigint / 4294967296.0)::float8 as by_expression
     from unnest($1::text[], $2::text[]) as asked (salt, person_id)`,
    [asked.map(({ salt }) => salt), asked.map(({ personId }) => personId)],
  );
  expect(rows).toHaveLength(asked.length);
  for (const row of rows) {
    const position = holdoutPosition(row.salt, row.person_id);
    expect([row.by_function, row.by_expression]).toEqual([position, position]);
  }
});

describe('when shares change', () => {
  test('exactly the members whose arm is not right are moved, in rows of their own; their windows go on', async () => {
    const none = await start(audiencesWith(0));
    // More than one slice, and some who left.
    for (let from = 0; from < 1_200; from += 400) await none.apply(...adds(from, from + 400));
    await none.apply(...adds(1_190, 1_200, { name: 'cio.audience_remove', occurredAt: T + 1 }));
    await none.sweep.sweepOnce();
    expect(await rearmed()).toEqual([]);
    expect(await isDue()).toBe(false);
    const before = new Map((await members()).map((member) => [member.person_id, member]));
    expect(before.size).toBe(1_190);
    await none.sweep.stop();

    const audiences = audiencesWith(0.05, 0.03);
    const some = await start(audiences);
    await some.sweep.sweepOnce();
    const after = await members();
    for (const member of after) {
      const arm = armOf(audiences[0]!, member.person_id, holdoutPosition);
      expect(member).toEqual({ ...before.get(member.person_id), arm, revision: arm === 'holdout' ? 2 : 1 });
    }
    const heldOut = after.filter(({ arm }) => arm === 'holdout');
    expect(heldOut.length).toBeGreaterThan(50);
    expect(await wantedIn()).toEqual(after.filter(({ arm }) => arm === 'treatment').map((member) => member.person_id));
    expect((await rearmed()).map(({ person_id, outcome, arm, caused_by }) => ({ person_id, outcome, arm, caused_by }))).toEqual(
      heldOut.map(({ person_id, event_id }) => ({ person_id, outcome: 'held_out', arm: 'holdout', caused_by: event_id })),
    );
    expect(some.woken).toContainEqual({ destination: 'meta_main', audienceKey: CART });
    expect(await isDue()).toBe(false);
    await some.sweep.sweepOnce();
    expect(await rearmed()).toHaveLength(heldOut.length);
    await some.sweep.stop();

    // Raised: the others join. Lowered to nothing: all of them enter, and the workflow of their add is not told to end.
    const more = await start(audiencesWith(0.08, 0.03));
    await more.sweep.sweepOnce();
    const raised = (await members()).filter(({ arm }) => arm === 'holdout').map((member) => member.person_id);
    expect(raised).toEqual(expect.arrayContaining(heldOut.map((member) => member.person_id)));
    expect(raised.length).toBeGreaterThan(heldOut.length);
    await more.sweep.stop();
    const back = await start(audiencesWith(0));
    await back.sweep.sweepOnce();
    expect((await members()).every(({ arm }) => arm === 'treatment')).toBe(true);
    expect((await rearmed()).filter(({ outcome, arm }) => outcome === 'entered' && arm === 'treatment').map((row) => row.person_id)).toEqual(raised);
    expect(await wantedIn()).toHaveLength(1_190);
    expect(await database.query("select 1 from outbox where action = 'end'")).toEqual(await database.query('select 1 from exposures where outcome = $1', ['left']));
    // Each arm is an interval of its own, and the one of now is open.
    expect(await database.query("select arm, left_reason, count(*)::int as intervals from membership_intervals where person_id = $1 group by 1, 2 order by 1, 2", [heldOut[0]!.person_id])).toEqual([
      { arm: 'holdout', left_reason: 'rearmed', intervals: 1 },
      { arm: 'treatment', left_reason: 'rearmed', intervals: 1 },
      { arm: 'treatment', left_reason: null, intervals: 1 },
    ]);
    await back.sweep.stop();
  });

  test('an arm is the same after leaving and coming back, in every process that has the same shares', async () => {
    const one = await start(audiencesWith(0.5));
    await one.apply(...adds(0, 100));
    const armsOf = async (): Promise<string[]> => (await members()).map(({ person_id, arm }) => `${person_id} ${arm}`);
    const first = await armsOf();
    await one.apply(...adds(0, 100, { name: 'cio.audience_remove', occurredAt: T + 1 }));
    expect(await armsOf()).toEqual([]);
    const two = await start(audiencesWith(0.5));
    await two.apply(...adds(0, 100, { occurredAt: T + 2 }));
    expect(await armsOf()).toEqual(first);
    await two.sweep.sweepOnce();
    expect(await rearmed()).toEqual([]);
    const ghosts = await database.query<{ entries: number }>("select count(*)::int as entries from exposures where outcome = 'held_out' group by person_id");
    expect(ghosts.map(({ entries }) => entries)).toEqual(first.filter((line) => line.endsWith('holdout')).map(() => 2));
    await two.sweep.stop();
  });

  test('a process with the former shares moves nobody, and what it decides meanwhile is looked through when it is gone', async () => {
    const former = await start(audiencesWith(0), 'former');
    await former.apply(...adds(0, 40));
    await former.sweep.sweepOnce();
    const newer = await start(audiencesWith(1), 'newer');
    await newer.sweep.sweepOnce();
    expect(await wantedIn()).toEqual([]);
    expect(await isDue()).toBe(true);
    await former.apply(...adds(40, 50));
    await former.sweep.sweepOnce();
    expect(await wantedIn()).toHaveLength(10);
    await former.sweep.stop();
    await newer.sweep.sweepOnce();
    expect(await wantedIn()).toEqual([]);
    expect(await isDue()).toBe(false);
    await newer.sweep.stop();
  });

  test('a walk that was broken off goes on where it was', async () => {
    const none = await start(audiencesWith(0));
    for (let from = 0; from < 800; from += 400) await none.apply(...adds(from, from + 400));
    await none.sweep.sweepOnce();
    const [audience] = audiencesWith(1);
    const all = await start(audiencesWith(1));
    const [due] = await all.ledger.findToRearm([audience!]);
    expect(due).toEqual({ audienceKey: CART, after: '' });
    const { found, last } = await all.ledger.nextToRearm(audience!, '');
    expect(found).toHaveLength(500);
    await all.ledger.applyEvents(found.map(({ personId }) => ({ kind: 'rearm', personId, audienceKey: CART, at: Date.now() })));
    await all.ledger.noteRearmed(audience!, '', last);
    expect(await all.ledger.findToRearm([audience!])).toEqual([{ audienceKey: CART, after: last }]);
    // Somebody who notes what another one has noted already changes nothing.
    await all.ledger.noteRearmed(audience!, '', null);
    await all.sweep.sweepOnce();
    expect(await rearmed()).toHaveLength(800);
    expect(await isDue()).toBe(false);
    await all.sweep.stop();
  });

  test('a removal at the same time leaves nobody in, whichever is first', async () => {
    const none = await start(audiencesWith(0));
    await none.apply(...adds(0, 200));
    const all = await start(audiencesWith(1));
    const found = (await members()).map((member) => member.person_id);
    const rearm = all.ledger.applyEvents(found.map((personId) => ({ kind: 'rearm', personId, audienceKey: CART, at: Date.now() })));
    await Promise.all([rearm, all.apply(...adds(0, 100, { name: 'cio.audience_remove', occurredAt: T + 1 }))]);
    expect((await members()).map(({ arm }) => arm)).toEqual(Array.from({ length: 100 }, () => 'holdout'));
    expect(await wantedIn()).toEqual([]);
    expect(await database.query('select 1 from membership_intervals where left_at is null')).toHaveLength(100);
  });

  test('the shares that a ledger of an older version had are looked through once, and nobody is told of a change', async () => {
    const one = await start(audiencesWith(1));
    await one.apply(...adds(0, 10));
    await database.query("update audiences set holdout = null, rearm_after = null");
    await database.query("update memberships set arm = 'treatment' where event_id in (select event_id from memberships limit 4)");
    const { changes } = await adoptRegistry(database.url, makePolicies(audiencesWith(1)));
    expect(changes.movedShares.map(({ before }) => before)).toEqual([undefined, undefined]);
    await one.sweep.sweepOnce();
    expect(await rearmed()).toHaveLength(4);
    expect(await database.query('select holdout from audiences where audience_key = $1', [CART])).toEqual([{ holdout: sharesOf(audiencesWith(1)[0]!) }]);
    await one.sweep.stop();
  });
});

describe('what a merge brings about has rows too', () => {
  const half = [makeAudience({ key: CART, holdout: 0.5 }), makeAudience({ key: CROSS_SELL, excludes: [CART] })];
  const lead = (name: string, overrides: Partial<HeadgateEvent> = {}): HeadgateEvent => makeEvent({ ...person(name), person: { emailHash: person(name).person.emailHash! }, occurredAt: T, ...overrides });
  const bought = (name: string, occurredAt: number): HeadgateEvent => makeEvent({ ...person(name), person: { customerId: `c_${name}` }, audienceKey: CROSS_SELL, occurredAt });
  const links = (name: string): HeadgateEvent => {
    const event = makeEvent({ ...person(name), name: 'cio.exposure', occurredAt: T + 5 });
    delete event.audienceKey;
    return event;
  };

  test('a lead who turns out to have bought leaves by the merge', async () => {
    const { apply } = await start(half);
    await apply(lead('merged'));
    await apply(bought('merged', T + 3));
    const link = links('merged');
    await apply(link);
    expect(await database.query("select name, outcome, reason, audience_key, occurred_at from exposures where caused_by = $1 and outcome = 'left'", [link.eventId])).toEqual([
      { name: 'headgate.left', outcome: 'left', reason: 'excluded', audience_key: CART, occurred_at: new Date(T + 3) },
    ]);
    expect(await database.query('select left_at, left_reason from membership_intervals where audience_key = $1', [CART])).toEqual([{ left_at: new Date(T + 3), left_reason: 'excluded' }]);
  });

  test('who comes into another arm by it is moved, and so is nobody else', async () => {
    const { apply } = await start(half);
    for (let index = 0; index < 30; index++) {
      await apply(lead(`m${String(index)}`));
      const other = makeEvent({ ...person(`m${String(index)}`), person: { customerId: `c_m${String(index)}` }, name: 'cio.exposure', occurredAt: T });
      delete other.audienceKey;
      await apply(other);
      await apply(links(`m${String(index)}`));
    }
    const merged = await database.query<{ loser: string; survivor: string }>("select attributes->>'person_id' as loser, person_id as survivor from exposures where outcome = 'merged'");
    expect(merged).toHaveLength(30);
    const moved = merged.filter(({ loser, survivor }) => armOf(half[0]!, loser, holdoutPosition) !== armOf(half[0]!, survivor, holdoutPosition));
    expect((await rearmed()).map((row) => row.person_id).toSorted()).toEqual(moved.map(({ survivor }) => survivor).toSorted());
    const open = await database.query<{ person_id: string; arm: string }>('select person_id, arm from membership_intervals where left_at is null order by 1');
    expect(open).toEqual((await members()).map(({ person_id, arm }) => ({ person_id, arm })));
  });
});

test('a member whose newer add comes when its window is over leaves, in a row of its own', async () => {
  const { apply } = await start(audiencesWith(0));
  const old = makeEvent({ ...person('overtaken'), occurredAt: T - 10 * DAY, receivedAt: T - 10 * DAY });
  await apply(old);
  await apply(makeEvent({ ...person('overtaken'), occurredAt: T - 8 * DAY }));
  expect(await database.query('select event_id, outcome, occurred_at from exposures where caused_by = $1', [old.eventId])).toEqual([
    { event_id: `${old.eventId}/expired`, outcome: 'expired', occurred_at: new Date(T - 3 * DAY) },
  ]);
  expect(await database.query('select left_at, left_reason from membership_intervals')).toEqual([{ left_at: new Date(T - 3 * DAY), left_reason: 'expired' }]);
});
