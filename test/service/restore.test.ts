/**
 * A ledger that was restored from a backup is older than Temporal and the platforms. Postgres itself makes the copy here, as a dump would be of that moment;
 * what is tested is what Headgate does with it, and that docs/deploy.md says how to bring everything together again.
 */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CART_AT_META, startService, type TestService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const isIn = (hash: string, expected: boolean) => until(() => service.members(CART_AT_META).includes(hash), (found) => found === expected, 60_000);
const stateInLedger = async (customerId: string): Promise<unknown> => {
  const [row] = await service.database.query<{ state: string }>("select m.state from memberships m join persons p on p.person_id = m.person_id where p.customer_id = $1 and m.audience_key = $2", [customerId, CART]);
  return row?.state;
};

/** Makes one database a copy of another, which nobody uses meanwhile. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const admin = new pg.Client({ connectionString: Object.assign(new URL(service.database.url), { pathname: '/postgres' }).href });
  await admin.connect();
  await admin.query(`drop database if exists ${to} with (force)`);
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [from]);
  await admin.query(`create database ${to} template ${from}`);
  await admin.end();
}

test('restored from a backup, the ledger takes the events since then again, and a resync makes the platform equal to it', async () => {
  const ledger = new URL(service.database.url).pathname.slice(1);
  const backup = `${ledger}_backup`;
  const [early, late, leaving] = [somebody(), somebody(), somebody()];
  for (const { person, hash } of [early, leaving]) {
    expect((await service.post(person)).body['status']).toBe('applied');
    await isIn(hash, true);
  }
  await service.stopHeadgate();
  await copyDatabase(ledger, backup);
  await service.startHeadgate();

  const since = [{ ...late.person, event_id: crypto.randomUUID() }, { ...leaving.person, event: 'cio.audience_remove', event_id: crypto.randomUUID() }].map((body) => ({ ...body, timestamp: Date.now() / 1_000 }));
  for (const body of since) expect((await service.post(body)).body['status']).toBe('applied');
  await isIn(late.hash, true);
  await isIn(leaving.hash, false);
  const runs = await Promise.all(since.map(({ event_id: id }) => until(() => service.client.workflow.getHandle(id).describe().catch(() => undefined), (found) => found !== undefined)));

  await service.stopHeadgate();
  await copyDatabase(backup, ledger);
  await service.startHeadgate();
  // By itself it believes its backup, and does to the platform only what that says is missing.
  expect(await stateInLedger(leaving.person.customer_id)).toBe('in');
  expect(await stateInLedger(late.person.customer_id)).toBeUndefined();
  expect([late, leaving].map(({ hash }) => service.members(CART_AT_META).includes(hash))).toEqual([true, false]);

  // Sent again, the events since the backup are new to the ledger. Their workflows are known to Temporal and are not started twice.
  for (const body of since) expect((await service.post(body)).body['status']).toBe('applied');
  expect(await stateInLedger(leaving.person.customer_id)).toBe('out');
  expect(await stateInLedger(late.person.customer_id)).toBe('in');
  await service.parts.gateway.startResync(CART, ['meta_main'], { withFormer: true });
  await until(() => service.database.query("select 1 from deliveries where status <> 'accepted'"), (rows) => rows.length === 0, 60_000);
  await isIn(early.hash, true);
  await isIn(late.hash, true);
  await isIn(leaving.hash, false);
  await until(() => service.database.query('select 1 from outbox'), (rows) => rows.length === 0, 30_000);
  for (const [index, { event_id: id }] of since.entries()) expect((await service.client.workflow.getHandle(id).describe()).runId).toBe(runs[index]?.runId);
}, 240_000);
