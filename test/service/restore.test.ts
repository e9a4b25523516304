/**
 * What docs/backup.md says: the ledger, Temporal or both are put back to an earlier time under platforms that are ahead of them, and `headgate reconcile` brings all
 * together. Postgres itself makes the copies here, as a dump of that moment would be; Temporal's are copies of its database.
 */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../support/command.ts';
import { CART_AT_META, REGISTRY, startService, type TestService } from '../support/service.ts';
import { DAY_S, seconds, somebody, type Somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
const CROSS_SELL = 'post_purchase_cross_sell_14d_v1';
const WITH_ACTION = `${REGISTRY}
actions:
  mail: { kind: http, sandbox: true, url: "https://mail.example/letters", timeout: 2s, calls_per_minute: 100000, body: { who: "{{ customer_id }}" } }
`;
let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: WITH_ACTION });
});
afterAll(() => service.stop());

const isIn = ({ hash }: Somebody, expected: boolean) => until(() => service.members(CART_AT_META).includes(hash), (found) => found === expected, 60_000);
const query = <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) => service.database.query<Row>(text, values);
async function stateInLedger({ person }: Somebody): Promise<string | undefined> {
  const [row] = await query<{ state: string }>('select m.state from memberships m join persons p using (person_id) where p.customer_id = $1 and m.audience_key = $2', [person.customer_id, CART]);
  return row?.state;
}
const personIdOf = async ({ person }: Somebody) => (await query<{ person_id: string }>('select person_id from persons where customer_id = $1', [person.customer_id]))[0]?.person_id;
async function post(body: Record<string, unknown>): Promise<string> {
  const answer = await service.post(body);
  expect(answer.body['status']).toBe('applied');
  return String(answer.body['event_id']);
}
const buys = ({ person }: Somebody) => post({ ...person, event: 'cio.audience_remove' });
const letter = ({ person }: Somebody) => post({ ...person, event: 'cio.forward', audience_key: undefined, action: 'mail' });
const sent = (id: string): number => service.sandbox.forwards.of('mail').find((one) => one.id === id)?.times ?? 0;
const statusOf = (id: string): Promise<string> => service.client.workflow.getHandle(id).describe().then(({ status }) => status.name, () => 'none');
const restores = () => query<{ what: string; open: boolean }>('select what, ended_at is null as open from restores order by restore_id');
/** The monitor looks, and Temporal can be asked for the beat that it was told. */
async function look(): Promise<void> {
  const { beat } = (await service.client.workflow.execute('monitor', { workflowId: `headgate/monitor/${crypto.randomUUID()}`, taskQueue: 'headgate-sync' })) as { beat: { beat: number } };
  await until(() => service.parts.gateway.newestBeat(), (heard) => (heard?.beat ?? 0) >= beat.beat);
}
interface Reconciled extends Record<'found' | 'recovered' | 'quarantined' | 'lost' | 'settled' | 'started' | 'erasures' | 'resynced', number> {
  done: boolean;
  said: string;
}
async function reconcile(...options: string[]): Promise<Reconciled> {
  const { status, output, errors } = await runCommand(service, WITH_ACTION, 'reconcile', '--json', ...options);
  expect([status, errors]).toEqual([0, '']);
  return JSON.parse(output) as Reconciled;
}
/** What a run that finds nothing must leave as it is. */
const changes = () => query('select (select count(*) from events) as events, (select sum(revision) from deliveries) as revisions, (select count(*) from exposures) as exposures, (select count(*) from restores) as restores, (select count(*) from quarantine) as quarantined');
const untilPushed = () => until(() => query("select 1 from deliveries where status <> 'accepted'"), (rows) => rows.length === 0, 60_000);

