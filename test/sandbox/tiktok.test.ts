/** The TikTok sandbox over HTTP: a code in each 200, as strict as TikTok. Written against TikTok's reference, not against our client. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../src/destinations/user-data.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';

const AUDIENCE = '71';
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, destinations: [{ name: 'tiktok_main', platform: 'tiktok', settings: { access_token: 't', advertiser_id: '7' }, audienceIds: [AUDIENCE] }] });
});
afterAll(() => sandbox.close());
beforeEach(() => {
  sandbox.faults.set(undefined, null);
  sandbox.store.reset();
});

interface Reply {
  status: number;
  code?: number;
  data?: { audience_id?: string; list?: { name: string }[] };
}
async function call(path: string, body?: object, headers: Record<string, string> = { 'access-token': 't' }): Promise<Reply> {
  const response = await fetch(`${sandbox.url}/tiktok_main/v1.3/${path}`, { method: body ? 'POST' : 'GET', headers: { 'content-type': 'application/json', ...headers }, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await response.text();
  return { status: response.status, ...(response.status === 200 ? (JSON.parse(text) as object) : {}) };
}
const cell = (text: string, audience = AUDIENCE): object => ({ id: sha256(text), audience_ids: [audience] });
const mapping = { advertiser_ids: ['7'], action: 'add', id_schema: ['EMAIL_SHA256', 'PHONE_SHA256'], batch_data: [[cell('ada'), cell('1')], [cell('bob'), {}]] };
const members = (): number | undefined => sandbox.store.sizeOf('tiktok_main', AUDIENCE);

test('rows go in, with the empty object for what a person does not have, and out again', async () => {
  expect(await call('segment/mapping/', mapping)).toMatchObject({ status: 200, code: 0 });
  expect(members()).toBe(2);
  await call('segment/mapping/', { ...mapping, action: 'delete', id_schema: ['PHONE_SHA256'], batch_data: [[cell('1')]] });
  expect(members()).toBe(1);
});

test.each<[string, object, number]>([
  ['an e-mail in the clear', { ...mapping, batch_data: [[{ id: 'ada@example.com', audience_ids: [AUDIENCE] }, {}]] }, 40_062],
  ['the hash of nothing', { ...mapping, batch_data: [[cell(''), {}]] }, 40_062],
  ['a row that is shorter than the schema', { ...mapping, batch_data: [[cell('ada')]] }, 40_002],
  ['a type of the file API', { ...mapping, id_schema: ['EMAIL_SHA256', 'GAID_SHA256'] }, 40_002],
  ['a type twice', { ...mapping, id_schema: ['EMAIL_SHA256', 'EMAIL_SHA256'] }, 40_002],
  ['an action that is none', { ...mapping, action: 'remove' }, 40_002],
  ['no rows', { ...mapping, batch_data: [] }, 40_002],
  ['another advertiser', { ...mapping, advertiser_ids: ['8'] }, 40_001],
  ['an audience that is not there', { ...mapping, batch_data: [[cell('ada', '99'), {}]] }, 40_007],
  ['10,001 rows', { ...mapping, batch_data: Array.from({ length: 10_001 }, (_, index) => [cell(String(index)), {}]) }, 40_011],
])('%s is refused in a 200', async (_name, body, code) => {
  expect(await call('segment/mapping/', body)).toMatchObject({ status: 200, code });
  expect(members()).toBe(0);
});

test('without its slash a path is not there, and another header holds no token', async () => {
  expect((await call('segment/mapping', mapping)).status).toBe(404);
  expect((await call('segment/mapping/', mapping, { authorization: 'Bearer t' })).code).toBe(40_105);
});

test('an audience made from a file is none of the Streaming API', async () => {
  sandbox.store.say('tiktok_main', AUDIENCE, { audience_type: 'Customer File Audience' });
  expect((await call('segment/mapping/', mapping)).code).toBe(40_007);
});

test('equal names make two audiences, long ones are cut, and lists come in pages', async () => {
  const create = async (name: string): Promise<string | undefined> => (await call('segment/audience/', { advertiser_id: '7', action: 'create', custom_audience_name: name })).data?.audience_id;
  expect(await create('cart')).not.toBe(await create('cart'));
  await create('x'.repeat(71));
  const list = async (page: number, size: number): Promise<string[] | undefined> => (await call(`dmp/custom_audience/list/?advertiser_id=7&page=${String(page)}&page_size=${String(size)}`)).data?.list?.map(({ name }) => name);
  expect(await list(1, 3)).toEqual(['of the sandbox', 'cart', 'cart']);
  expect(await list(2, 3)).toEqual([`${'x'.repeat(67)}...`]);
  expect((await call('dmp/custom_audience/list/?advertiser_id=7&page_size=101')).code).toBe(40_002);
});
