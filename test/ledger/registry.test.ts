/** The registry changes while data exist: what the ledger remembers, refuses, fills and lets go, under real concurrent transactions. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createActivities, type Activities } from '../../src/activities/index.ts';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { describeRefusal } from '../../src/domain/registry-change.ts';
import type { Audience, Policies, Target } from '../../src/domain/registry.ts';
import { adoptRegistry, openLedger, type Ledger, type MemberOutcome, type PendingMember, type PushOperation } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import type { Walked } from '../../src/workflows/contract.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, CROSS_SELL, DAY, makeAudience, makeEvent, person } from '../support/events.ts';
import { NO_TEMPORAL } from '../support/no-temporal.ts';
import { QUIET_MONITOR } from '../support/quiet-monitor.ts';
import { until } from '../support/until.ts';

const META: Target = { destination: 'meta_main', audienceKey: CART, platformAudienceId: '1' };
const SNAP: Target = { destination: 'snap_main', audienceKey: CART, platformAudienceId: '2' };
const T = Date.now() - DAY;

const policiesOf = (...audiences: Audience[]): Policies => ({
  audiences: new Map(audiences.map((audience) => [audience.key, audience])),
  destinations: new Map(['meta_main', 'snap_main'].map((name) => [name, { name, platform: name.slice(0, 4), mode: 'live', testProfiles: [] }])),
});
const cart = (overrides: Partial<Audience> = {}): Audience => makeAudience({ key: CART, targets: [META], ...overrides });
const BEFORE = policiesOf(cart());
const AFTER = policiesOf(cart({ targets: [META, SNAP] }));

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

/** A process with this registry. */
interface Process {
  ledger: Ledger;
  activities: Activities;
  apply: (...events: HeadgateEvent[]) => Promise<unknown>;
}
const logger = createLogger({ level: 'silent', pretty: false });
function processWith(policies: Policies): Process {
  const ledger = openLedger({ url: database.url, policies, logger });
  opened.push(ledger);
  const activities = createActivities({ ledger, policies, destinations: new Map(), exporters: new Map(), actions: new Map(), wakeAction: () => undefined, sizesEveryMs: 6 * 3_600_000, wake: () => undefined, monitor: QUIET_MONITOR, gateway: NO_TEMPORAL, stopping: new AbortController().signal, logger, metrics: createMetrics() });
  return { ledger, activities, apply: (...events) => ledger.applyEvents(events.map((event) => ({ kind: 'event', event }))) };
}
/** A step as a worker runs it. */
const run = <R>(step: () => Promise<R>): Promise<R> => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(step);

/** To the end; returns how many were changed. */
async function walkAll(step: (after: string) => Promise<Walked>): Promise<number> {
  let changed = 0;
  for (let next: string | null = ''; next !== null; ) {
    const from: string = next;
    const walked: Walked = await run(() => step(from));
    changed += walked.changed;
    next = walked.after;
  }
  return changed;
}

const adopt = (policies: Policies) => adoptRegistry(database.url, policies);
const refused = async (policies: Policies): Promise<string[]> => (await adopt(policies)).refusals.map(describeRefusal);
const add = (name: string, overrides: Partial<HeadgateEvent> = {}): HeadgateEvent => makeEvent({ ...person(name), occurredAt: T, receivedAt: T, ...overrides });
const remove = (name: string, overrides: Partial<HeadgateEvent> = {}): HeadgateEvent => add(name, { name: 'cio.audience_remove', occurredAt: T + 1_000, ...overrides });
const deliveriesAt = (destination: string) =>
  database.query<{ customer_id: string; wanted: string; status: string }>(
    'select p.customer_id, d.wanted, d.status from deliveries d join persons p using (person_id) where destination = $1 order by 1', [destination]);
const targetRow = async (target: Target) =>
  (await database.query<{ life: string; fill: string; platform_audience_id: string }>('select life, fill, platform_audience_id from targets where destination = $1 and audience_key = $2', [target.destination, target.audienceKey]))[0];

