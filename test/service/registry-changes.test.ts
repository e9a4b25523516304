/** headgate.yaml changes while people are in it: the whole service is restarted with another one on the same ledger, Temporal and platforms. Each test begins with one of its own. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectLazily, readTemporalSettings, type TemporalConnection } from '../../src/temporal/index.ts';
import type { RegistryJob } from '../../src/workflows/contract.ts';
import { runCommand, type CommandResult } from '../support/command.ts';
import { DAY_S, seconds, somebody, type Somebody } from '../support/somebody.ts';
import { SECRET, startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

const CART = 'cart_7d_v1';
const LAPSED = 'lapsed_30d_v1';
const RECENT = 'recent_7d_v1';
const PATIENCE_MS = 60_000;

interface AudienceEntry {
  window?: string;
  exit?: string;
  mode?: string;
  targets: Record<string, string>;
}
interface Given {
  audiences?: Record<string, AudienceEntry>;
  /** Of the destination meta_more. */
  mode?: string;
}

/** A headgate.yaml, which may be JSON. */
function registryOf({ audiences = { [CART]: { window: '7d', targets: { meta_main: '11' } } }, mode = 'live' }: Given = {}): string {
  const meta = { platform: 'meta', sandbox: true, access_token: 'a-token-for-tests', ad_account: 'act_1', timeout: '2s' };
  return JSON.stringify({
    sources: { demo: { signing_secret: SECRET } },
    destinations: { meta_main: { ...meta, test_profiles: ['c_qa'] }, meta_more: { ...meta, mode, test_profiles: ['c_qa', 'qa@example.com'] } },
    audiences: Object.fromEntries(Object.entries(audiences).map(([key, entry]) => [key, { description: 'for a test', owner: { name: 'Tests' }, ...entry }])),
  });
}
const withMore = (more = '21'): string => registryOf({ audiences: { [CART]: { window: '7d', targets: { meta_main: '11', meta_more: more } } } });
const STAND_INS = registryOf({
  audiences: {
    [CART]: { window: '7d', targets: { meta_main: '11', meta_more: '21' } },
    [LAPSED]: { window: '30d', targets: { meta_main: '12', meta_more: '22' } },
  },
});

let service: TestService;
let registry: string;
let running = true;
/** Of this file's own, because the service's ends with it. */
let temporal: TemporalConnection;
beforeAll(async () => {
  registry = registryOf();
  service = await startService({ registry, standIns: STAND_INS });
  temporal = connectLazily(readTemporalSettings({}, service.temporal.address));
});
afterEach(async () => {
  // Nobody of one test is in another one's way.
  service.sandbox.faults.set(undefined, null);
  await service.stopHeadgate();
  running = false;
  for await (const { workflowId } of temporal.client.workflow.list({ query: "ExecutionStatus = 'Running'" })) await temporal.client.workflow.getHandle(workflowId).terminate();
  await service.database.query('truncate events, persons, person_identifiers, memberships, deliveries, pushes, targets, audiences, outbox, exposures, processes, accounts');
  service.sandbox.store.reset();
});
afterAll(async () => {
  await temporal.close();
  await service.stop();
});

/** The first one of a test. The service runs with the plain one at first: who restarts it at once may wait until what it took along is missed. */
async function begin(first: string): Promise<void> {
  if (!running || first !== registry) await restart(first);
}
/** As an operator who changed headgate.yaml. */
async function restart(another: string): Promise<void> {
  await service.stopHeadgate();
  await service.startHeadgate(another);
  running = true;
  registry = another;
}
/** The same where the process is expected not to start; the one before is started again. */
async function refusal(another: string): Promise<string> {
  const before = registry;
  let problem = '';
  await service.stopHeadgate();
  await service.startHeadgate(another).catch((error: unknown) => { problem = String(error); });
  await service.startHeadgate(before);
  return problem;
}
/** What a command starts, without the command. Returns what it would say. */
const job = async (what: RegistryJob): Promise<string> => (await (await service.parts.gateway.startJob(what)).result()).said;
const headgate = (...args: string[]): Promise<CommandResult> => runCommand(service, registry, ...args);