/** Makes one database a copy of another, which nobody uses meanwhile. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const admin = new pg.Client({ connectionString: Object.assign(new URL(service.database.url), { pathname: '/postgres' }).href });
  await admin.connect();
  await admin.query(`drop database if exists ${to} with (force)`);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [from]);
  await admin.query(`create database ${to} template ${from}`);
  await admin.end();
}
const ledgerName = (): string => new URL(service.database.url).pathname.slice(1);
async function backUpLedger(): Promise<void> {
  await look();
  await service.stopHeadgate();
  await copyDatabase(ledgerName(), `${ledgerName()}_backup`);
  await service.startHeadgate();
}
const restoreLedger = () => copyDatabase(`${ledgerName()}_backup`, ledgerName());

test('a ledger that is older than Temporal is noticed: nobody enters and no tool is told until what is missing is read back, once', async () => {
  const [early, leaving, forgotten, late, comeAndGone, shopper, over, meanwhile] = Array.from({ length: 8 }, () => somebody()) as [Somebody, Somebody, Somebody, Somebody, Somebody, Somebody, Somebody, Somebody];
  for (const one of [early, leaving, forgotten]) await post(one.person);
  for (const one of [early, leaving, forgotten]) await isIn(one, true);
  // Waits in the backup, and is sent after it.
  service.sandbox.faults.set('mail', { fault: 'http_500', ms: 0 });
  const waited = await letter(early);
  await until(() => query<{ attempts: number }>('select attempts from forwards where event_id = $1', [waited]), ([row]) => (row?.attempts ?? 0) > 0);
  await backUpLedger();
  service.sandbox.faults.set(undefined, null);
  await service.parts.gateway.wakeAction('mail', 'pushNow');

  const ids = [await post(late.person), await buys(leaving), await post(comeAndGone.person), await post(shopper.person), await post({ ...over.person, timestamp: seconds() - 7 * DAY_S + 10 })];
  for (const one of [late, comeAndGone, shopper]) await isIn(one, true);
  ids.push(await buys(comeAndGone), await post({ ...shopper.person, audience_key: CROSS_SELL }));
  const letterSince = await letter(late);
  ids.push(letterSince);
  for (const one of [leaving, comeAndGone, shopper, over]) await isIn(one, false);
  for (const id of [waited, letterSince]) await until(() => statusOf(id), (status) => status === 'COMPLETED');
  await until(() => runCommand(service, WITH_ACTION, 'person', 'erase', '--customer-id', forgotten.person.customer_id, '--json'), ({ status }) => status === 0);
  await isIn(forgotten, false);
  const runs = new Map<string, string>();
  for (const id of ids) runs.set(id, (await until(() => service.client.workflow.getHandle(id).describe(), () => true)).runId);
  const lateId = await personIdOf(late);
  await look();

  await service.stopHeadgate();
  await restoreLedger();
  await service.startHeadgate();
  expect((await restores()).at(-1)).toEqual({ what: 'ledger', open: true });
  expect([await stateInLedger(leaving), await stateInLedger(late), await stateInLedger(forgotten)]).toEqual(['in', undefined, 'in']);
  // Meanwhile events are decided, and only who leaves is pushed.
  await post(meanwhile.person);
  await buys(early);
  await isIn(early, false);
  expect([leaving, meanwhile].map(({ hash }) => service.members(CART_AT_META).includes(hash))).toEqual([false, false]);
  expect([sent(waited), sent(letterSince)]).toEqual([1, 1]);

  expect(await reconcile('--dry-run')).toMatchObject({ recovered: ids.length, settled: 1, erasures: 1, resynced: 0 });
  expect(await stateInLedger(late)).toBeUndefined();
  // Killed in the middle: nothing that was held goes, and the command is given again.
  const { workflowId } = await service.parts.gateway.startReconcile({ since: null, dryRun: false, resync: false, acceptLoss: false });
  await service.client.workflow.getHandle(workflowId).terminate('killed by a test');
  expect((await restores()).at(-1)).toEqual({ what: 'ledger', open: true });
  const done = await reconcile();
  expect(done).toMatchObject({ done: true, quarantined: 0, lost: 0, resynced: 2 });
  expect((await restores()).at(-1)).toEqual({ what: 'ledger', open: false });

  await isIn(late, true);
  await isIn(meanwhile, true);
  await untilPushed();
  for (const one of [early, leaving, comeAndGone, shopper, over, forgotten]) expect(service.members(CART_AT_META)).not.toContain(one.hash);
  expect(await personIdOf(late)).toBe(lateId);
  await until(() => personIdOf(forgotten), (id) => id === undefined, 60_000);
  expect(await query('select event_id from events where event_id = any($1)', [ids])).toHaveLength(ids.length);
  expect(await query('select event_id from exposures where event_id = any($1)', [ids])).toHaveLength(ids.length);
  expect([sent(waited), sent(letterSince)]).toEqual([1, 1]);
  await until(() => query('select 1 from outbox'), (rows) => rows.length === 0);
  for (const [id, runId] of runs) expect((await service.client.workflow.getHandle(id).describe()).runId).toBe(runId);

  const before = await changes();
  expect(await reconcile('--since', '-1h')).toMatchObject({ recovered: 0, settled: 0, started: 0, erasures: 0, resynced: 0, done: true });
  expect(await changes()).toEqual(before);
}, 300_000);

test('a Temporal that was lost is noticed, and gets back the workflows that have something to do', async () => {
  const [staying, going, waiting, forgotten] = [somebody(), somebody(), somebody(), somebody()];
  for (const one of [staying, going, forgotten]) await isIn(one, (await post(one.person)) !== '');
  service.sandbox.faults.set('mail', { fault: 'http_500', ms: 0 });
  service.sandbox.faults.set('meta_main', { fault: 'http_500', ms: 0 });
  const unsent = await letter(waiting);
  const window = await post({ ...waiting.person });
  const asked = await fetch(`${service.url}/v1/erasures`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ customer_id: forgotten.person.customer_id, by: 'a test' }) });
  expect(asked.status).toBe(202);
  await until(() => query('select 1 from erasures where finished_at is null'), (rows) => rows.length === 1);
  await buys(going);
  await look();
  const noticedBefore = (await restores()).length;
  // As old as a ledger that has been watched for an hour.
  await query('update lineage set beats = beats + 60');

  service.temporal.kill();
  await service.temporal.restartEmpty();
  service.sandbox.faults.set(undefined, null);
  await until(look, () => true, 60_000);
  expect((await restores()).at(-1)).toEqual({ what: 'temporal', open: true });
  expect(await statusOf(window)).toBe('none');
  const done = await reconcile();
  expect(done).toMatchObject({ done: true, recovered: 0, resynced: 0 });
  expect((await restores()).at(-1)).toEqual({ what: 'temporal', open: false });

  await until(() => statusOf(window), (status) => status === 'RUNNING');
  await until(() => statusOf(unsent), (status) => status !== 'none');
  await until(() => sent(unsent), (times) => times > 0, 60_000);
  await isIn(waiting, true);
  await isIn(going, false);
  await isIn(forgotten, false);
  await until(() => personIdOf(forgotten), (id) => id === undefined, 60_000);
  await until(() => query('select 1 from erasures where finished_at is null'), (rows) => rows.length === 0);
  await until(() => query('select 1 from outbox'), (rows) => rows.length === 0);
  await until(() => reconcile(), ({ started }) => started === 0);
  expect(await restores()).toHaveLength(noticedBefore + 1);
}, 240_000);

test('with both put back to different times, what either of them knows counts', async () => {
  const [kept, leaving, late, gone] = [somebody(), somebody(), somebody(), somebody()];
  for (const one of [kept, leaving]) await post(one.person);
  for (const one of [kept, leaving]) await isIn(one, true);
  await backUpLedger();
  const lateEvent = await post(late.person);
  await buys(leaving);
  await isIn(late, true);
  await isIn(leaving, false);
  await until(() => statusOf(lateEvent), (status) => status === 'RUNNING');
  await look();
  await service.temporal.backUp();
  await until(look, () => true, 60_000);
  // Neither of the backups has this one.
  await post(gone.person);
  await isIn(gone, true);

  await service.stopHeadgate();
  service.temporal.kill();
  await service.temporal.restartFromBackup();
  await restoreLedger();
  await service.startHeadgate();
  expect((await restores()).at(-1)).toEqual({ what: 'ledger', open: true });
  expect(await reconcile()).toMatchObject({ recovered: 2, done: true, resynced: 2 });
  await untilPushed();
  await isIn(kept, true);
  await isIn(late, true);
  await isIn(leaving, false);
  expect([await stateInLedger(kept), await stateInLedger(late), await stateInLedger(leaving), await stateInLedger(gone)]).toEqual(['in', 'in', 'out', undefined]);
  const before = await changes();
  expect(await reconcile('--since', '-1h')).toMatchObject({ recovered: 0, resynced: 0 });
  expect(await changes()).toEqual(before);
}, 240_000);
