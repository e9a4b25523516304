/** Promise 9: raw e-mail and phone stop at the door. Looks for them in Temporal, the ledger, the logs, the metrics, and in the files. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { Client } from '@temporalio/client';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sign } from '../../src/api/index.ts';
import { createInstance, type HeadgateProcess, type Instance } from '../support/headgate-process.ts';
import { until } from '../support/until.ts';

const EMAIL = 'grace.hopper.private@example.com';
const PHONE = '+15559876543';
const NAME = 'Gracewilhelmina';
/** In any form that a careless line would write. */
const RAW = [EMAIL, EMAIL.toUpperCase(), 'grace.hopper.private', PHONE, PHONE.slice(1), '5559876543', '(555) 987-6543', NAME, NAME.toLowerCase()];
const raw = (text: string): string[] => RAW.filter((secret) => text.includes(secret));

let instance: Instance;
let headgate: HeadgateProcess;
beforeAll(async () => {
  instance = await createInstance();
  headgate = await instance.start();
});
afterAll(() => instance.remove());

async function postRaw(body: string): Promise<number> {
  const secret = (await readFile(join(instance.data, 'cio-signing-secret'), 'utf8')).trim();
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const headers = { 'content-type': 'application/json', 'x-cio-timestamp': timestamp, 'x-cio-signature': sign(secret, timestamp, body) };
  return (await fetch(`${headgate.url}/v1/webhooks/demo`, { method: 'POST', headers, body })).status;
}

test('no raw e-mail, phone or name in Temporal histories, ledger, logs, metrics or data files', async () => {
  const person = { email: ` ${EMAIL.toUpperCase()} `, phone: '+1 (555) 987-6543', profile: { first_name: NAME, country: 'US' } };
  const id = crypto.randomUUID();
  const context = { recipient: EMAIL, note: `call ${PHONE}`, campaign_name: `Hi ${EMAIL}` };
  expect((await headgate.post({ ...person, event_id: id, context, attributes: { [EMAIL]: [{ deep: EMAIL }] } })).status).toBe(200);
  expect((await headgate.post({ ...person, customer_id: EMAIL, event: 'cio.exposure', audience_key: undefined, context })).status).toBe(200);
  expect((await headgate.post({ ...person, event_id: 'unsent', context })).status).toBe(200);
  expect((await headgate.post({ ...person, audience_key: 'nope_v1' })).status).toBe(422);
  expect((await headgate.post({ ...person, event_id: `${EMAIL}-1` })).status).toBe(422);
  expect((await headgate.post({ ...person, event_id: id, event: 'cio.audience_remove', context })).status).toBe(409);
  expect(await postRaw(`{"email": "${EMAIL}", "phone": "${PHONE}", "profile": {"first_name": "${NAME}"}, "broken": "by "quotes""}`)).toBe(422);
  await fetch(`${headgate.url}/v1/people?email=${encodeURIComponent(EMAIL)}`);
  await fetch(`${headgate.url}/v1/people?email=${encodeURIComponent(`${EMAIL}x`)}`);
  const forwarded = crypto.randomUUID();
  expect((await headgate.post({ ...person, customer_id: EMAIL, event: 'cio.forward', audience_key: undefined, action: 'ops_slack', event_id: forwarded, context, attributes: { cart_value: `of ${EMAIL}` } })).status).toBe(200);
  await until(async () => ((await (await fetch(`${headgate.url}/v1/events/${forwarded}`)).json()) as { forward: { state: string } | null }).forward?.state, (state) => state === 'sent');
  expect(raw(await (await fetch(`${headgate.sandboxUrl}/_sandbox/forwards/ops_slack`)).text())).toEqual([]);
  await until(() => headgate.members('6000000000001'), (members) => members.length === 1);

  const [inTemporal, inLedger] = [await histories(), await ledger()];
  // The same places do hold what may be kept, so the search looks where it should.
  expect([inTemporal, inLedger].map((text) => text.includes('Hi sha256:'))).toEqual([true, true]);
  expect(raw(inTemporal)).toEqual([]);
  expect(raw(inLedger)).toEqual([]);
  expect(raw(await (await fetch(`${headgate.url}/metrics`)).text())).toEqual([]);
  headgate.child.kill('SIGINT');
  await headgate.exited;
  expect(headgate.output().length).toBeGreaterThan(1_000);
  expect(raw(headgate.output())).toEqual([]);
  for (const file of await readdir(instance.data, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    expect({ path, found: raw((await readFile(path)).toString('latin1')) }).toEqual({ path, found: [] });
  }
});

async function histories(): Promise<string> {
  const connection = await NativeConnection.connect({ address: `127.0.0.1:${String(instance.ports.temporal)}` });
  const client = new Client({ connection });
  const texts: string[] = [];
  for await (const { workflowId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    // JSON shows the bytes of a payload as base64: read them as text.
    const readable = (key: string, value: unknown): unknown => (key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value);
    texts.push(workflowId, JSON.stringify(history, readable));
  }
  await connection.close();
  expect(texts.length).toBeGreaterThan(4);
  return texts.join('\n');
}

async function ledger(): Promise<string> {
  const [, , , port] = (await readFile(join(instance.data, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
  const password = await readFile(join(instance.data, 'postgres-password'), 'utf8');
  const client = new pg.Client({ connectionString: `postgres://headgate:${password}@127.0.0.1:${port ?? ''}/headgate` });
  await client.connect();
  const tables = await client.query<{ tablename: string }>("select tablename from pg_tables where schemaname = 'public'");
  const texts: string[] = [];
  for (const { tablename } of tables.rows) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${tablename} t`);
    texts.push(...rows.map(({ row }) => row));
  }
  await client.end();
  expect(texts.length).toBeGreaterThan(10);
  return texts.join('\n');
}
