/** BigQuery's stand-in over HTTP: as strict as the real one, with its quirks. Written against Google's documents, not against our client. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';

const PROJECT = 'acme-analytics';
let sandbox: Sandbox;
let token: string;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, destinations: [{ name: 'warehouse', platform: 'bigquery', settings: { project: PROJECT }, audienceIds: [] }] });
});
afterAll(() => sandbox.close());

interface Body {
  error?: { code: number; errors: { reason: string; message: string }[] };
  insertErrors?: { index: number; errors: { reason: string; location: string; message: string }[] }[];
  rows?: { f: { v: string | null }[] }[];
  [key: string]: unknown;
}
async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${sandbox.url}/warehouse/bigquery/v2/projects/${PROJECT}/${path}`, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers }, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Body };
}
const FIELDS = [
  { name: 'event_id', type: 'STRING', mode: 'REQUIRED' }, { name: 'occurred_at', type: 'TIMESTAMP', mode: 'REQUIRED' }, { name: 'person_id', type: 'STRING' },
  { name: 'machine', type: 'BOOLEAN' }, { name: 'version', type: 'INTEGER' }, { name: 'context', type: 'JSON' },
];
const TABLE = { tableReference: { projectId: PROJECT, datasetId: 'd', tableId: 't' }, schema: { fields: FIELDS }, timePartitioning: { type: 'DAY', field: 'occurred_at' }, clustering: { fields: ['person_id'] } };
beforeEach(async () => {
  sandbox.faults.set(undefined, null);
  sandbox.store.reset();
  sandbox.store.setLimits('warehouse', { lagMs: 0 });
  const given = await fetch(`${sandbox.url}/warehouse/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'sandbox' }) });
  token = ((await given.json()) as { access_token: string }).access_token;
  expect((await call('POST', 'datasets', { datasetReference: { projectId: PROJECT, datasetId: 'd' }, location: 'EU' })).status).toBe(200);
  expect((await call('POST', 'datasets/d/tables', TABLE)).status).toBe(200);
});
const at = new Date().toISOString();
const row = (id: string, more: object = {}): { insertId: string; json: object } => ({ insertId: id, json: { event_id: id, occurred_at: at, ...more } });
const insert = (rows: object[], more: object = {}) => call('POST', 'datasets/d/tables/t/insertAll', { rows, ...more });
const query = async (sql: string, more: object = {}): Promise<(string | null)[][]> => ((await call('POST', 'queries', { query: sql, useLegacySql: false, ...more })).body.rows ?? []).map(({ f }) => f.map(({ v }) => v));
const count = async (): Promise<string | null | undefined> => (await query(`SELECT COUNT(*) FROM \`${PROJECT}.d.t\``))[0]?.[0];
const errorsOf = ({ insertErrors = [] }: Body): string[] => insertErrors.toSorted((a, b) => a.index - b.index).map(({ index, errors }) => `${String(index)} ${errors.map(({ reason, location }) => `${reason} ${location}`.trim()).join(', ')}`);

test('rows come back as they were sent', async () => {
  expect((await insert([row('a', { person_id: '007', machine: false, version: 1, context: '{"a":[1]}' })])).body).toEqual({ kind: 'bigquery#tableDataInsertAllResponse' });
  const [cells] = await query(`SELECT * FROM \`${PROJECT}.d.t\` WHERE event_id = 'a'`);
  expect(cells).toEqual(['a', expect.stringMatching(/^\d\.\d+E9$/), '007', 'false', '1', '{"a":[1]}']);
  expect(Number(cells?.[1]) * 1_000).toBeCloseTo(Date.parse(at), 0);
  const listed = await call('GET', 'datasets/d/tables/t/data');
  expect(listed.body).toMatchObject({ totalRows: '1', rows: [{ f: [{ v: 'a' }, {}, {}, {}, {}, {}] }] });
});

describe('insertAll', () => {
  test.each<[string, object, string]>([
    ['an unknown field', row('b', { nobody: 1 }), 'invalid nobody'],
    ['a number for text', row('b', { person_id: 7 }), 'invalid person_id'],
    ['a time that is none', row('b', { occurred_at: 'yesterday' }), 'invalid occurred_at'],
    ['a time far away', row('b', { occurred_at: '1999-01-01T00:00:00Z' }), 'invalid occurred_at'],
    ['an object for JSON', row('b', { context: {} }), 'invalid context'],
    ['text that is no JSON', row('b', { context: '{' }), 'invalid context'],
    ['no event_id', { insertId: 'b', json: { occurred_at: at } }, 'invalid event_id'],
  ])('refuses %s with HTTP 200, and stops the others', async (_what, wrong, reason) => {
    const { status, body } = await insert([row('a'), wrong, row('c')]);
    expect([status, errorsOf(body)]).toEqual([200, ['0 stopped', `1 ${reason}`, '2 stopped']]);
    expect(await count()).toBe('0');
  });
  test('with skipInvalidRows stores the good ones', async () => {
    const { body } = await insert([row('a'), row('b', { nobody: 1 })], { skipInvalidRows: true });
    expect([errorsOf(body), await count()]).toEqual([['1 invalid nobody'], '1']);
  });
  test('leaves out a row with the same insertId for a while, and not for ever', async () => {
    for (let again = 0; again < 2; again++) await insert([row('a')]);
    expect(await count()).toBe('1');
    sandbox.store.setLimits('warehouse', { dedupeMs: 0 });
    await insert([row('a')]);
    expect(await count()).toBe('2');
  });
  test('refuses a call that is too large, without rows, or with an insertId that is too long', async () => {
    expect((await insert([row('a', { person_id: 'x'.repeat(10_000_000) })])).status).toBe(413);
    expect((await insert([])).status).toBe(400);
    expect((await insert([{ ...row('a'), insertId: 'x'.repeat(129) }])).status).toBe(400);
  });
  test('knows neither a table nor a column at once', async () => {
    sandbox.store.setLimits('warehouse', { lagMs: 60_000 });
    const { body } = await call('GET', 'datasets/d/tables/t');
    await call('PATCH', 'datasets/d/tables/t', { schema: { fields: [...FIELDS, { name: 'later', type: 'STRING' }] } }, { 'if-match': String(body['etag']) });
    expect((await insert([row('a', { later: 'x' })])).body.insertErrors?.[0]?.errors[0]?.message).toBe('no such field: later.');
    await call('POST', 'datasets/d/tables', { ...TABLE, tableReference: { ...TABLE.tableReference, tableId: 'new' } });
    expect((await call('POST', 'datasets/d/tables/new/insertAll', { rows: [row('a')] })).body.error?.errors[0]?.reason).toBe('notFound');
  });
});

test('columns can be added, and nothing else be changed; whoever looked before another change is refused', async () => {
  const patch = (fields: object[], etag?: string) => call('PATCH', 'datasets/d/tables/t', { schema: { fields } }, etag === undefined ? {} : { 'if-match': etag });
  expect((await patch(FIELDS.slice(1))).status).toBe(400);
  expect((await patch([...FIELDS, { name: 'later', type: 'STRING', mode: 'REQUIRED' }])).status).toBe(400);
  const etag = String((await call('GET', 'datasets/d/tables/t')).body['etag']);
  expect((await patch([...FIELDS, { name: 'later', type: 'STRING' }], etag)).status).toBe(200);
  expect((await patch([...FIELDS, { name: 'other', type: 'STRING' }], etag)).status).toBe(412);
});

test('what is there cannot be made again, and what is not there is not found', async () => {
  expect((await call('POST', 'datasets', { datasetReference: { datasetId: 'd' } })).body.error?.errors[0]?.reason).toBe('duplicate');
  expect((await call('POST', 'datasets/d/tables', TABLE)).status).toBe(409);
  for (const path of ['datasets/none', 'datasets/d/tables/none']) expect((await call('GET', path)).status).toBe(404);
  token = 'of nobody';
  expect((await call('GET', 'datasets/d')).status).toBe(401);
});

test('a view with QUALIFY is carried out', async () => {
  sandbox.store.setLimits('warehouse', { dedupeMs: 0 });
  await insert([row('a', { version: 2 }), row('a', { version: 1 }), row('b')]);
  const view = { tableReference: { ...TABLE.tableReference, tableId: 'v' }, view: { query: `SELECT \`event_id\`, \`version\` FROM \`${PROJECT}.d.t\` WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY version) = 1`, useLegacySql: false } };
  expect((await call('POST', 'datasets/d/tables', view)).status).toBe(200);
  expect(await query(`SELECT * FROM \`${PROJECT}.d.v\` ORDER BY event_id`)).toEqual([['a', '1'], ['b', null]]);
  const wrong = { ...view, tableReference: { ...TABLE.tableReference, tableId: 'w' }, view: { query: `SELECT nobody FROM \`${PROJECT}.d.t\``, useLegacySql: false } };
  expect((await call('POST', 'datasets/d/tables', wrong)).body.error?.errors[0]?.reason).toBe('invalidQuery');
});

test('streamed rows cannot be deleted while they are fresh, and can be later', async () => {
  await insert([row('a', { person_id: 'p1' }), row('b', { person_id: 'p2' })]);
  const erase = () => call('POST', 'queries', { query: `DELETE FROM \`${PROJECT}.d.t\` WHERE person_id IN UNNEST(@people)`, useLegacySql: false, queryParameters: [{ name: 'people', parameterValue: { arrayValues: [{ value: 'p1' }] } }] });
  const { status, body } = await erase();
  expect([status, body.error?.errors[0]?.message]).toEqual([400, expect.stringContaining('would affect rows in the streaming buffer, which is not supported')]);
  sandbox.store.setLimits('warehouse', { bufferMs: 0 });
  expect((await erase()).body).toMatchObject({ numDmlAffectedRows: '1' });
  expect(await query(`SELECT event_id FROM \`${PROJECT}.d.t\``)).toEqual([['b']]);
});

test('what it holds is told in counts', async () => {
  await insert([row('a'), row('b')]);
  expect(await (await fetch(`${sandbox.url}/_sandbox/warehouse`)).json()).toEqual({ tables: { [`${PROJECT}.d.t`]: { kind: 'table', rows: 2, events: 2 } } });
});
