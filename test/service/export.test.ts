/** Exposures on their way to a warehouse, through the whole service: Temporal, Postgres, and BigQuery's stand-in over HTTP. */
import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FaultName } from '../../src/sandbox/faults.ts';
import { SECRET, startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

const SYNC_STATE = defineSearchAttributeKey('SyncState', SearchAttributeType.KEYWORD);
const registry = (more = ''): string => `
sources:
  demo: { signing_secret: ${SECRET} }
exporters:
  warehouse: { platform: bigquery, sandbox: true, project: acme-analytics, dataset: headgate, every: 200ms, timeout: 2s, rows_per_call: 20${more} }
audiences:
  high_intent_cart_7d_v1: { description: Abandoned a cart, owner: { name: Tests }, window: 7d }
`;
const RAW = '`acme-analytics.headgate.exposures_rows`';
const VIEW = '`acme-analytics.headgate.exposures`';

let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: registry() });
});
afterAll(() => service.stop());
afterEach(async () => {
  service.sandbox.faults.set(undefined, null);
  await handle().signal('pushNow');
});

const handle = (): WorkflowHandle => service.client.workflow.getHandle('headgate/export/warehouse');
const state = async (): Promise<unknown> => (await handle().describe()).typedSearchAttributes.get(SYNC_STATE);
const details = async (): Promise<string> => (await handle().query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';
const fault = (kind: FaultName, more: { ms?: number; values?: string[] } = {}, calls?: number): void => {
  service.sandbox.faults.set('warehouse', { fault: kind, ms: more.ms ?? 0, values: more.values }, calls);
};
const ask = async (sql: string): Promise<(string | null)[][]> => (await service.sandbox.warehouse()).query(sql, {}, 0).rows;
const idsIn = async (where: string): Promise<string[]> => (await ask(`SELECT event_id FROM ${where} ORDER BY event_id`)).map(([id]) => id ?? '');
const written = async (): Promise<string[]> => (await service.database.query<{ event_id: string }>('select event_id from exposures order by event_id')).map(({ event_id: id }) => id);
let people = 0;
/** Posts exposures of somebody new; returns their event ids. */
async function happen(count = 1, more: Record<string, unknown> = {}): Promise<string[]> {
  const ids = Array.from({ length: count }, () => crypto.randomUUID());
  await Promise.all(ids.map((id) => service.post({ event: 'cio.exposure', audience_key: undefined, customer_id: `exported-${String(++people)}`, event_id: id, ...more })));
  return ids;
}
/** Until analysts see what the ledger has, each once. */
const allArrived = (): Promise<unknown> => until(async () => ({ seen: await idsIn(VIEW), wanted: await written() }), ({ seen, wanted }) => JSON.stringify(seen) === JSON.stringify(wanted), 60_000);
/** Until a turn that begins later than now has found nothing more to send. */
async function nextTurn(): Promise<void> {
  const caughtUp = async (): Promise<string> => (await service.database.query<{ at: string }>('select caught_up_at::text as at from exporters'))[0]?.at ?? '';
  for (let turn = 0; turn < 2; turn++) {
    const before = await caughtUp();
    await until(caughtUp, (at) => at !== before, 30_000);
  }
}
const metric = async (name: string): Promise<number> => Number(new RegExp(`^${name}\\{exporter="warehouse"\\} (.+)$`, 'm').exec(await (await fetch(`${service.url}/metrics`)).text())?.[1]);

test('what happens is read by analysts: the event as it was sent, and what was decided', async () => {
  const [id = ''] = await happen(1, { event: 'cio.audience_add', audience_key: 'high_intent_cart_7d_v1', timestamp: Math.floor(Date.now() / 1_000), context: { campaign_id: 7, message_variant: 'B' }, attributes: { cart_value: 182.5 } });
  await allArrived();
  const [row] = await ask(`SELECT name, outcome, arm, audience_key, campaign_id, message_variant, context, attributes, schema_version, occurred_at, customer_id FROM ${VIEW} WHERE event_id = '${id}'`);
  const [kept] = await service.database.query<{ occurred_at: Date; customer_id: string }>('select occurred_at, customer_id from exposures where event_id = $1', [id]);
  expect(row?.slice(0, 6)).toEqual(['cio.audience_add', 'entered', 'treatment', 'high_intent_cart_7d_v1', '7', 'B']);
  expect(row?.slice(6, 8).map((json) => JSON.parse(json ?? '') as unknown)).toEqual([{ campaign_id: 7, message_variant: 'B' }, { cart_value: 182.5 }]);
  expect([row?.[8], Number(row?.[9]) * 1_000, row?.[10]]).toEqual(['1', kept?.occurred_at.getTime(), kept?.customer_id]);
  await until(async () => [await state(), await metric('headgate_export_unsent_rows'), await metric('headgate_export_lag_seconds')], (seen) => JSON.stringify(seen) === '["ok",0,0]');
  expect(await metric('headgate_export_freshness_seconds')).toBeLessThan(60);
  expect(await metric('headgate_exported_rows_total')).toBeGreaterThan(0);
});

describe('one row for each event in what analysts read', () => {
  test.each<FaultName>(['timeout_applied', 'reset_applied', 'timeout_before', 'unclear', 'malformed', 'http_500'])('after %s', async (kind) => {
    // Google's own leaving out of duplicates is best effort: here it does nothing.
    service.sandbox.store.setLimits('warehouse', { dedupeMs: 0 });
    fault(kind, {}, 2);
    await happen(30);
    await allArrived();
    const [raw] = await ask(`SELECT COUNT(*), COUNT(DISTINCT event_id) FROM ${RAW}`);
    expect(raw?.[1]).toBe(String((await written()).length));
    if (kind === 'reset_applied') expect(Number(raw?.[0])).toBeGreaterThan(Number(raw?.[1]));
  });
});

test('a row that BigQuery refuses is parked with its reason, the others go through, and a retry sends it', async () => {
  await handle().executeUpdate('pause');
  const ids = await happen(30);
  const wrong = ids[7] ?? '';
  fault('named_invalid', { values: [wrong] });
  await handle().executeUpdate('resume');
  // Of the rows that went with it none is lost, although BigQuery stopped them all.
  await until(() => idsIn(VIEW), (seen) => ids.every((id) => id === wrong || seen.includes(id)), 60_000);
  expect(await idsIn(VIEW)).not.toContain(wrong);
  const parked = async (): Promise<unknown[]> => service.database.query('select event_id, reason from parked_exposures');
  expect(await parked()).toEqual([{ event_id: wrong, reason: 'event_id: Could not convert value to string.' }]);
  await until(state, (shown) => shown === 'stuck');
  expect(await details()).toMatch(/refuses: 1\. The last one: event_id: Could not convert[\s\S]*headgate export retry/);
  expect(await metric('headgate_export_parked_rows')).toBe(1);
  expect((await service.read('/v1/exports/warehouse')).body).toMatchObject({ state: 'stuck', parked_rows: 1, unsent_rows: 0, parked: [{ event_id: wrong, reason: expect.stringContaining('Could not convert') as unknown }] });
  service.sandbox.faults.set(undefined, null);
  expect(await handle().executeUpdate('retry')).toBe('1 parked rows of warehouse are sent again');
  await allArrived();
  await until(parked, (rows) => rows.length === 0);
  await until(state, (shown) => shown === 'ok');
});

describe('the workflow says what is wrong and what to do, and goes on by itself', () => {
  test.each<[FaultName, string, RegExp]>([
    ['rate_limit', 'throttled', /rateLimitExceeded/],
    ['no_permission', 'stuck', /bigquery\.tables\.updateData denied[\s\S]*What to do: .*roles\/bigquery\.dataEditor/],
    ['needs_person', 'stuck', /free tier[\s\S]*What to do: Switch billing on/],
    ['unauthorised', 'stuck', /invalid authentication credentials[\s\S]*What to do: .*credentials/],
    ['http_500', 'retrying', /backendError/],
  ])('%s', async (kind, shown, words) => {
    fault(kind, kind === 'rate_limit' ? { ms: 6_000 } : {});
    await happen(3);
    await until(state, (now) => now === shown, 30_000);
    expect(await details()).toMatch(words);
    const [row] = await service.database.query<{ state: string; cause: string }>("select state, cause from exporters where exporter = 'warehouse'");
    expect(row?.state).toBe(shown);
    expect(await metric('headgate_export_unsent_rows')).toBeGreaterThan(0);
    service.sandbox.faults.set(undefined, null);
    if (shown === 'stuck') await handle().signal('pushNow');
    await allArrived();
    await until(state, (now) => now === 'ok');
  });
});

test('rows of a transaction that is still open are not passed over', async () => {
  const slow = new pg.Client({ connectionString: service.database.url });
  await slow.connect();
  try {
    await slow.query('begin');
    await slow.query("insert into exposures (event_id, name, occurred_at, received_at, status) values ('of-a-slow-transaction', 'cio.exposure', now(), now(), 'applied')");
    await happen(5);
    // A whole turn sees these rows and leaves them.
    await nextTurn();
    expect(await metric('headgate_export_unsent_rows')).toBeGreaterThanOrEqual(5);
    await slow.query('commit');
    await allArrived();
    expect(await idsIn(VIEW)).toContain('of-a-slow-transaction');
  } finally {
    await slow.end();
  }
});

test('a column that this version has and the table lacks is added, and the view shows it', async () => {
  const tables = await service.sandbox.warehouse();
  await service.stopHeadgate();
  const raw = RAW.slice(1, -1);
  const found = tables.table(raw)!;
  // As a version before the last column made it.
  const older = found.resource.schema!.fields.filter(({ name }) => name !== 'link_url');
  tables.dropTable(VIEW.slice(1, -1));
  tables.dropTable(raw);
  tables.makeTable(raw, { ...found.resource, schema: { fields: [...older, { name: 'of_their_own', type: 'STRING' }] } }, 0);
  service.sandbox.store.setLimits('warehouse', { lagMs: 1_500 });
  await service.startHeadgate();
  await handle().executeUpdate('restart');
  await allArrived();
  const names = tables.table(raw)?.resource.schema?.fields.map(({ name }) => name);
  expect(names?.slice(-2)).toEqual(['of_their_own', 'link_url']);
  expect(await ask(`SELECT COUNT(link_url), COUNT(of_their_own) FROM ${VIEW}`)).toEqual([['0', '0']]);
});

test('a process that is stopped and started again goes on where it was', async () => {
  await allArrived();
  const rowsBefore = Number((await ask(`SELECT COUNT(*) FROM ${RAW}`))[0]?.[0]);
  await service.stopHeadgate();
  await service.startHeadgate();
  await happen(25);
  await allArrived();
  expect(Number((await ask(`SELECT COUNT(*) FROM ${RAW}`))[0]?.[0])).toBe(rowsBefore + 25);
});

test('a ledger that was restored into another Postgres cluster starts over, and rows from its future are sent too', async () => {
  await allArrived();
  await service.stopHeadgate();
  await service.database.query("update exporters set cluster = '1', written_by = 900000000000, event_id = 'z'");
  await service.database.query("insert into exposures (event_id, name, occurred_at, received_at, status, written_by) values ('of-another-cluster', 'cio.exposure', now(), now(), 'applied', 800000000000)");
  await service.startHeadgate();
  await happen(2);
  await allArrived();
  expect(await idsIn(VIEW)).toContain('of-another-cluster');
  expect(await service.database.query("select written_by from exposures where event_id = 'of-another-cluster'")).toEqual([{ written_by: '0' }]);
});

test('a table that was taken away is not made anew in silence; when an operator starts over, everything is sent again', async () => {
  await happen(1);
  await allArrived();
  const tables = await service.sandbox.warehouse();
  tables.dropTable(RAW.slice(1, -1));
  await happen(1);
  await until(state, (now) => now === 'stuck', 60_000);
  expect(await details()).toMatch(/table headgate\.exposures_rows of project acme-analytics is gone[\s\S]*headgate export restart warehouse/);
  await handle().executeUpdate('restart');
  await allArrived();
});

test('a paused export sends nothing, also after a restart, and goes on when it is resumed', async () => {
  await handle().executeUpdate('pause');
  await happen(2);
  await service.stopHeadgate();
  await service.startHeadgate();
  await until(state, (now) => now === 'paused');
  expect((await written()).length - (await idsIn(VIEW)).length).toBe(2);
  await handle().executeUpdate('resume');
  await allArrived();
});

test('one row for which BigQuery refuses the whole call, and does not say so, is found and parked', async () => {
  await handle().executeUpdate('pause');
  const ids = await happen(16);
  const wrong = ids[5] ?? '';
  fault('unnamed_invalid', { values: [wrong] });
  await handle().executeUpdate('resume');
  await until(() => idsIn(VIEW), (seen) => ids.every((id) => id === wrong || seen.includes(id)), 60_000);
  await until(() => service.database.query('select event_id from parked_exposures'), (rows) => JSON.stringify(rows) === JSON.stringify([{ event_id: wrong }]));
  service.sandbox.faults.set(undefined, null);
  await handle().executeUpdate('retry');
  await allArrived();
});

test('an export ends when headgate.yaml has its exporter no more, and goes on where it was when it is back', async () => {
  await allArrived();
  await service.stopHeadgate();
  await service.startHeadgate(registry().replace(/exporters:\n.*\n/, ''));
  await until(async () => (await handle().describe()).status.name, (status) => status === 'COMPLETED', 30_000);
  await happen(2);
  await service.stopHeadgate();
  const rowsBefore = Number((await ask(`SELECT COUNT(*) FROM ${RAW}`))[0]?.[0]);
  await service.startHeadgate(registry());
  await allArrived();
  expect(Number((await ask(`SELECT COUNT(*) FROM ${RAW}`))[0]?.[0])).toBe(rowsBefore + 2);
});

test('rows of an erased person are nobody\'s in the warehouse too, as soon as BigQuery lets them be changed', async () => {
  service.sandbox.store.setLimits('warehouse', { bufferMs: 600_000 });
  const [id = ''] = await happen(1, { customer_id: 'to-be-erased', context: { note: 'about them' } });
  const [other = ''] = await happen(1);
  await allArrived();
  const response = await fetch(`${service.url}/v1/erasures`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ customer_id: 'to-be-erased', by: 'tests' }) });
  const { erasure_id: erasureId } = (await response.json()) as { erasure_id: string };
  await until(() => service.parts.gateway.readErasureProgress(erasureId), (progress) => progress.includes('warehouse: waits because BigQuery changes rows only some time after'), 30_000);
  expect(await ask(`SELECT customer_id FROM ${VIEW} WHERE event_id = '${id}'`)).toEqual([['to-be-erased']]);
  service.sandbox.store.setLimits('warehouse', { bufferMs: 0 });
  const erasure = await until(async () => (await service.read(`/v1/erasures/${erasureId}`)).body, ({ finished_at: finished }) => finished !== null, 30_000);
  expect(erasure['receipt']).toMatchObject({ warehouses: { warehouse: 1 } });
  expect(await ask(`SELECT person_id, customer_id, context, name FROM ${VIEW} WHERE event_id = '${id}'`)).toEqual([[null, null, null, 'cio.exposure']]);
  expect((await ask(`SELECT customer_id FROM ${VIEW} WHERE event_id = '${other}'`))[0]?.[0]).toMatch(/^exported-/);
});
