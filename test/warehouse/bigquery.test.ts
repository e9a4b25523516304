/** BigQuery's table, rows, answers and errors, without a server. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { EXPORTED_COLUMNS, UNEXPORTED_COLUMNS, type ExportedRow } from '../../src/domain/exported-columns.ts';
import { failureOf, readBigQueryError } from '../../src/warehouse/bigquery/errors.ts';
import { answersOf, insertAnswer } from '../../src/warehouse/bigquery/insert-all.ts';
import { CLUSTERING_FIELDS, insertIdOf, PARTITION_FIELD, rowJson, TABLE_FIELDS, VIEW_MARK, viewQuery } from '../../src/warehouse/bigquery/schema.ts';
import { bigquerySettings } from '../../src/warehouse/bigquery/settings.ts';
import { parseRegistry } from '../../src/config/registry.ts';

const settings = bigquerySettings.parse({ project: 'acme-analytics', dataset: 'headgate' });
const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the columns', () => {
  test('are those of the ledger, but for what it keeps for itself: a new one must be exported, or listed as not', async () => {
    const [, table = ''] = /create table exposures \(([\s\S]*?)\n {2}constraint/.exec(await read('src/ledger/schema.sql')) ?? [];
    const inLedger = [...table.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name);
    expect(inLedger.length).toBeGreaterThan(30);
    expect([...EXPORTED_COLUMNS.map(({ name }) => name), ...UNEXPORTED_COLUMNS].toSorted()).toEqual(inLedger.toSorted());
  });
  test('are described in docs/bigquery.md, as they are in the table', async () => {
    const documented = [...(await read('docs/bigquery.md')).matchAll(/^\| `(\w+)` \| (\w+)( required)? \| (.*) \|$/gm)].map(([, name, type, required, description]) => ({ name, type, mode: required ? 'REQUIRED' : 'NULLABLE', description }));
    expect(documented).toEqual(TABLE_FIELDS);
  });
  test('hold what the table is partitioned and clustered by', () => {
    const names = TABLE_FIELDS.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([PARTITION_FIELD, ...CLUSTERING_FIELDS]));
    expect(new Set(names).size).toBe(names.length);
  });
});

const row = (values: ExportedRow['values'] = {}): ExportedRow => ({ eventId: 'e1', occurredAt: '2026-11-24T10:15:00.000000Z', values: { event_id: 'e1', occurred_at: '2026-11-24T10:15:00.000000Z', ...values } });

test('a row leaves out what is null, keeps false and empty text, and carries JSON as text', () => {
  const made = JSON.parse(rowJson(row({ machine: false, arm: null, link_url: '', context: '{"a":1}' }), 0, 128)) as { insertId: string; json: object };
  expect(made.insertId).toBe('e1');
  expect(made.json).toEqual({ event_id: 'e1', occurred_at: '2026-11-24T10:15:00.000000Z', machine: false, link_url: '', context: '{"a":1}', exported_at: '1970-01-01T00:00:00.000Z', schema_version: 1 });
});

test('an insertId is the event id, and always the same hash of one that is too long', () => {
  expect(insertIdOf('a'.repeat(128), 128)).toBe('a'.repeat(128));
  expect(insertIdOf('a'.repeat(129), 128)).toMatch(/^[0-9a-f]{64}$/);
  expect(insertIdOf('a'.repeat(129), 128)).not.toBe(insertIdOf('a'.repeat(130), 128));
});

test('the view shows every column of the table, once for each event, the row that was sent first', () => {
  const query = viewQuery(settings, ['event_id', 'later']);
  expect(query.startsWith(VIEW_MARK)).toBe(true);
  expect(query).toContain('SELECT `event_id`, `later`\nFROM `acme-analytics.headgate.exposures_rows`');
  expect(query).toContain('QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY exported_at) = 1');
});

describe('an answer with HTTP 200', () => {
  const error = (reason: string, message = '', location = '') => ({ reason, message, location });
  const statuses = (errors: Parameters<typeof answersOf>[0], count: number): string[] => answersOf(errors, count).map((one) => (one.status === 'stored' ? 'stored' : `${one.status}: ${one.reason}`));
  test('without insertErrors says that all rows are there', () => expect(statuses([], 2)).toEqual(['stored', 'stored']));
  test('names the wrong row, and the stopped ones are sent again', () =>
    expect(statuses([{ index: 1, errors: [error('invalid', 'Could not convert', 'machine')] }, { index: 0, errors: [error('stopped')] }], 3)).toEqual(['unsent: stopped', 'refused: machine: Could not convert', 'unsent: stopped']));
  test.each(['backendError', 'timeout', 'internalError', 'somethingNew'])('a row with %s is sent again, never given up', (reason) => expect(statuses([{ index: 0, errors: [error(reason)] }], 1)).toEqual([`unsent: ${reason}`]));
  test('that does not say of what it is says nothing', () => {
    expect(insertAnswer.safeParse({}).success).toBe(false);
    expect(insertAnswer.safeParse({ kind: 'bigquery#tableDataInsertAllResponse' }).success).toBe(true);
  });
});

test.each<[number, string, string, string, RegExp]>([
  [500, 'internalError', 'x', 'unavailable', /^$/],
  [503, 'backendError', 'x', 'unavailable', /^$/],
  [502, '', 'x', 'unavailable', /^$/],
  [403, 'rateLimitExceeded', 'x', 'rate_limited', /^$/],
  [429, '', 'x', 'rate_limited', /^$/],
  [403, 'quotaExceeded', 'x', 'rate_limited', /quota/],
  [403, 'accessDenied', 'Access Denied: Table x', 'unauthorised', /roles\/bigquery\.dataEditor/],
  [403, 'accessDenied', 'Streaming insert is not allowed in the free tier', 'needs_person', /billing/],
  [403, 'billingNotEnabled', 'x', 'needs_person', /billing/],
  [401, 'authError', 'x', 'unauthorised', /credentials/],
  [404, 'notFound', 'Not found: Project', 'misconfigured', /headgate\.yaml/],
  [400, 'invalid', 'x', 'invalid_row', /bug/],
  [413, 'uploadTooLarge', 'x', 'invalid_row', /bug/],
  [412, 'conditionNotMet', 'x', 'unavailable', /^$/],
])('HTTP %i %s (%s) is %s', (code, reason, message, kind, cure) => {
  const error = readBigQueryError({ error: { code, message, errors: [{ reason, message }] } });
  const report = failureOf(error!);
  expect(report.kind).toBe(kind);
  expect(report.cause).toContain(message);
  expect(report.cure).toMatch(cure);
  if (reason === 'quotaExceeded') expect(report.retryAfterMs).toBe(300_000);
});

describe('an exporter in headgate.yaml', () => {
  const load = (exporters: string, sandboxAllowed = true) => parseRegistry(`sources:\n  shop: { signing_secret: a-secret-for-tests }\ndestinations:\n  taken: { platform: meta, access_token: a-token-for-tests, ad_account: act_1 }\nexporters:\n${exporters}`, 'headgate.yaml', { variables: {}, sandboxAllowed });
  const entry = (name: string, more = ''): string => `  ${name}: { platform: bigquery, project: acme-analytics, dataset: headgate${more} }`;
  test('is read with its defaults, and shown', () => {
    const { exporters, masked } = load(entry('warehouse', ', partition_expiration: 730d'));
    expect(exporters.get('warehouse')).toMatchObject({ everyMs: 60_000, sandbox: false, settings: { rows_per_call: 500, location: 'US', partition_expiration: 730 } });
    expect(masked).toMatchObject({ exporters: { warehouse: { platform: 'bigquery', every: '1m', project: 'acme-analytics' } } });
  });
  test.each<[string, string, RegExp]>([
    ['an unknown warehouse', '  w: { platform: snowflake }', /headgate\.yaml:6: exporters\.w\.platform: snowflake is not a warehouse of this version; it knows bigquery/],
    ['no project', '  w: { platform: bigquery, dataset: d }', /exporters\.w\.project: /],
    ['a project that is none', entry('w').replace('acme-analytics', 'A'), /must be the id of a Google Cloud project/],
    ['a setting of nobody', entry('w', ', colour: red'), /exporters\.w\.colour: is not a setting/],
    ['the name of a destination', entry('taken'), /exporters\.taken: there is a destination of that name/],
    ['a time that is none', entry('w', ', every: often'), /exporters\.w\.every: must be a duration/],
  ])('with %s is refused', (_what, exporters, problem) => {
    expect(() => load(exporters)).toThrow(problem);
  });
  test('of the sandbox does not load in production', () => {
    expect(() => load(entry('w', ', sandbox: true'), false)).toThrow(/exporters\.w\.sandbox: the sandbox does not exist in production/);
  });
});
