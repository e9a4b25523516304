/** Promise 1: a 2xx means durable. Headgate accepts while either the ledger or Temporal is up. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Proxy } from '../support/proxy.ts';
import { CART_AT_META, startWiredService, type TestService, type WiredService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

let wired: WiredService;
let service: TestService;
let wire: Proxy;
beforeAll(async () => {
  wired = await startWiredService();
  ({ service, wire } = wired);
});
afterEach(async () => {
  wire.mend();
  await until(() => service.parts.ledger.connection.isUp, Boolean);
});
afterAll(() => wired.stop());

const statusOf = async (eventId: string): Promise<unknown> => {
  const [row] = await service.database.query<{ status: string }>('select status from events where event_id = $1', [eventId]);
  return row?.status;
};
const isIn = (hash: string): Promise<unknown> => until(() => service.members(CART_AT_META), (members) => members.includes(hash), 40_000);

test('with the ledger gone an event is queued in Temporal, and takes effect when the ledger is back', async () => {
  wire.cut();
  const { person, hash } = somebody();
  const id = crypto.randomUUID();
  const answer = await service.post({ ...person, event_id: id });
  expect(answer).toMatchObject({ status: 202, body: { status: 'queued', event_id: id } });
  wire.mend();
  await until(() => statusOf(id), (status) => status === 'applied', 40_000);
  await isIn(hash);
  await until(() => service.client.workflow.getHandle(id).describe(), ({ status }) => status.name === 'RUNNING');
});

test('with the ledger asleep an event is queued within seconds, not minutes', async () => {
  wire.freeze();
  const id = crypto.randomUUID();
  const answer = await service.post({ ...somebody().person, event_id: id });
  expect(answer).toMatchObject({ status: 202, body: { status: 'queued' } });
  wire.mend();
  await until(() => statusOf(id), (status) => status === 'applied', 40_000);
});

test('an event that was queued and then posted again is one event', async () => {
  wire.cut();
  const body = { ...somebody().person, event_id: crypto.randomUUID() };
  await service.post(body);
  wire.mend();
  await until(() => service.parts.ledger.connection.isUp, Boolean);
  // Queued once more if the pool still holds a broken connection; one event all the same.
  expect((await service.post(body)).status).toBeLessThan(300);
  await until(() => statusOf(body.event_id), (status) => status === 'applied', 40_000);
  await until(() => service.client.workflow.count("WorkflowType = 'lifeboat' and ExecutionStatus = 'Running'"), ({ count }) => count === 0, 40_000);
  expect(await service.database.query('select 1 from exposures where event_id = $1', [body.event_id])).toHaveLength(1);
});

test('an invalid body that comes while the ledger is gone is in quarantine after it is back', async () => {
  wire.cut();
  const answer = await service.post({ ...somebody().person, event_id: 'invalid-while-away', audience_key: 'nope_v1' });
  expect(answer.status).toBe(422);
  wire.mend();
  await until(
    () => service.database.query("select reason from quarantine where event_id = 'invalid-while-away'"),
    (rows) => rows.length === 1,
    40_000,
  );
});

test('a window that ends while the ledger is gone ends when it is back', async () => {
  const { person, hash } = somebody();
  const id = crypto.randomUUID();
  await service.post({ ...person, event_id: id, timestamp: Date.now() / 1_000 - 7 * 86_400 + 3 });
  await isIn(hash);
  await until(() => service.client.workflow.getHandle(id).describe(), ({ status }) => status.name === 'RUNNING');
  wire.cut();
  await until(
    async () => (await service.client.workflow.getHandle(id).describe()).raw.pendingActivities?.length ?? 0,
    (waiting) => waiting === 1,
  );
  wire.mend();
  await until(() => service.members(CART_AT_META), (members) => !members.includes(hash), 40_000);
  expect(await service.client.workflow.getHandle(id).result()).toMatchObject({ audience: 'out', because: 'expired' });
});

test('with Temporal gone events are decided all the same, and their workflows start when it is back', async () => {
  service.temporal.kill();
  const { person, hash } = somebody();
  const id = crypto.randomUUID();
  expect(await service.post({ ...person, event_id: id })).toMatchObject({ status: 200, body: { status: 'applied' } });
  await service.temporal.restart();
  await isIn(hash);
  await until(() => service.client.workflow.getHandle(id).describe(), ({ status }) => status.name === 'RUNNING', 40_000);
});

test('with both gone nothing is claimed: 503 and Retry-After', async () => {
  service.temporal.kill();
  wire.cut();
  const response = await fetch(`${service.url}/healthz`);
  expect(response.status).toBe(200);
  const began = Date.now();
  const answer = await service.post(somebody().person);
  expect(answer).toMatchObject({ status: 503, body: { status: 'unavailable' } });
  // Customer.io hangs up after 4 s and would learn nothing.
  expect(Date.now() - began).toBeLessThan(4_000);
  wire.mend();
  await service.temporal.restart();
});
