/** Quarantine over HTTP, through the whole service: look, replay, discard. A replayed event is the same event. */
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/destinations/user-data.ts';
import type { QuarantineEntry } from '../../src/domain/quarantine.ts';
import { startApi } from '../../src/wiring.ts';
import { makeEvent } from '../support/events.ts';
import type { Proxy } from '../support/proxy.ts';
import { SECRET, startWiredService, type TestService, type WebhookAnswer, type WiredService } from '../support/service.ts';
import { seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
const LATE = 'added_later_30d_v1';
const DAY_S = 86_400;

const registry = (late: boolean): string => `
sources:
  demo: { signing_secret: ${SECRET} }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_1, timeout: 5s }
  google_main: { platform: google, sandbox: true, operating_account: "1234567890", timeout: 5s, gather: 20ms, status_after: 100ms, status_at_most: 200ms }
audiences:
  ${CART}: { description: Abandoned a cart, owner: { name: Tests }, window: 7d, targets: { meta_main: "61", google_main: "51" } }
  ${late ? `${LATE}: { description: Came later, owner: { name: Tests }, window: 30d, targets: { meta_main: "62", google_main: "52" } }` : ''}
`;

let wired: WiredService;
let service: TestService;
let wire: Proxy;
beforeAll(async () => {
  wired = await startWiredService({ registry: registry(true) });
  ({ service, wire } = wired);
  service.sandbox.store.setLimits('google_main', { processingMs: 20 });
  // The workflows of so many events would keep Temporal busy, and are not what this is about.
  await service.database.query("create function leave_out() returns trigger language plpgsql as 'begin return null; end'");
  await service.database.query("create trigger leave_out before insert on outbox for each row when (new.event_id like 'bulk~%') execute function leave_out()");
});
afterEach(() => {
  wire.mend();
});
afterAll(() => wired.stop());

interface Entry {
  id: number;
  reason: string;
  event: string | null;
  audience_key: string | null;
  event_id: string | null;
  received_at: string;
  problems: { path: string; message: string }[];
  resolution: string | null;
  resolved_by: string | null;
  resolved_because: string | null;
  replayed_as: string | null;
  still_wrong: { path: string }[];
  body: Record<string, unknown>;
  person: Record<string, unknown>;
}
interface Result {
  id: number;
  outcome: string;
  status?: string;
  event_id?: string;
  problem?: string;
  problems?: { path: string }[];
}

async function operate(path: string, body: object = {}, { url = service.url, headers = {} }: { url?: string; headers?: Record<string, string> } = {}): Promise<{ status: number; body: Result & { results: Result[]; next: number | null } }> {
  const response = await fetch(`${url}/v1/quarantine${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Result & { results: Result[]; next: number | null } };
}
const list = async (query: string): Promise<{ entries: Entry[]; matching: number; next: number | null }> => (await service.read(`/v1/quarantine?${query}`)).body as never;
const show = async (id: number): Promise<Entry> => (await service.read(`/v1/quarantine/${String(id)}`)).body as never;
/** Posts a body that is refused, and returns its entry. */
async function refused(body: Record<string, unknown>, status = 422): Promise<Entry> {
  const answer = await service.post(body);
  expect(answer.status).toBe(status);
  const [row] = await service.database.query<{ id: string }>('select id from quarantine order by id desc limit 1');
  return show(Number(row?.id));
}
/** Goes on until nothing is left, as the command line does. */
async function inBulk(path: string, request: object, url = service.url): Promise<Result[]> {
  const results: Result[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const { status, body } = await operate(path, { ...request, after }, { url });
    expect(status).toBe(200);
    results.push(...body.results);
    after = body.next;
  }
  return results;
}
const exposures = async (eventId: string): Promise<number> => (await service.database.query('select 1 from exposures where event_id = $1', [eventId])).length;
const hashes = (destination: string, audience: string): string[] => service.sandbox.store.state.destinations[destination]?.audiences[audience]?.hashes ?? [];
const restart = async (late: boolean): Promise<void> => {
  await service.stopHeadgate();
  await service.startHeadgate(registry(late));
};

test('an audience that was missing when its events came: a replay makes of them what the door would have', async () => {
  const name = `Ada.Love.${crypto.randomUUID().slice(0, 8)}`;
  const lone = { event_id: undefined, email: `${name}+shop@gmail.com`, audience_key: LATE, timestamp: Math.floor(seconds()) - DAY_S, context: { campaign_id: 7 } };
  const again = { ...somebody().person, event_id: crypto.randomUUID(), audience_key: LATE, timestamp: seconds() - 60 };
  await restart(false);
  const entry = await refused(lone);
  expect(entry).toMatchObject({ reason: 'invalid', event: 'cio.audience_add', audience_key: LATE, still_wrong: [{ path: 'audience_key' }] });
  expect(JSON.stringify(await service.database.query('select * from quarantine'))).not.toContain(name);
  const cameAgain = await refused(again);
  expect(await operate(`/${String(entry.id)}/replay`)).toMatchObject({ status: 422, body: { outcome: 'invalid', problems: [{ path: 'audience_key' }] } });
  await restart(true);
  expect((await show(entry.id)).still_wrong).toEqual([]);

  const replayed = await operate(`/${String(entry.id)}/replay`, { by: 'tests', reason: 'the audience is there now' });
  expect(replayed).toMatchObject({ status: 200, body: { outcome: 'replayed', status: 'applied', audience: 'in', until: new Date((lone.timestamp + 30 * DAY_S) * 1_000).toISOString() } });
  const eventId = String(replayed.body.event_id);
  // Each platform gets the hash in its own normalisation, although the address was gone by then.
  await until(() => hashes('meta_main', '62'), (members) => members.includes(sha256(`${name}+shop@gmail.com`.toLowerCase())), 40_000);
  await until(() => hashes('google_main', '52'), (members) => members.includes(sha256(`${name.replaceAll('.', '')}@gmail.com`.toLowerCase())), 40_000);
  await until(() => service.client.workflow.getHandle(eventId).describe(), ({ status }) => status.name === 'RUNNING', 40_000);
  expect((await service.read(`/v1/events/${eventId}`)).body).toMatchObject({ status: 'applied', received_at: entry.received_at, context: { campaign_id: 7 } });
  expect(await show(entry.id)).toMatchObject({ resolution: 'replayed: applied', resolved_by: 'tests', resolved_because: 'the audience is there now', replayed_as: eventId });

  // Replayed twice, or sent again by Customer.io after or before the replay: one event.
  expect(await operate(`/${String(entry.id)}/replay`)).toMatchObject({ status: 409, body: { outcome: 'resolved', problem: expect.stringContaining('replayed: applied') as string } });
  expect(await service.post(lone)).toMatchObject({ status: 200, body: { status: 'duplicate', event_id: eventId } });
  expect(await service.post(again)).toMatchObject({ status: 200, body: { status: 'applied' } });
  expect(await operate(`/${String(cameAgain.id)}/replay`)).toMatchObject({ status: 200, body: { outcome: 'replayed', status: 'duplicate', event_id: again.event_id } });
  expect([await exposures(eventId), await exposures(again.event_id)]).toEqual([1, 1]);
});

test('a window that is over when its add is replayed ends at once: the person never goes in', async () => {
  const { person } = somebody();
  const entry = await refused({ ...person, audience_key: 'nope_v1', timestamp: seconds() - 8 * DAY_S });
  await service.database.query("update quarantine set received_at = now() - interval '8 days' where id = $1", [entry.id]);
  const replayed = await operate(`/${String(entry.id)}/replay`, { set: { audience_key: CART } });
  expect(replayed).toMatchObject({ status: 200, body: { status: 'applied', audience: 'out' } });
  expect(replayed.body).not.toHaveProperty('until');
  const pushes = (): Promise<{ operation: string }[]> =>
    service.database.query("select operation from pushes where destination = 'meta_main' and person_ids @> array(select person_id from persons where customer_id = $1)", [person.customer_id]);
  await until(pushes, (rows) => rows.length > 0, 40_000);
  expect(await pushes()).toEqual([{ operation: 'remove' }]);
});

describe('a correction', () => {
  test('of a field is checked like at the door; what is still wrong stays', async () => {
    const { person, hash } = somebody();
    const entry = await refused({ ...person, audience_key: 'high_intent_cart_7d_v9', consent: { ad_user_data: 'yes' } });
    const first = await operate(`/${String(entry.id)}/replay`, { set: { audience_key: CART } });
    expect(first).toMatchObject({ status: 422, body: { outcome: 'invalid', problems: [{ path: 'consent.ad_user_data' }] } });
    expect((await show(entry.id)).resolution).toBeNull();
    expect(await operate(`/${String(entry.id)}/replay`, { set: { audience_key: CART, 'consent.ad_user_data': 'granted' } })).toMatchObject({ status: 200, body: { status: 'applied' } });
    await until(() => hashes('meta_main', '61'), (members) => members.includes(hash), 40_000);
  });
  test('by a whole body may hold an e-mail address, which goes no further than at the door', async () => {
    const { person, hash } = somebody();
    const entry = await refused({ customer_id: undefined, email: 'nonsense', timestamp: 'soon' });
    const answer = await operate(`/${String(entry.id)}/replay`, { body: { ...entry.body, email: person.email.toUpperCase(), timestamp: seconds(), context: { note: person.email } } });
    expect(answer).toMatchObject({ status: 200, body: { status: 'applied' } });
    await until(() => hashes('google_main', '51'), (members) => members.includes(hash), 40_000);
    for (const table of ['quarantine', 'exposures', 'outbox', 'persons']) {
      const rows = await service.database.query<{ row: string }>(`select t::text as row from ${table} t`);
      expect(rows.map(({ row }) => row.toLowerCase()).join()).not.toContain(person.email);
    }
  });
  test('that is not understood itself is told, and changes nothing', async () => {
    const entry = await refused({ ...somebody().person, audience_key: 'nope_v1' });
    const send = (request: object): Promise<WebhookAnswer> => operate(`/${String(entry.id)}/replay`, request) as never;
    expect(await send({ set: { audiencekey: CART } })).toMatchObject({ status: 400, body: { problem: expect.stringContaining('audiencekey is no field of a webhook') as string } });
    expect(await send({ body: 'text' })).toMatchObject({ status: 400 });
    expect(await send({ bdoy: {} })).toMatchObject({ status: 400 });
    expect(await send({ dry_run: true, set: { audience_key: CART } })).toMatchObject({ status: 200, body: { outcome: 'replayable', status: 'new' } });
    expect((await show(entry.id)).resolution).toBeNull();
  });
});

test('a conflict stays one, in words, until it gets an id of its own', async () => {
  const { person, hash } = somebody();
  const shared = crypto.randomUUID();
  await service.post({ ...person, event_id: shared });
  const entry = await refused({ ...person, event_id: shared, audience_key: LATE, timestamp: Math.floor(seconds()) }, 409);
  expect(entry).toMatchObject({ reason: 'conflict', event_id: shared, still_wrong: [] });
  const problem = expect.stringMatching(`${shared} was already used for cio.audience_add ${CART}: set another event_id, or set none`) as string;
  expect(await operate(`/${String(entry.id)}/replay`, { dry_run: true })).toMatchObject({ status: 409, body: { outcome: 'conflict', problem } });
  expect(await operate(`/${String(entry.id)}/replay`)).toMatchObject({ status: 409, body: { outcome: 'conflict', problem } });
  expect((await show(entry.id)).resolution).toBeNull();
  // Taken out, it is derived from the body: the same for the same webhook, whenever and however often it comes.
  expect(await operate('/replay', { filter: { reason: 'conflict' }, set: { event_id: null } })).toMatchObject({ body: { results: [{ id: entry.id, status: 'applied', event_id: expect.stringMatching(/^derived-/) as string }] } });
  await until(() => hashes('meta_main', '62'), (members) => members.includes(hash), 40_000);
});

test('an event that contradicts the ledger when its lifeboat is applied is replayed like one of the door', async () => {
  const known = crypto.randomUUID();
  await service.post({ ...somebody().person, event_id: known });
  const email = `Grace.Hopper.${crypto.randomUUID().slice(0, 8)}@gmail.com`;
  wire.cut();
  expect(await service.post({ email, event_id: known, audience_key: LATE, profile: { first_name: 'Grace' } })).toMatchObject({ status: 202, body: { status: 'queued' } });
  wire.mend();
  const { entries: [entry] } = await until(() => list(`reason=conflict&audience=${LATE}`), ({ entries }) => entries.length === 1, 60_000);
  const replayed = await operate(`/${String(entry?.id)}/replay`, { set: { event_id: `${known}-2` } });
  expect(replayed).toMatchObject({ status: 200, body: { outcome: 'replayed', status: 'applied', event_id: `${known}-2` } });
  await until(() => hashes('google_main', '52'), (members) => members.includes(sha256(email.toLowerCase().replace('grace.hopper.', 'gracehopper'))), 40_000);
});

test('a lifeboat that is applied once more, because its worker died before it could say so, keeps nothing twice', async () => {
  const known = crypto.randomUUID();
  await service.post({ ...somebody().person, event_id: known });
  const lost: QuarantineEntry = { key: crypto.randomUUID(), source: 'demo', receivedAt: Date.now(), reason: 'invalid', eventId: known, problems: [], body: '{}', parts: [] };
  const batch = { events: [makeEvent({ eventId: known, audienceKey: LATE })], quarantined: [lost] };
  const applied = async (): Promise<number> => (await service.client.workflow.count("WorkflowType = 'lifeboat' and ExecutionStatus = 'Completed'")).count;
  const before = await applied();
  for (let time = 0; time < 2; time++) await service.parts.gateway.launchLifeboat(batch);
  await until(applied, (count) => count >= before + 2, 40_000);
  expect(await service.database.query('select reason from quarantine where event_id = $1 order by reason', [known])).toEqual([{ reason: 'conflict' }, { reason: 'invalid' }]);
});

describe('many', () => {
  const prepare = async (audience: string, many: number): Promise<void> => {
    const bodies = Array.from({ length: many }, (_, index) => ({ ...somebody().person, event_id: `bulk~${audience}-${String(index)}`, audience_key: audience, event: 'cio.exposure' }));
    for (let at = 0; at < many; at += 50) await Promise.all(bodies.slice(at, at + 50).map((body) => service.post(body)));
  };

  test('1,200 of them with the same mistake: tried, replayed in batches, each with its result', async () => {
    await prepare('typo_v1', 1_200);
    const nobody = await refused({ event_id: 'bulk~nobody', audience_key: 'typo_v1', event: 'cio.exposure', customer_id: undefined });
    const filter = { audience: 'typo_v1' };
    // A ledger under load may keep some of them a moment later.
    await until(() => list('audience=typo_v1&limit=1'), ({ matching }) => matching === 1_201);
    const tried = await inBulk('/replay', { filter, set: { audience_key: CART }, dry_run: true });
    expect(tried.filter(({ outcome }) => outcome === 'replayable')).toHaveLength(1_200);
    expect(await exposures('bulk~typo_v1-0')).toBe(0);

    const first = await operate('/replay', { filter, set: { audience_key: CART } });
    expect(first.body.results).toHaveLength(500);
    // Interrupted there, it goes on where it was.
    const rest = await inBulk('/replay', { filter, set: { audience_key: CART } });
    const results = [...first.body.results, ...rest];
    expect(new Set(results.map(({ id }) => id)).size).toBe(1_201);
    expect(results.filter(({ outcome, status }) => outcome === 'replayed' && status === 'applied')).toHaveLength(1_200);
    expect(results.filter(({ outcome }) => outcome === 'invalid')).toMatchObject([{ id: nobody.id, problems: [{ path: 'customer_id' }] }]);
    expect(await service.database.query("select count(*)::int as n from exposures where event_id like 'bulk~typo%'")).toEqual([{ n: 1_200 }]);
    expect((await list('audience=typo_v1')).entries.map(({ id }) => id)).toEqual([nobody.id]);
    expect(await (await fetch(`${service.url}/metrics`)).text()).toMatch(/^headgate_quarantine_resolved_total\{resolution="replayed: applied"\} \d{4}$/m);
  });

  test('two operators at once, at two processes: every entry is replayed by one of them', async () => {
    await prepare('twice_v1', 600);
    await until(() => list('audience=twice_v1&limit=1'), ({ matching }) => matching === 600);
    const other = await startApi(service.parts, undefined);
    const request = { filter: { audience: 'twice_v1' }, set: { audience_key: CART }, limit: 40 };
    const [one, two] = await Promise.all([inBulk('/replay', { ...request, by: 'one' }), inBulk('/replay', { ...request, by: 'two' }, other.url)]);
    expect(new Set([...one, ...two].map(({ id }) => id)).size).toBe(600);
    expect([...one, ...two].map(({ status }) => status)).toEqual(Array.from({ length: 600 }, () => 'applied'));
    expect([one.length, two.length].every((many) => many > 0)).toBe(true);
    const kept = await service.database.query<{ by: string; n: number }>("select resolved_by as by, count(*)::int as n from quarantine where audience_key = 'twice_v1' and resolution = 'replayed: applied' group by 1 order by 1");
    expect(kept).toEqual([{ by: 'one', n: one.length }, { by: 'two', n: two.length }]);
    await other.stop();
  });

  test('two corrections of one entry at once: one of them counts', async () => {
    const other = await startApi(service.parts, undefined);
    for (let round = 0; round < 10; round++) {
      const entry = await refused({ ...somebody().person, event_id: undefined, audience_key: 'nope_v1' });
      const answers = await Promise.all([CART, LATE].map((audience, index) => operate(`/${String(entry.id)}/replay`, { set: { audience_key: audience } }, { url: index === 0 ? service.url : other.url })));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
      const replayed = answers.find(({ status }) => status === 200)?.body.event_id;
      expect((await show(entry.id)).replayed_as).toBe(replayed);
    }
    await other.stop();
  });

  test('the list is paged, newest first, and found by each filter', async () => {
    const marker = `paged_${crypto.randomUUID().slice(0, 8)}_v1`;
    const entries: Entry[] = [];
    for (const event of ['cio.audience_add', 'cio.audience_remove', 'cio.exposure']) entries.unshift(await refused({ ...somebody().person, audience_key: marker, event }));
    const ids = entries.map(({ id }) => id);
    const firstPage = await list(`audience=${marker}&limit=2`);
    expect(firstPage).toMatchObject({ matching: 3, next: ids[1] });
    expect(firstPage.entries.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect((await list(`audience=${marker}&limit=2&before=${String(firstPage.next)}`)).entries.map(({ id }) => id)).toEqual(ids.slice(2));
    const found = async (query: string): Promise<number[]> => (await list(`${query}&audience=${marker}`)).entries.map(({ id }) => id);
    expect(await found('event=cio.exposure')).toEqual([ids[0]]);
    expect(await found(`problem=${encodeURIComponent(`AUDIENCE_KEY: "${marker}" is not`)}`)).toEqual(ids);
    expect(await found('problem=nothing%25like')).toEqual([]);
    expect(await found('reason=conflict')).toEqual([]);
    expect(await found('source=demo&reason=invalid')).toEqual(ids);
    expect(await found('source=another')).toEqual([]);
    expect(await found(`since=${entries[1]?.received_at ?? ''}&until=${entries[0]?.received_at ?? ''}`)).toEqual([ids[1]]);
    await operate(`/${String(ids[0])}/discard`, { reason: 'a test' });
    expect(await found('state=open')).toEqual(ids.slice(1));
    expect(await found('state=resolved')).toEqual([ids[0]]);
    expect(await found('state=all')).toEqual(ids);
    expect((await service.read('/v1/quarantine?raeson=invalid')).status).toBe(400);
    expect((await service.read('/v1/quarantine/999999999')).status).toBe(404);
    expect((await service.read('/v1/quarantine/abc')).status).toBe(400);
  });
});

describe('discard', () => {
  test('takes one out with a reason; it can be replayed by its id while it is kept', async () => {
    const entry = await refused({ ...somebody().person, audience_key: 'nope_v1' });
    const path = `/${String(entry.id)}`;
    expect(await operate(`${path}/discard`)).toMatchObject({ status: 400, body: { problem: expect.stringContaining('reason') as string } });
    expect(await operate(`${path}/discard`, { reason: 'a test of the template', by: 'tests' })).toMatchObject({ status: 200, body: { id: entry.id, outcome: 'discarded' } });
    expect(await show(entry.id)).toMatchObject({ resolution: 'discarded', resolved_because: 'a test of the template', resolved_by: 'tests' });
    expect(await operate(`${path}/discard`, { reason: 'again' })).toMatchObject({ status: 409, body: { outcome: 'resolved' } });
    expect((await show(entry.id)).resolved_because).toBe('a test of the template');
    expect(await operate('/replay', { filter: { audience: 'nope_v1', since: entry.received_at }, set: { audience_key: CART } })).toMatchObject({ body: { results: [] } });
    expect(await operate(`${path}/replay`, { set: { audience_key: CART } })).toMatchObject({ status: 200, body: { status: 'applied' } });
    expect(await operate(`${path}/discard`, { reason: 'too late' })).toMatchObject({ status: 409, body: { outcome: 'resolved' } });
    expect(await operate('/999999999/discard', { reason: 'x' })).toMatchObject({ status: 404 });
  });
  test('takes many out by filter, and nothing without one', async () => {
    for (let index = 0; index < 3; index++) await refused({ ...somebody().person, audience_key: 'gone_v1' });
    expect(await operate('/discard', { reason: 'x' })).toMatchObject({ status: 400 });
    expect((await inBulk('/discard', { filter: { audience: 'gone_v1' }, reason: 'x', dry_run: true })).map(({ outcome }) => outcome)).toEqual(['discardable', 'discardable', 'discardable']);
    expect((await inBulk('/discard', { filter: { audience: 'gone_v1' }, reason: 'x', limit: 2 })).map(({ outcome }) => outcome)).toEqual(['discarded', 'discarded', 'discarded']);
    expect((await list('audience=gone_v1')).entries).toEqual([]);
  });
});

describe('what goes wrong on the way', () => {
  test('with the ledger gone nothing is resolved and it is said so', async () => {
    const entry = await refused({ ...somebody().person, audience_key: 'nope_v1' });
    wire.cut();
    await until(() => service.parts.ledger.connection.isUp, (up) => !up);
    expect(await operate(`/${String(entry.id)}/replay`, { set: { audience_key: CART } })).toMatchObject({ status: 503 });
    wire.mend();
    await until(() => service.parts.ledger.connection.isUp, Boolean);
    expect(await operate(`/${String(entry.id)}/replay`, { set: { audience_key: CART } })).toMatchObject({ status: 200, body: { status: 'applied' } });
  });
  test('a replay that ends between applying and writing it down is a duplicate the next time', async () => {
    const id = crypto.randomUUID();
    const entry = await refused({ ...somebody().person, event_id: id, audience_key: 'nope_v1' });
    await service.database.query("create function fail() returns trigger language plpgsql as $$ begin raise exception 'as if it had crashed'; end $$");
    await service.database.query('create trigger crash before update on quarantine execute function fail()');
    expect((await operate(`/${String(entry.id)}/replay`, { set: { audience_key: CART } })).status).toBe(503);
    expect(await exposures(id)).toBe(1);
    expect((await show(entry.id)).resolution).toBeNull();
    await service.database.query('drop trigger crash on quarantine');
    expect(await operate(`/${String(entry.id)}/replay`, { set: { audience_key: CART } })).toMatchObject({ status: 200, body: { status: 'duplicate' } });
    expect(await exposures(id)).toBe(1);
  });
});

describe('who may', () => {
  const withToken = { authorization: 'Bearer the-operator-token' };
  test('with HEADGATE_OPERATOR_TOKEN only who has it, and reading has another', async () => {
    const entry = await refused({ ...somebody().person, audience_key: 'nope_v1' });
    const path = `/${String(entry.id)}/discard`;
    const guarded = await startApi({ ...service.parts, environment: { ...service.parts.environment, HEADGATE_OPERATOR_TOKEN: 'the-operator-token', HEADGATE_READ_TOKEN: 'the-read-token' } }, undefined);
    const at = (headers: Record<string, string>) => operate(path, { reason: 'x' }, { url: guarded.url, headers });
    expect(await at({})).toMatchObject({ status: 401, body: { problem: expect.stringContaining('HEADGATE_OPERATOR_TOKEN') as string } });
    expect(await at({ authorization: 'Bearer the-read-token' })).toMatchObject({ status: 401 });
    const read = (authorization: string) => fetch(`${guarded.url}/v1/quarantine`, { headers: { authorization } });
    expect([(await read('Bearer the-operator-token')).status, (await read('Bearer the-read-token')).status]).toEqual([401, 200]);
    for (const bulk of ['/replay', '/discard']) expect((await operate(bulk, { all: true, reason: 'x' }, { url: guarded.url })).status).toBe(401);
    expect(await at(withToken)).toMatchObject({ status: 200 });
    await guarded.stop();
  });
  test('without one nobody at an api that others can reach', async () => {
    const open = await startApi({ ...service.parts, environment: { ...service.parts.environment, HEADGATE_HOST: '0.0.0.0' } }, undefined);
    expect(await operate('/replay', { all: true }, { url: open.url, headers: withToken })).toMatchObject({ status: 401, body: { problem: 'operating is off: set HEADGATE_OPERATOR_TOKEN' } });
    await open.stop();
  });
  test('without one not who comes through a proxy on this machine, nor by another name of it', async () => {
    expect((await operate('/replay', { all: true, dry_run: true }, { headers: { 'x-forwarded-for': '203.0.113.7' } })).status).toBe(401);
    expect((await operate('/replay', { all: true, dry_run: true }, { headers: { forwarded: 'for=203.0.113.7' } })).status).toBe(401);
    expect((await operate('/replay', { all: true, dry_run: true })).status).toBe(200);
    const byName = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(`${service.url}/v1/quarantine/replay`, { method: 'POST', headers: { host, 'content-type': 'application/json' } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end('{"all":true,"dry_run":true}');
      });
    expect([await byName('rebound.evil.example'), await byName('localhost:8080')]).toEqual([401, 200]);
  });
  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])('a page of another site, which can post %s only', async (type) => {
    expect((await operate('/replay', { all: true }, { headers: { 'content-type': type } })).status).toBe(415);
    const preflight = await fetch(`${service.url}/v1/quarantine/replay`, { method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } });
    expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

test('the sweep forgets what was resolved long ago, and nothing that waits', async () => {
  const [waiting, resolved, lately] = [await refused({ audience_key: 'old_v1' }), await refused({ audience_key: 'old_v1' }), await refused({ audience_key: 'old_v1' })];
  for (const { id } of [resolved, lately]) await operate(`/${String(id)}/discard`, { reason: 'x' });
  await service.database.query("update quarantine set received_at = now() - interval '400 days', resolved_at = resolved_at - make_interval(days => case id when $1 then 91 else 89 end) where audience_key = 'old_v1'", [resolved.id]);
  await service.parts.sweep.sweepOnce();
  expect(await service.database.query("select id::int from quarantine where audience_key = 'old_v1' order by id")).toEqual([{ id: waiting.id }, { id: lately.id }]);
});
