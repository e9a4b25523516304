/** The Meta sandbox over HTTP: as strict as Meta, with faults, and with a memory. Written against Meta's documentation, not against our client. */
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { meta } from '../../src/destinations/meta/index.ts';
import { META_API_VERSION } from '../../src/destinations/meta/api-version.ts';
import { sha256 } from '../../src/destinations/user-data.ts';
import type { Destination, PushAnswer } from '../../src/destinations/destination.ts';
import { PlatformFailure } from '../../src/domain/failures.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';

const TOKEN = 'a-sandbox-token';
const AUDIENCE = '6000000000001';
const destinations = [{ name: 'meta_main', platform: 'meta', settings: { access_token: TOKEN, ad_account: 'act_1' }, audienceIds: [AUDIENCE] }];
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, destinations });
});
afterAll(() => sandbox.close());
beforeEach(() => fetch(`${sandbox.url}/_sandbox/reset`, { method: 'POST' }));

interface Reply {
  status: number;
  body: { error?: { code: number; error_subcode?: number; fbtrace_id: string }; num_received?: number; num_invalid_entries?: number; invalid_entry_samples?: Record<string, string> };
}
const hashOf = (name: string): string => sha256(`${name}@example.com`);

async function call(payload: unknown, { method = 'POST', audience = AUDIENCE, token = TOKEN, version = META_API_VERSION } = {}): Promise<Reply> {
  const response = await fetch(`${sandbox.url}/meta_main/${version}/${audience}/users`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ payload }),
  });
  return { status: response.status, body: (await response.json()) as Reply['body'] };
}
async function hashes(): Promise<string[]> {
  const state = (await (await fetch(`${sandbox.url}/_sandbox/state`)).json()) as { destinations: { meta_main: { audiences: Record<string, { members: number; hashes: string[] }> } } };
  return state.destinations.meta_main.audiences[AUDIENCE]?.hashes ?? [];
}
const fault = (body: object): Promise<Response> => fetch(`${sandbox.url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(body) });

test('rows go in, and out again by any identifier of theirs', async () => {
  const row = { schema: ['EXTERN_ID', 'EMAIL'], data: [['c_1', hashOf('ada')], ['c_2', hashOf('bob')]] };
  expect(await call(row)).toMatchObject({ status: 200, body: { num_received: 2, num_invalid_entries: 0 } });
  await call({ schema: ['EMAIL'], data: [[hashOf('ada')]] }, { method: 'DELETE' });
  expect(await hashes()).toEqual([hashOf('bob')]);
  await call({ schema: ['EXTERN_ID'], data: [['c_2']] }, { method: 'DELETE' });
  expect(await hashes()).toEqual([]);
});

test('adding somebody twice leaves one member', async () => {
  const row = { schema: ['EMAIL'], data: [[hashOf('ada')]] };
  await call(row);
  await call(row);
  expect(sandbox.store.sizeOf('meta_main', AUDIENCE)).toBe(1);
});

const one = { schema: ['EMAIL'], data: [[hashOf('ada')]] };
test.each<[string, unknown, object, number, number | undefined]>([
  ['an e-mail in the clear', { schema: ['EMAIL'], data: [['ada@example.com']] }, {}, 100, undefined],
  ['the hash of nothing', { schema: ['EMAIL'], data: [[sha256('')]] }, {}, 100, undefined],
  ['a column that Meta does not know', { schema: ['MAIL'], data: [[hashOf('ada')]] }, {}, 100, undefined],
  ['a row that is too short', { schema: ['EMAIL', 'FN'], data: [[hashOf('ada')]] }, {}, 100, undefined],
  ['null for an unknown value', { schema: ['EMAIL', 'FN'], data: [[hashOf('ada'), null]] }, {}, 100, undefined],
  ['no rows', { schema: ['EMAIL'], data: [] }, {}, 100, undefined],
  ['no payload', undefined, {}, 100, undefined],
  ['10,001 rows', { schema: ['EMAIL'], data: Array.from({ length: 10_001 }, (_, index) => [hashOf(String(index))]) }, {}, 1, 99],
  ['a wrong token', one, { token: 'another' }, 190, undefined],
  ['an audience that does not exist', one, { audience: '1' }, 100, 33],
  ['a version that has ended', one, { version: 'v20.0' }, 2635, undefined],
])('%s is refused in Meta\'s words', async (_name, payload, options, code, subcode) => {
  const { status, body } = await call(payload, options);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(body.error).toMatchObject({ code, ...(subcode === undefined ? {} : { error_subcode: subcode }) });
  expect(await hashes()).toEqual([]);
});

test('an empty external id makes one row invalid, named in the samples', async () => {
  const { body } = await call({ schema: ['EXTERN_ID', 'EMAIL'], data: [['', hashOf('ada')], ['c_2', hashOf('bob')]] });
  expect(body).toMatchObject({ num_received: 2, num_invalid_entries: 1, invalid_entry_samples: { [JSON.stringify(['', hashOf('ada')])]: 'empty external ID' } });
  expect(await hashes()).toEqual([hashOf('bob')]);
});

test.each([
  ['flagged', 471, 100, 1713230],
  ['being replaced', 414, 2650, 1870145],
])('an audience that says of itself that it is %s takes neither uploads nor removals', async (_name, status, code, subcode) => {
  await call(one);
  await fetch(`${sandbox.url}/_sandbox/audience`, { method: 'POST', body: JSON.stringify({ destination: 'meta_main', audience: AUDIENCE, says: { operation_status: { code: status, description: 'as it is' } } }) });
  for (const method of ['POST', 'DELETE']) expect((await call(one, { method })).body.error).toMatchObject({ code, error_subcode: subcode });
  expect(await hashes()).toEqual([hashOf('ada')]);
});

test('an app that asks for it takes no call without the proof of its secret', async () => {
  const proven = await startSandbox({ port: 0, destinations: [{ ...destinations[0]!, settings: { ...destinations[0]!.settings, app_secret: 'an-app-secret' } }] });
  try {
    const time = Math.floor(Date.now() / 1_000);
    const proof = (secret: string, at: number): object => ({ appsecret_proof: createHmac('sha256', secret).update(`${TOKEN}|${String(at)}`).digest('hex'), appsecret_time: at });
    const statuses = [];
    for (const more of [{}, proof('another-secret', time), proof('an-app-secret', time - 3_600), proof('an-app-secret', time)]) {
      const response = await fetch(`${proven.url}/meta_main/${META_API_VERSION}/${AUDIENCE}/users`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }, body: JSON.stringify({ payload: one, ...more }) });
      statuses.push(response.status);
    }
    expect(statuses).toEqual([400, 400, 400, 200]);
  } finally {
    await proven.close();
  }
});

describe('faults', () => {
  test('last for as many calls as asked', async () => {
    await fault({ destination: 'meta_main', fault: 'http_500', calls: 2 });
    expect([(await call(one)).status, (await call(one)).status, (await call(one)).status]).toEqual([500, 500, 200]);
  });
  test('last until cleared when no number is given', async () => {
    await fault({ fault: 'unauthorised' });
    for (let n = 0; n < 3; n++) expect((await call(one)).body.error?.code).toBe(190);
    await fault({ fault: null });
    expect((await call(one)).status).toBe(200);
  });
  test.each([[{ fault: 'fire' }, 400], [{ fault: 'http_500', destination: 'nope' }, 404], [{}, 400]])('%j is no fault', async (body, status) => {
    expect((await fault(body)).status).toBe(status);
  });
});

test('members are remembered over a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-sandbox-'));
  try {
    const journal = join(folder, 'journal.ndjson');
    const first = await startSandbox({ port: 0, destinations, journal });
    first.store.apply({ destination: 'meta_main', audience: AUDIENCE, action: 'add', rows: [{ EMAIL: hashOf('ada') }] });
    await first.close();
    const second = await startSandbox({ port: 0, destinations, journal });
    expect(second.store.sizeOf('meta_main', AUDIENCE)).toBe(1);
    await second.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('Headgate\'s own client against it', () => {
  const connect = (settings: object = {}): Destination =>
    meta.connect({ access_token: TOKEN, ad_account: 'act_1', api_version: META_API_VERSION, timeout: 2_000, ...settings }, { name: 'meta_main', sandboxUrl: `${sandbox.url}/meta_main` });
  const member = (name: string) => ({ today: [{ type: 'EMAIL', value: hashOf(name) }], former: [] });
  const push = (destination: Destination, ms = 2_000): Promise<PushAnswer> => destination.prepare('add', AUDIENCE, [member('ada'), member('bob')]).send(AbortSignal.timeout(ms));
  const failureOf = (answer: Promise<unknown>): Promise<unknown> => answer.then(() => undefined, (error: unknown) => (error instanceof PlatformFailure ? error.report : error));

  test('a call that went well accepts each member', async () => {
    expect(await push(connect())).toEqual({ members: [{ status: 'accepted' }, { status: 'accepted' }], restMs: 0 });
  });
  test.each([
    ['http_500', 'unavailable'],
    ['rate_limit', 'rate_limited'],
    ['unauthorised', 'unauthorised'],
  ] as const)('%s is %s', async (name, kind) => {
    sandbox.faults.set('meta_main', { fault: name, ms: 0 }, 1);
    expect(await failureOf(push(connect()))).toMatchObject({ kind });
  });
  test('no answer is an unknown outcome, though it was applied', async () => {
    sandbox.faults.set('meta_main', { fault: 'timeout_applied', ms: 0 }, 1);
    expect(await failureOf(push(connect(), 200))).toMatchObject({ kind: 'timed_out' });
    expect((await hashes()).toSorted()).toEqual([hashOf('ada'), hashOf('bob')].toSorted());
  });
  test('a platform that is not there is unavailable', async () => {
    const gone = await startSandbox({ port: 0, destinations });
    await gone.close();
    const nowhere = meta.connect({ access_token: TOKEN, ad_account: 'act_1', api_version: META_API_VERSION, timeout: 2_000 }, { name: 'meta_main', sandboxUrl: gone.url });
    expect(await failureOf(push(nowhere))).toMatchObject({ kind: 'unavailable' });
  });
  test('the token stays out of every message', async () => {
    const error: unknown = await push(connect({ access_token: 'a-very-secret-token' })).catch((reason: unknown) => reason);
    expect(JSON.stringify([String(error), error])).not.toContain('a-very-secret-token');
  });
});