const membersAt = (destination: string, id: string): string[] => service.sandbox.store.state.destinations[destination]?.audiences[id]?.hashes ?? [];
const hashesOf = (people: readonly Somebody[]): string[] => people.map(({ hash }) => hash).sort();
/** Exactly these people are in. */
const holds = (destination: string, id: string, people: readonly Somebody[]): Promise<string[]> =>
  until(() => membersAt(destination, id).toSorted(), (members) => JSON.stringify(members) === JSON.stringify(hashesOf(people)), PATIENCE_MS);
const targetIn = async (audience: string, destination: string): Promise<Record<string, unknown> | undefined> =>
  ((await service.read(`/v1/audiences/${audience}`)).body['targets'] as Record<string, unknown>[]).find((target) => target['destination'] === destination);
/** A step that a worker took along when it stopped is made again after its timeout. */
const allFilled = () => until(() => service.database.query("select 1 from targets where fill <> 'done'"), (rows) => rows.length === 0, 2 * PATIENCE_MS);
const membersOf = (audience: string) => service.database.query('select distinct state, reason from memberships where audience_key = $1', [audience]);
const statusOf = async (workflowId: string): Promise<string> => (await service.client.workflow.getHandle(workflowId).describe()).status.name;
const detailsOf = async (workflowId: string): Promise<string> =>
  (await service.client.workflow.getHandle(workflowId).query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';

/** So many people in the cart audience, pushed to meta_main. */
async function peopleInCart(count: number): Promise<Somebody[]> {
  const people = Array.from({ length: count }, somebody);
  for (const { person } of people) expect(await service.post({ ...person, audience_key: CART, timestamp: seconds() - 60 })).toMatchObject({ status: 200 });
  await holds('meta_main', '11', people);
  return people;
}
const leave = ({ person }: Somebody): Promise<unknown> => service.post({ ...person, audience_key: CART, event: 'cio.audience_remove' });

describe('targets', () => {
  test('a new target gets every present member and no one who left, and is looked through once more when the last process with another registry is gone', async () => {
    await begin(registryOf());
    const [gone, ...stay] = await peopleInCart(4);
    await leave(gone!);
    await holds('meta_main', '11', stay);
    await service.database.query("insert into processes (process_id, role, registry_hash, seen_at) values ('stale', 'api', 'stale', now() + interval '1 hour')");
    await restart(withMore());
    await holds('meta_more', '21', stay);
    const late = somebody();
    await service.post({ ...late.person, audience_key: CART });
    await holds('meta_more', '21', [...stay, late]);
    await until(() => detailsOf(`headgate/fill/meta_more/${CART}`), (details) => details.includes('another headgate.yaml'), PATIENCE_MS);
    // As the process with the former registry decides it, which knows nothing of the new target.
    await service.database.query("delete from deliveries where destination = 'meta_more' and person_id = (select person_id from persons where customer_id = $1)", [late.person.customer_id]);
    service.sandbox.store.state.destinations['meta_more']!.audiences['21']!.hashes = stay.map(({ hash }) => hash);
    await service.database.query("delete from processes where process_id = 'stale'");
    await holds('meta_more', '21', [...stay, late]);
    await until(() => statusOf(`headgate/fill/meta_more/${CART}`), (status) => status === 'COMPLETED', PATIENCE_MS);
  });

  test('a target that is taken away is refused until `headgate target retire` has emptied it, an outage or not; it comes back by `headgate target adopt`', async () => {
    await begin(withMore());
    const people = await peopleInCart(3);
    await holds('meta_more', '21', people);
    await allFilled();
    expect(await refusal(registryOf())).toMatch(/takes away what people are still in.*\n.*meta_more of cart_7d_v1 is gone, and 3 people are in the platform's audience "21".*headgate target retire --destination meta_more --audience cart_7d_v1/);

    service.sandbox.faults.set('meta_more', { fault: 'http_500', ms: 0 });
    const retiring = headgate('target', 'retire', '--destination', 'meta_more', '--audience', CART);
    await until(() => detailsOf(`headgate/retire/${CART}/meta_more`), (details) => details.includes('3 removals to go'), PATIENCE_MS);
    service.sandbox.faults.set('meta_more', null);
    await service.client.workflow.getHandle(`headgate/sync/meta_more/${CART}`).signal('pushNow');
    const { status, output, errors } = await retiring;
    expect(errors).toContain('Workflow headgate/retire/cart_7d_v1/meta_more');
    expect(output).toContain('meta_more is retired, nobody is in it. Take what is given up out of headgate.yaml now.');
    expect(status).toBe(0);
    expect(membersAt('meta_more', '21')).toEqual([]);
    expect(membersAt('meta_main', '11').toSorted()).toEqual(hashesOf(people));
    await until(() => statusOf(`headgate/sync/meta_more/${CART}`), (now) => now === 'COMPLETED', PATIENCE_MS);

    const late = somebody();
    await service.post({ ...late.person, audience_key: CART });
    await holds('meta_main', '11', [...people, late]);
    expect(membersAt('meta_more', '21')).toEqual([]);
    expect(await targetIn(CART, 'meta_more')).toMatchObject({ life: 'retired', pending_adds: 0, held_adds: 1, held_because: 'the target is retired' });

    await restart(registryOf());
    await restart(withMore());
    await headgate('target', 'adopt', '--destination', 'meta_more', '--audience', CART);
    await holds('meta_more', '21', [...people, late]);
  });

  test("another id of the platform's is refused while people are in the former one; `--keep` leaves them in, and the new one is filled", async () => {
    await begin(withMore('21'));
    const people = await peopleInCart(2);
    await holds('meta_more', '21', people);
    expect(await refusal(withMore('22'))).toMatch(/was "21" and is "22" now, and 2 people are in the former one/);
    expect(await headgate('target', 'retire', '--destination', 'meta_more', '--audience', CART, '--keep')).toMatchObject({ status: 0, output: expect.stringContaining('its people stay in it') as string });
    await until(() => statusOf(`headgate/sync/meta_more/${CART}`), (now) => now === 'COMPLETED', PATIENCE_MS);
    await restart(withMore('22'));
    await holds('meta_more', '22', people);
    await leave(people[0]!);
    await holds('meta_more', '22', people.slice(1));
    expect(membersAt('meta_more', '21').toSorted()).toEqual(hashesOf(people));
  });

  test('a worker that still has the former id pushes nothing', async () => {
    await begin(withMore('21'));
    await service.database.query("update targets set platform_audience_id = '22' where destination = 'meta_more'");
    const [one] = await peopleInCart(1);
    await until(() => targetIn(CART, 'meta_more'), (target) => String(target?.['cause']).includes(`this worker's headgate.yaml has "21"`), PATIENCE_MS);
    expect(membersAt('meta_more', '21')).toEqual([]);
    await service.database.query("update targets set platform_audience_id = '21' where destination = 'meta_more'");
    await holds('meta_more', '21', [one!]);
  });
});

describe('audiences', () => {
  const both = (): string =>
    registryOf({ audiences: { [CART]: { window: '7d', targets: { meta_main: '11' } }, [LAPSED]: { window: '30d', targets: { meta_main: '12', meta_more: '22' } } } });
  async function peopleInLapsed(): Promise<{ people: Somebody[]; eventId: string }> {
    await begin(both());
    const people = [somebody(), somebody()];
    const eventId = crypto.randomUUID();
    await service.post({ ...people[0]!.person, audience_key: LAPSED, event_id: eventId });
    await service.post({ ...people[1]!.person, audience_key: LAPSED });
    for (const [destination, id] of [['meta_main', '12'], ['meta_more', '22']] as const) await holds(destination, id, people);
    await until(() => statusOf(eventId), (status) => status === 'RUNNING', PATIENCE_MS);
    return { people, eventId };
  }

  test('one that is taken away is refused until `headgate audience retire` has let everybody go, and so have their workflows', async () => {
    const { eventId } = await peopleInLapsed();
    expect(await refusal(registryOf())).toMatch(/audience lapsed_30d_v1 is gone, and 2 people are in it.*headgate audience retire lapsed_30d_v1/);
    expect(await headgate('audience', 'retire', LAPSED)).toMatchObject({ status: 0, output: expect.stringContaining('its members are out. Take the audience out of headgate.yaml now.') as string });
    expect(await membersOf(LAPSED)).toEqual([{ state: 'out', reason: 'retired' }]);
    for (const [destination, id] of [['meta_main', '12'], ['meta_more', '22']] as const) expect(membersAt(destination, id)).toEqual([]);
    expect(await service.client.workflow.getHandle(eventId).result()).toMatchObject({ audience: 'out', because: 'retired' });
    await restart(registryOf());
    expect((await service.read(`/v1/audiences/${LAPSED}`)).status).toBe(404);
  });

  test('kept: everybody stays with the platforms, and the ledger lets go of them', async () => {
    const { people, eventId } = await peopleInLapsed();
    await job({ kind: 'retire', input: { audienceKey: LAPSED, destinations: ['meta_main', 'meta_more'], wholeAudience: true, keep: true } });
    expect(await membersOf(LAPSED)).toEqual([{ state: 'out', reason: 'retired' }]);
    await restart(registryOf());
    expect(await service.client.workflow.getHandle(eventId).result()).toMatchObject({ because: 'retired' });
    for (const [destination, id] of [['meta_main', '12'], ['meta_more', '22']] as const) expect(membersAt(destination, id).toSorted()).toEqual(hashesOf(people));
  });
});

describe('windows', () => {
  /** The first two at meta_main, the third one at meta_more; undefined: no window. */
  const windowed = (cart: string, lapsed: string | undefined, recent: string): string =>
    registryOf({
      audiences: {
        [CART]: { window: cart, targets: { meta_main: '11' } },
        [LAPSED]: { ...(lapsed === undefined ? { exit: 'cio.audience_remove' } : { window: lapsed }), targets: { meta_main: '12' } },
        [RECENT]: { window: recent, targets: { meta_more: '22' } },
      },
    });
  const timersOf = async (eventId: string): Promise<number> =>
    ((await service.client.workflow.getHandle(eventId).fetchHistory()).events ?? []).filter(({ timerStartedEventAttributes }) => timerStartedEventAttributes).length;

  test('a changed one counts for new adds, and for present members after `headgate audience rewindow`: a shorter one lets them go at once, and the former end of a longer one does not', async () => {
    await begin(windowed('7d', '7d', '7d'));
    const [one, other, old, fresh] = [somebody(), somebody(), somebody(), somebody()];
    const [eventId, otherId, oldId] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
    await service.post({ ...old.person, audience_key: RECENT, event_id: oldId, timestamp: seconds() - 5 * DAY_S });
    await holds('meta_more', '22', [old]);
    // Ends after the restart and the jobs, on a slow machine too.
    const timestamp = seconds() - 7 * DAY_S + 12;
    await service.post({ ...one.person, audience_key: CART, event_id: eventId, timestamp });
    await service.post({ ...other.person, audience_key: LAPSED, event_id: otherId, timestamp });
    await holds('meta_main', '11', [one]);
    await holds('meta_main', '12', [other]);
    await restart(windowed('14d', undefined, '3d'));
    expect((await service.read(`/v1/audiences/${CART}`)).body).toMatchObject({ window: '14d', members: { in: 1, former_window: 1 } });
    expect(await job({ kind: 'rewindow', input: { audienceKey: CART, windowMs: 14 * DAY_S * 1_000, dryRun: false } })).toBe(
      'with a window of 14d, of 1 present members of cart_7d_v1 0 leave now, 0 sooner than before, 1 later or never; 1 were changed');
    expect(await job({ kind: 'rewindow', input: { audienceKey: LAPSED, windowMs: null, dryRun: false } })).toContain('with no window, of 1 present members of lapsed_30d_v1 0 leave now, 0 sooner than before, 1 later or never; 1 were changed');
    expect((await service.read(`/v1/audiences/${CART}`)).body).toMatchObject({ members: { in: 1, former_window: 0 } });

    const { body } = await service.post({ ...fresh.person, audience_key: RECENT, timestamp: seconds() - DAY_S });
    expect(Math.round((Date.parse(String(body['until'])) - Date.now()) / (DAY_S * 1_000))).toBe(2);
    await holds('meta_more', '22', [old, fresh]);
    const { output } = await headgate('audience', 'rewindow', RECENT, '--dry-run');
    expect(output).toContain('with a window of 3d, of 2 present members of recent_7d_v1 1 would leave now, 0 sooner than before, 0 later or never; nothing was changed.');
    expect((await service.read(`/v1/audiences/${RECENT}`)).body).toMatchObject({ members: { in: 2, former_window: 1 } });
    expect(await headgate('audience', 'rewindow', RECENT)).toMatchObject({ status: 0, output: expect.stringContaining('1 leave now, 0 sooner than before, 0 later or never; 1 were changed.') as string });
    await holds('meta_more', '22', [fresh]);
    expect(await service.client.workflow.getHandle(oldId).result()).toMatchObject({ audience: 'out', because: 'expired' });

    // The former end passes: one workflow arms a second timer, the other one has nothing more to wait for.
    await until(() => timersOf(eventId), (timers) => timers === 2, 2 * PATIENCE_MS);
    expect(await statusOf(eventId)).toBe('RUNNING');
    expect(await service.client.workflow.getHandle(otherId).result()).toMatchObject({ audience: 'in', because: 'added' });
    expect(membersAt('meta_main', '11')).toEqual([one.hash]);
    expect(membersAt('meta_main', '12')).toEqual([other.hash]);
  });
});

describe('modes', () => {
  const SYNC = `headgate/sync/meta_more/${CART}`;
  const cartAtMore = (mode: string, destination = 'live'): string => registryOf({ mode: destination, audiences: { [CART]: { window: '7d', mode, targets: { meta_more: '21' } } } });
  async function postQaAndOthers(): Promise<{ qa: Somebody; others: Somebody[] }> {
    const qa = somebody();
    qa.person.customer_id = 'c_qa';
    const people = { qa, others: [somebody(), somebody()] };
    for (const { person } of [people.qa, ...people.others]) await service.post({ ...person, audience_key: CART });
    return people;
  }

  test('paused holds everything and shows what would be sent; test pushes the test profiles; live pushes what was held', async () => {
    await begin(cartAtMore('paused'));
    const { qa, others } = await postQaAndOthers();
    await until(() => detailsOf(SYNC), (details) => details.includes('`paused`'), PATIENCE_MS);
    expect(await targetIn(CART, 'meta_more')).toMatchObject({ mode: 'paused', pending_adds: 0, held_adds: 3, held_removes: 0, held_because: 'mode is paused', oldest_pending: null });
    const held = await service.read(`/v1/audiences/${CART}/held?limit=1`);
    expect(held.body).toMatchObject({
      targets: [{ destination: 'meta_more', because: 'mode is paused', adds: 3, removes: 0, members: [{ customer_id: 'c_qa', operation: 'add', identifiers: expect.arrayContaining([{ type: 'EMAIL', value: qa.hash }]) as unknown }] }],
    });
    const { output } = await headgate('audience', CART, '--held');
    expect(output).toContain('meta_more holds 3 adds and 0 removals, because mode is paused.');
    expect(output).toContain(`EMAIL ${qa.hash.slice(0, 12)}…`);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toContain('headgate_held_deliveries{destination="meta_more",audience="cart_7d_v1",wanted="in"} 3');
    expect(metrics).not.toMatch(/headgate_pending_deliveries\{/);
    expect((await service.read(`/v1/people?customer_id=${others[0]!.person.customer_id}`)).body).toMatchObject({ people: [{ deliveries: [{ status: 'held' }] }] });
    expect(membersAt('meta_more', '21')).toEqual([]);

    await restart(cartAtMore('test'));
    await holds('meta_more', '21', [qa]);
    await until(() => detailsOf(SYNC), (details) => details.includes('Held: 2 adds, 0 removals wait because mode is test'), PATIENCE_MS);
    expect(await targetIn(CART, 'meta_more')).toMatchObject({ mode: 'test', accepted: 1, pending_adds: 0, held_adds: 2 });
    expect((await service.read(`/v1/audiences/${CART}/held`)).body).toMatchObject({ targets: [{ adds: 2, members: others.map(({ person }) => ({ customer_id: person.customer_id })) }] });

    await restart(cartAtMore('live'));
    await holds('meta_more', '21', [qa, ...others]);
    expect((await service.read(`/v1/audiences/${CART}/held`)).body).toMatchObject({ targets: [{ because: null, adds: 0, removes: 0, members: [] }] });
  });

  test('removals are held too, and go first when it is live again', async () => {
    await begin(cartAtMore('live'));
    const { qa, others } = await postQaAndOthers();
    await holds('meta_more', '21', [qa, ...others]);
    await restart(cartAtMore('test'));
    await service.database.query('update targets set attended_until = null');
    await leave(others[0]!);
    await leave(qa);
    // The push comes back instead of looking at what is held again and again.
    const attended = new Set<boolean>();
    const look = async (): Promise<string> => {
      const [target] = await service.database.query<{ attended: boolean }>("select attended_until is not null as attended from targets where destination = 'meta_more'");
      attended.add(target?.attended ?? false);
      return detailsOf(SYNC);
    };
    await until(look, (details) => details.includes('Held: 0 adds, 1 removals wait because mode is test'), 2 * PATIENCE_MS);
    expect([...attended]).toEqual([false]);
    await holds('meta_more', '21', others);
    expect((await service.read(`/v1/audiences/${CART}/held`)).body).toMatchObject({ targets: [{ adds: 0, removes: 1, members: [{ operation: 'remove' }] }] });
    await restart(cartAtMore('live'));
    await holds('meta_more', '21', others.slice(1));
  });

  test("events for a paused target do not fill its sync's history", async () => {
    await begin(cartAtMore('paused'));
    await until(() => detailsOf(SYNC), (details) => details.includes('`paused`'), PATIENCE_MS);
    const lengthOf = async (): Promise<number> => (await service.client.workflow.getHandle(SYNC).describe()).historyLength;
    // It shows that it is paused before the step that tells the ledger has ended.
    const lengths: number[] = [];
    const before = await until(lengthOf, (length) => lengths.push(length) > 20 && lengths.slice(-20).every((one) => one === length));
    const { person } = somebody();
    await service.post({ ...person, audience_key: CART, timestamp: seconds() - 60 });
    const held = async (): Promise<number> => {
      const text = await (await fetch(`${service.url}/metrics`)).text();
      return Number(/^headgate_wakes_total\{result="held"\} (\d+)/m.exec(text)?.[1] ?? 0);
    };
    await until(held, (count) => count > 0, PATIENCE_MS);
    expect(await lengthOf()).toBe(before);
  });

  test('a target that is retired in test mode lets also those go who are no test profiles', async () => {
    await begin(cartAtMore('live'));
    const { qa, others } = await postQaAndOthers();
    await holds('meta_more', '21', [qa, ...others]);
    await restart(cartAtMore('test'));
    expect(await job({ kind: 'retire', input: { audienceKey: CART, destinations: ['meta_more'], wholeAudience: false, keep: false } })).toContain('is retired');
    expect(membersAt('meta_more', '21')).toEqual([]);
  });
});