async function start(ledger: Ledger, target: Target, operation: PushOperation, members: readonly PendingMember[]): Promise<string> {
  const started = await ledger.startPush(target, { operation, members, deadlineMs: 60_000 });
  if ('busyMs' in started) throw new Error('another push is under way');
  return started.pushId;
}

/** Pushes whatever is not held, as a platform that takes everything in. */
async function pushAll({ ledger }: Process, target: Target, life: 'active' | 'retiring' = 'active'): Promise<void> {
  const hold = { adds: life === 'retiring' ? 'everybody' : 'nobody', removals: 'nobody', testProfiles: [], because: null } as const;
  for (;;) {
    const { operation, members } = await ledger.loadPending(target, 100, { hold, atOnce: true });
    if (operation === 'none') return;
    const pushId = await start(ledger, target, operation, members);
    await ledger.finishPush(target, { pushId, operation }, members.map(({ personId, revision }): MemberOutcome => ({ personId, revision, status: 'accepted' })));
  }
}

/** A process that has been running with the cart audience at Meta, and these people in it there. */
async function withPeople(...names: string[]): Promise<Process> {
  await adopt(BEFORE);
  const before = processWith(BEFORE);
  await before.apply(...names.map((name) => add(name)));
  await pushAll(before, META);
  return before;
}

describe('a registry is compared with the one that the ledger remembers', () => {
  test('the first one is remembered, and the same one again changes nothing', async () => {
    expect(await adopt(BEFORE)).toMatchObject({ refusals: [], changes: { newTargets: [META], newAudiences: [{ key: CART }] } });
    expect(await targetRow(META)).toEqual({ life: 'active', fill: 'due', platform_audience_id: '1' });
    const again = await adopt(BEFORE);
    expect(Object.values(again.changes).flat()).toEqual([]);
  });

  test('a target that is taken away with people in it is refused, with their number and the command, and nothing is changed', async () => {
    await withPeople('a', 'b');
    await database.query("update targets set fill = 'done'");
    expect(await refused(policiesOf(cart({ targets: [SNAP] })))).toEqual([
      `target meta_main of ${CART} is gone, and 2 people are in the platform's audience "1". Put it back and start; \`headgate target retire --destination meta_main --audience ${CART}\` empties it, with --keep it leaves them in; then take it out.`,
    ]);
    expect(await targetRow(META)).toEqual({ life: 'active', fill: 'done', platform_audience_id: '1' });
    expect(await targetRow(SNAP)).toBeUndefined();
  });

  test.each([
    ['a removal that the platform refuses for now', "update deliveries set wanted = 'out', status = 'blocked', accepted = 'in'"],
    ['an add that is on its way', "update deliveries set status = 'pending', accepted = null"],
    ['an add that the platform decides later', "update deliveries set status = 'processing', accepted = null"],
    ['a removal that failed for good', "update deliveries set wanted = 'out', status = 'rejected', accepted = 'in'"],
  ])('%s counts as somebody in it', async (_what, state) => {
    await withPeople('a');
    await database.query(state);
    expect(await refused(policiesOf(cart({ targets: [] })))).toEqual([expect.stringContaining('one person is in')]);
  });

  test('a target that was never called may go whatever is pending, and gets the present members when it comes back', async () => {
    await adopt(BEFORE);
    await processWith(BEFORE).apply(add('a'));
    await database.query("update targets set fill = 'done'");
    expect(await refused(policiesOf(cart({ targets: [] })))).toEqual([]);
    expect(await targetRow(META)).toMatchObject({ life: 'absent', fill: 'due' });
    expect((await adopt(BEFORE)).changes.newTargets).toEqual([META]);
    expect(await targetRow(META)).toMatchObject({ life: 'active', fill: 'due' });
  });

  test('another id of the platform is another target: refused while people are in the former one', async () => {
    await withPeople('a');
    const moved = policiesOf(cart({ targets: [{ ...META, platformAudienceId: '9' }] }));
    expect(await refused(moved)).toEqual([expect.stringMatching(/was "1" and is "9" now, and one person is in the former one\. Put "1" back and start/)]);
    await database.query("update targets set life = 'retired'");
    expect(await refused(moved)).toEqual([]);
    expect(await targetRow(META)).toEqual({ life: 'active', fill: 'due', platform_audience_id: '9' });
  });

  test('an audience that is taken away with members in it is refused in one sentence, not in one for each target too', async () => {
    await withPeople('a', 'b');
    expect(await refused(policiesOf())).toEqual([
      `audience ${CART} is gone, and 2 people are in it. Put it back and start; \`headgate audience retire ${CART}\` lets them all go, with --keep it leaves them with the platforms; then take it out.`,
    ]);
  });

  test('an audience whose members are out is refused for the removals that are on their way', async () => {
    const { apply } = await withPeople('a');
    await apply(remove('a'));
    expect(await refused(policiesOf())).toEqual([expect.stringMatching(/^target meta_main of .* one person is in/)]);
    await pushAll(processWith(BEFORE), META);
    expect(await refused(policiesOf())).toEqual([]);
  });

  test('a destination that is taken away takes its targets with it', async () => {
    await withPeople('a');
    const without = policiesOf(cart({ targets: [] }), makeAudience({ key: CROSS_SELL, targets: [] }));
    expect(await refused({ ...without, destinations: new Map() })).toEqual([expect.stringContaining('target meta_main')]);
  });

  test('a changed window is remembered and told', async () => {
    await adopt(BEFORE);
    expect((await adopt(policiesOf(cart({ windowMs: null })))).changes.movedWindows).toMatchObject([{ before: 7 * DAY, audience: { windowMs: null } }]);
    expect((await adopt(policiesOf(cart({ windowMs: 3 * DAY })))).changes.movedWindows).toMatchObject([{ before: null }]);
    expect((await adopt(policiesOf(cart({ windowMs: 3 * DAY })))).changes.movedWindows).toEqual([]);
  });

  test('processes that start at once take turns', async () => {
    const { ledger } = processWith(AFTER);
    let adoptions: Promise<Awaited<ReturnType<typeof adopt>>[]> | undefined;
    await ledger.connection.transaction(async (client) => {
      // Holds up whoever remembers a target, until both others are as far as they get.
      await client.query('lock table targets in row exclusive mode; lock table audiences in share mode');
      adoptions = Promise.all([adopt(AFTER), adopt(AFTER)]);
      await until(() => database.query("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"), (waiting) => waiting.length === 2);
    });
    expect((await adoptions!).map(({ changes }) => changes.newTargets.length).sort()).toEqual([0, 2]);
  });
});

describe('a new target is filled with the present members', () => {
  /** Fills as the workflow does. Returns whether it is done with. */
  async function fill({ activities }: Process, target: Target): Promise<boolean> {
    const { alone } = await run(() => activities.beginFill(target));
    await walkAll((after) => activities.fillNext(target, after));
    return alone && (await run(() => activities.finishFill(target)));
  }

  test('those who are in, and nobody who is out, held out or has denied consent', async () => {
    const { apply } = await withPeople('in', 'left', 'denied', 'held');
    await apply(remove('left'), makeEvent({ ...person('denied'), name: 'cio.exposure', occurredAt: T + 1_000, consent: { ad_user_data: 'denied' } }));
    await database.query("update memberships set arm = 'holdout' where person_id = (select person_id from persons where customer_id = 'c_held')");
    await adopt(AFTER);
    const after = processWith(AFTER);
    expect(await after.ledger.findTargetsToFill()).toContainEqual({ destination: 'snap_main', audienceKey: CART });
    expect(await fill(after, SNAP)).toBe(true);
    expect(await deliveriesAt('snap_main')).toEqual([{ customer_id: 'c_in', wanted: 'in', status: 'pending' }]);
    expect(await deliveriesAt('meta_main')).toHaveLength(4);
    expect(await after.ledger.findTargetsToFill()).toEqual([{ destination: 'meta_main', audienceKey: CART }]);
  });

  test('while events arrive, persons are merged, and another worker does the same', async () => {
    const names = Array.from({ length: 1_500 }, (_, index) => `p${String(index)}`);
    await adopt(BEFORE);
    const before = processWith(BEFORE);
    // Leads by e-mail, so that a later event with a customer id can merge two of them.
    const lead = (name: string, overrides: Partial<HeadgateEvent> = {}): HeadgateEvent => add(name, { ...overrides, person: { emailHash: person(name).person.emailHash! } });
    for (let from = 0; from < names.length; from += 500) await before.apply(...names.slice(from, from + 500).map((name) => lead(name)));
    // A removal by `excludes` leaves no row of its own at a target that has none: only the person's lock tells the walk of it.
    const policies = policiesOf(cart({ targets: [META, SNAP] }), makeAudience({ key: CROSS_SELL, targets: [], excludes: [CART] }));
    await adopt(policies);
    const processes = [processWith(policies), processWith(policies)];
    const TRAFFIC: Partial<HeadgateEvent>[] = [{}, { name: 'cio.audience_remove' }, { audienceKey: CROSS_SELL }];
    const traffic = async (process: Process, seed: number): Promise<void> => {
      for (let round = 0; round < 12; round++) {
        const at = T + 1_000 + round;
        const picked = Array.from({ length: 40 }, (_, index) => (seed * 7_919 + round * 613 + index * 37) % names.length);
        await process.apply(
          ...picked.map((index) => lead(names[index]!, { ...TRAFFIC[index % 3], occurredAt: at })),
          ...picked.slice(0, 10).map((index) => {
            const [one, other] = [names[index]!, names[(index + 701) % names.length]!];
            return makeEvent({ name: 'cio.exposure', occurredAt: at, person: { customerId: `c_${one}`, emailHash: person(other).person.emailHash! }, identifiers: {} });
          }),
          ...picked.slice(0, 10).map((index) => makeEvent({ name: 'cio.exposure', occurredAt: at, person: { customerId: `c_${names[index]!}`, emailHash: person(names[index]!).person.emailHash! }, identifiers: {} })),
        );
      }
    };
    await Promise.all([fill(processes[0]!, SNAP), fill(processes[1]!, SNAP), traffic(processes[0]!, 1), traffic(processes[1]!, 2)]);
    const merged = await database.query("select 1 from persons where merged_into is not null");
    expect(merged.length).toBeGreaterThan(10);
    const wrong = await database.query(
      `select m.person_id, m.state, d.wanted from memberships m left join deliveries d on d.person_id = m.person_id and d.destination = 'snap_main'
       where m.audience_key = $1 and (m.state = 'in') is distinct from coalesce(d.wanted = 'in', false)`,
      [CART],
    );
    expect(wrong).toEqual([]);
  });

  test('a removal by `excludes` that comes while the walk writes is decided after it', async () => {
    await withPeople('a');
    const policies = policiesOf(cart({ targets: [META, SNAP] }), makeAudience({ key: CROSS_SELL, targets: [], excludes: [CART] }));
    await adopt(policies);
    const process = processWith(policies);
    const waiting = (count: number) => until(() => database.query("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"), (found) => found.length === count);
    let both: Promise<unknown> | undefined;
    const holdUp = process.ledger.connection.transaction(async (client) => {
      await client.query(
        "insert into deliveries (person_id, destination, audience_key, wanted, status, revision, pending_since) select person_id, 'snap_main', $1, 'out', 'pending', 1, now() from persons", [CART]);
      const walking = run(() => process.activities.fillNext(SNAP, ''));
      await waiting(1);
      both = Promise.all([walking, process.apply(add('a', { audienceKey: CROSS_SELL, occurredAt: T + 1_000 }))]);
      await waiting(2);
      throw new Error('undone');
    });
    await expect(holdUp).rejects.toThrow('undone');
    await both;
    expect(await deliveriesAt('snap_main')).toEqual([{ customer_id: 'c_a', wanted: 'out', status: 'pending' }]);
  });

  test('a member whom a merge moves behind the walk is not missed', async () => {
    const by = (name: string, overrides: Partial<HeadgateEvent>): HeadgateEvent => add(name, { person: { emailHash: person(name).person.emailHash! }, ...overrides });
    await adopt(BEFORE);
    const before = processWith(BEFORE);
    await before.apply(by('x', { name: 'cio.exposure' }), by('y', { name: 'cio.exposure' }));
    const found = await database.query<{ value: string }>("select value from person_identifiers where kind = 'email' order by person_id");
    const [first, second] = found.map(({ value }) => (value === person('x').person.emailHash ? 'x' : 'y'));
    // The first one is out and the second one in; the walk has passed the first when they turn out to be one.
    await before.apply(by(first!, { name: 'cio.audience_remove', occurredAt: T - 5_000 }), by(second!, {}));
    await adopt(AFTER);
    const after = processWith(AFTER);
    const link = (name: string): HeadgateEvent => by(name, { name: 'cio.exposure', occurredAt: T + 1_000, person: { cioId: 'one', emailHash: person(name).person.emailHash! }, identifiers: {} });
    await after.apply(link('x'), link('y'));
    expect(await database.query('select 1 from persons where merged_into is not null')).toHaveLength(1);
    expect(await database.query("select wanted, status from deliveries where destination = 'snap_main'")).toEqual([{ wanted: 'in', status: 'pending' }]);
  });

  test('what a process with the older registry decides meanwhile is looked for once more when it is gone', async () => {
    const before = await withPeople('stays', 'leaves');
    await before.ledger.announceProcess({ processId: 'old', role: 'api', registryHash: 'before' });
    await adopt(AFTER);
    const after = processWith(AFTER);
    await after.ledger.announceProcess({ processId: 'new', role: 'api', registryHash: 'after' });
    expect(await fill(after, SNAP)).toBe(false);
    await before.apply(remove('leaves'), add('enters'));
    expect(await deliveriesAt('snap_main')).toMatchObject([{ customer_id: 'c_leaves', wanted: 'in' }, { customer_id: 'c_stays', wanted: 'in' }]);
    await after.ledger.retireProcess('old');
    expect(await fill(after, SNAP)).toBe(true);
    expect(await deliveriesAt('snap_main')).toMatchObject([
      { customer_id: 'c_enters', wanted: 'in' },
      { customer_id: 'c_leaves', wanted: 'out' },
      { customer_id: 'c_stays', wanted: 'in' },
    ]);
  });

  test('a process that starts without the target while it is filled has it filled anew', async () => {
    await adopt(AFTER);
    const after = processWith(AFTER);
    await run(() => after.activities.beginFill(SNAP));
    await adopt(BEFORE);
    expect(await run(() => after.activities.finishFill(SNAP))).toBe(false);
    expect(await fill(after, SNAP)).toBe(true);
    expect(await targetRow(SNAP)).toMatchObject({ life: 'active', fill: 'done' });
  });

  test('a worker without the target, or with another id for it, leaves it to others', async () => {
    await adopt(AFTER);
    await expect(run(() => processWith(BEFORE).activities.beginFill(SNAP))).rejects.toThrow(/no target snap_main/);
    const other = processWith(policiesOf(cart({ targets: [META, { ...SNAP, platformAudienceId: '8' }] })));
    await expect(run(() => other.activities.beginFill(SNAP))).rejects.toThrow(/another id/);
  });
});

describe('a target is retired', () => {
  const giveUp = ({ activities }: Process, keep = false) => run(() => activities.giveUp({ audienceKey: CART, destinations: ['meta_main'], wholeAudience: false }, keep));
  const withdraw = ({ activities }: Process) => walkAll((after) => activities.withdrawNext(META, after));
  const finish = ({ activities }: Process) => run(() => activities.finishRetiring(META));

  test('everybody is removed, then it is retired and may be taken out', async () => {
    const process = await withPeople('a', 'b');
    await giveUp(process);
    expect(await finish(process)).toBe(false);
    expect(await withdraw(process)).toBe(2);
    expect(await run(() => process.activities.readLeaving(META))).toMatchObject({ life: 'retiring', waiting: 2 });
    await pushAll(process, META, 'retiring');
    expect(await finish(process)).toBe(true);
    expect(await refused(policiesOf(cart({ targets: [] })))).toEqual([]);
    expect((await adopt(BEFORE)).changes.idleTargets).toMatchObject([{ life: 'retired' }]);
  });

  test('taking it out before it is empty is refused, and says what to wait for', async () => {
    const process = await withPeople('a');
    await giveUp(process);
    expect(await refused(policiesOf(cart({ targets: [] })))).toEqual([expect.stringMatching(/still being retired: one person is in it.*until `headgate target retire/)]);
  });

  test('who comes while it is being retired is neither pushed nor removed', async () => {
    const process = await withPeople('a');
    await giveUp(process);
    await process.apply(add('late'));
    expect(await process.ledger.startPush(META, { operation: 'add', members: (await process.ledger.loadPending(META, 10, { atOnce: true })).members, deadlineMs: 1_000 })).toEqual({ busyMs: 1 });
    expect(await withdraw(process)).toBe(1);
    await pushAll(process, META, 'retiring');
    expect(await finish(process)).toBe(true);
    expect(await deliveriesAt('meta_main')).toEqual([
      { customer_id: 'c_a', wanted: 'out', status: 'accepted' },
      { customer_id: 'c_late', wanted: 'in', status: 'pending' },
    ]);
  });

  test('who comes back before the removal was made is removed all the same, and once', async () => {
    const process = await withPeople('a');
    await giveUp(process);
    await withdraw(process);
    await process.apply(remove('a'), add('a', { occurredAt: T + 2_000 }));
    expect(await deliveriesAt('meta_main')).toMatchObject([{ wanted: 'in', status: 'pending' }]);
    expect(await finish(process)).toBe(false);
    expect(await withdraw(process)).toBe(1);
    await pushAll(process, META, 'retiring');
    await process.apply(remove('a', { occurredAt: T + 3_000 }), add('a', { occurredAt: T + 4_000 }));
    expect(await withdraw(process)).toBe(0);
    expect(await finish(process)).toBe(true);
  });

  test('whom an older removal had taken out, and who was added just before, is removed', async () => {
    const process = await withPeople('a');
    await process.apply(remove('a'));
    await pushAll(process, META);
    await process.apply(add('a', { occurredAt: T + 2_000 }));
    await giveUp(process);
    expect(await withdraw(process)).toBe(1);
  });

  test('a call that is under way, and a removal that is refused, keep it from being retired', async () => {
    const process = await withPeople('a');
    await process.apply(add('b'));
    const { members } = await process.ledger.loadPending(META, 10, { atOnce: true });
    const pushId = await start(process.ledger, META, 'add', members);
    await process.ledger.notePushUnanswered(pushId, 60_000);
    await giveUp(process);
    await withdraw(process);
    await pushAll(process, META, 'retiring');
    expect(await finish(process)).toBe(false);
    await process.ledger.finishPush(META, { pushId, operation: 'add' }, members.map(({ personId, revision }) => ({ personId, revision, status: 'accepted' })));
    // The add may have reached the platform after the removal, so the removal is made again.
    expect(await finish(process)).toBe(false);
    await database.query("update deliveries set status = 'blocked', reason = 'too small' where status = 'pending'");
    expect(await run(() => process.activities.readLeaving(META))).toMatchObject({ waiting: 1, blocked: 1, reason: 'too small' });
    expect(await finish(process)).toBe(false);
    await process.ledger.retryRefused(META, undefined);
    await pushAll(process, META, 'retiring');
    expect(await finish(process)).toBe(true);
  });

  test('a resync does not bring anybody back', async () => {
    const process = await withPeople('a');
    await giveUp(process);
    expect(await process.ledger.countForResync(META, { withFormer: true })).toBe(0);
    expect(await process.ledger.markForResync(META, { withFormer: true, after: '', limit: 10 })).toMatchObject({ marked: 0, last: null });
  });

  test('one that was never called is retired at once', async () => {
    await adopt(BEFORE);
    const process = processWith(BEFORE);
    await process.apply(add('a'));
    await giveUp(process);
    expect(await finish(process)).toBe(true);
  });

  test('kept: its deliveries are forgotten, nothing is pushed, and it may be taken out', async () => {
    const process = await withPeople('a', 'b');
    expect(await giveUp(process, true)).toEqual([{ destination: 'meta_main', life: 'kept' }]);
    await walkAll((after) => process.activities.forgetNext(META, after));
    expect(await deliveriesAt('meta_main')).toEqual([]);
    await process.apply(remove('a'));
    const { members } = await process.ledger.loadPending(META, 10, { atOnce: true });
    expect(await process.ledger.startPush(META, { operation: 'remove', members, deadlineMs: 1_000 })).toEqual({ busyMs: 1 });
    expect(await refused(policiesOf(cart({ targets: [] })))).toEqual([]);
  });

  test('retiring twice, or keeping what is retired already, changes nothing', async () => {
    const process = await withPeople('a');
    await giveUp(process);
    const since = await database.query('select life_since from targets');
    await giveUp(process);
    expect(await database.query('select life_since from targets')).toEqual(since);
    await withdraw(process);
    await pushAll(process, META, 'retiring');
    await finish(process);
    expect(await giveUp(process, true)).toEqual([{ destination: 'meta_main', life: 'retired' }]);
  });

  test('taken up again, the present members are pushed anew', async () => {
    const process = await withPeople('a', 'b');
    await giveUp(process);
    await withdraw(process);
    await pushAll(process, META, 'retiring');
    await finish(process);
    await process.apply(remove('b'));
    await database.query("update targets set fill = 'done'");
    await run(() => process.activities.takeUp({ audienceKey: CART, destinations: ['meta_main'] }));
    expect(await run(() => process.activities.beginFill(META))).toMatchObject({ needed: true });
    await run(() => process.activities.fillNext(META, ''));
    expect(await deliveriesAt('meta_main')).toEqual([
      { customer_id: 'c_a', wanted: 'in', status: 'pending' },
      { customer_id: 'c_b', wanted: 'out', status: 'accepted' },
    ]);
  });
});

describe('an audience is retired', () => {
  test('its members are out because it was retired, and their workflows may end', async () => {
    const process = await withPeople('a', 'b');
    await run(() => process.activities.giveUp({ audienceKey: CART, destinations: ['meta_main'], wholeAudience: true }, false));
    await database.query('truncate outbox');
    expect(await run(() => process.activities.endMembersNext(CART, ''))).toEqual({ after: null, changed: 2 });
    expect(await database.query('select distinct state, reason from memberships')).toEqual([{ state: 'out', reason: 'retired' }]);
    expect(await database.query("select distinct action from outbox")).toEqual([{ action: 'end' }]);
    expect(await deliveriesAt('meta_main')).toMatchObject([{ wanted: 'out', status: 'pending' }, { wanted: 'out', status: 'pending' }]);
  });

  test('who enters it afterwards is found, and taken out also by a process whose registry no longer has it', async () => {
    const process = await withPeople();
    await run(() => process.activities.giveUp({ audienceKey: CART, destinations: ['meta_main'], wholeAudience: true }, false));
    await run(() => process.activities.finishRetiringAudience(CART));
    await process.apply(add('late'));
    const without = processWith(policiesOf());
    const late = await without.ledger.findMembersGivenUp(10);
    expect(late).toMatchObject([{ audienceKey: CART }]);
    await without.ledger.applyEvents(late.map((member) => ({ kind: 'retire', ...member })));
    expect(await database.query('select state, reason from memberships')).toEqual([{ state: 'out', reason: 'retired' }]);
  });

  test('the timer of somebody who was in it ends in peace; that of an audience which is only missing waits for a worker that has it', async () => {
    const process = await withPeople('a');
    const [member] = await database.query<{ person_id: string; event_id: string }>('select person_id, event_id from memberships');
    const input = { event: { ...add('a'), eventId: member!.event_id }, personId: member!.person_id, audienceKey: CART, endedAt: Date.now() };
    const without = processWith(policiesOf());
    await expect(run(() => without.activities.expire(input))).rejects.toThrow(/not in headgate.yaml/);
    await run(() => process.activities.giveUp({ audienceKey: CART, destinations: ['meta_main'], wholeAudience: true }, true));
    expect(await run(() => without.activities.expire(input))).toMatchObject({ status: 'applied' });
  });
});

describe('a window is counted anew', () => {
  const HOUR = 3_600_000;
  /** Members who were added so many days ago. */
  async function added(days: Record<string, number>, windowMs: number | null): Promise<void> {
    const process = processWith(policiesOf(cart({ windowMs })));
    const now = Date.now();
    await process.apply(...Object.entries(days).map(([name, ago]) => add(name, { occurredAt: now - ago * DAY, receivedAt: now - ago * DAY + HOUR })));
  }
  const ends = () =>
    database.query<{ customer_id: string; state: string; reason: string; days: number | null }>(
      `select customer_id, state, reason, round(extract(epoch from expires_at - occurred_at) / 86400)::int as days from memberships join persons using (person_id) order by 1`);

  test('shorter: who is over it leaves now, the others sooner; who has left already does not come back by a longer one', async () => {
    await added({ fresh: 1, old: 5 }, 7 * DAY);
    const shorter = processWith(policiesOf(cart({ windowMs: 3 * DAY })));
    const input = { audienceKey: CART, windowMs: 3 * DAY, dryRun: false };
    expect(await run(() => shorter.activities.countWindowChange(input))).toEqual({ members: 2, endNow: 1, sooner: 1, later: 0 });
    expect(await run(() => shorter.activities.rewindowNext(input, ''))).toEqual({ after: null, changed: 2 });
    expect(await ends()).toEqual([
      { customer_id: 'c_fresh', state: 'in', reason: 'added', days: 3 },
      { customer_id: 'c_old', state: 'out', reason: 'expired', days: 3 },
    ]);
    expect(await deliveriesAt('meta_main')).toMatchObject([{ customer_id: 'c_fresh', wanted: 'in' }, { customer_id: 'c_old', wanted: 'out', status: 'pending' }]);
    const longer = processWith(policiesOf(cart({ windowMs: 30 * DAY })));
    expect(await run(() => longer.activities.rewindowNext({ ...input, windowMs: 30 * DAY }, ''))).toEqual({ after: null, changed: 1 });
    expect(await ends()).toMatchObject([{ state: 'in', days: 30 }, { state: 'out' }]);
  });

  test('none any more, and one where there was none', async () => {
    await added({ a: 1, b: 5 }, 7 * DAY);
    const none = processWith(policiesOf(cart({ windowMs: null })));
    expect(await run(() => none.activities.countWindowChange({ audienceKey: CART, windowMs: null, dryRun: true }))).toEqual({ members: 2, endNow: 0, sooner: 0, later: 2 });
    await run(() => none.activities.rewindowNext({ audienceKey: CART, windowMs: null, dryRun: false }, ''));
    expect(await ends()).toMatchObject([{ state: 'in', days: null }, { state: 'in', days: null }]);
    const some = processWith(policiesOf(cart({ windowMs: 3 * DAY })));
    expect(await run(() => some.activities.countWindowChange({ audienceKey: CART, windowMs: 3 * DAY, dryRun: true }))).toEqual({ members: 2, endNow: 1, sooner: 1, later: 0 });
    await run(() => some.activities.rewindowNext({ audienceKey: CART, windowMs: 3 * DAY, dryRun: false }, ''));
    expect(await ends()).toMatchObject([{ state: 'in', days: 3 }, { state: 'out', reason: 'expired' }]);
  });

  test('a timer that was set for the former end does not end a longer window', async () => {
    await added({ a: 6 }, 7 * DAY);
    const longer = processWith(policiesOf(cart({ windowMs: 14 * DAY })));
    await run(() => longer.activities.rewindowNext({ audienceKey: CART, windowMs: 14 * DAY, dryRun: false }, ''));
    const [member] = await database.query<{ person_id: string; event_id: string }>('select person_id, event_id from memberships');
    const at = Date.now() + DAY;
    await longer.ledger.applyEvents([{ kind: 'expire', personId: member!.person_id, audienceKey: CART, eventId: member!.event_id, at }]);
    expect(await ends()).toMatchObject([{ state: 'in', days: 14 }]);
  });

  test('a worker with another window than the command refuses', async () => {
    const process = processWith(BEFORE);
    await expect(run(() => process.activities.rewindowNext({ audienceKey: CART, windowMs: DAY, dryRun: false }, ''))).rejects.toThrow(/has 7d .* said 1d: restart Headgate/);
  });
});
