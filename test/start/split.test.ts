/** Production's two entry points as processes of their own, on an external Postgres and Temporal: what docker-compose.yml runs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../../src/embedded/ports.ts';
import { TEMPORAL_METRICS } from '../support/metric-names.ts';
import { prepareEntryPoints, type EntryPoint, type EntryPoints } from '../support/entry-points.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { CART_AT_META, postWebhook, REGISTRY } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const READ_TOKEN = 'a-read-token-for-tests';
let points: EntryPoints;
beforeAll(async () => {
  points = await prepareEntryPoints(REGISTRY);
});
afterAll(() => points.stop());
const run = (file: 'src/server.ts' | 'src/worker.ts', environment: Record<string, string>): EntryPoint => points.run(file, environment);

test('two apis and two workers carry a person from a webhook to the platform, and stop in order', async () => {
  const ports = [await findFreePort(), await findFreePort()];
  const apis = ports.map((port) => run('src/server.ts', { HEADGATE_PORT: String(port), HEADGATE_HOST: '0.0.0.0', HEADGATE_READ_TOKEN: READ_TOKEN }));
  const workers = [1, 2].map(() => run('src/worker.ts', { HEADGATE_METRICS_PORT: '0' }));
  for (const api of apis) await until(api.output, (text) => text.includes('Headgate is ready'));
  for (const worker of workers) await until(worker.output, (text) => text.includes('Headgate worker is ready'));

  const people = Array.from({ length: 20 }, somebody);
  const answers = await Promise.all(people.map(({ person }, index) => postWebhook(`http://127.0.0.1:${String(ports[index % 2])}`, person)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  const members = (): string[] => points.sandbox.store.state.destinations['meta_main']?.audiences[CART_AT_META]?.hashes ?? [];
  for (const { hash } of people) await until(members, (hashes) => hashes.includes(hash));

  const url = `http://127.0.0.1:${String(ports[0])}`;
  expect((await fetch(`${url}/v1/audiences`)).status).toBe(401);
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/v1/audiences`, { headers: { authorization: `Bearer ${READ_TOKEN}` } })).status).toBe(200);

  const told = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${READ_TOKEN}` } })).text();
  expect(told).toContain('headgate_webhook_answers_total{source="demo",status="applied"} 10');
  expect(told).toContain('headgate_overdue_windows 0');

  for (const { child } of [...apis, ...workers]) child.kill('SIGTERM');
  expect(await Promise.all([...apis, ...workers].map(({ exited }) => exited))).toEqual([0, 0, 0, 0]);
  expect(apis[0]?.output()).toMatch(/^\{"level":30,"time":\d+/m);
});

test('a worker tells how it is, and with a receiver for traces one trace holds the webhook, its commit, the workflow and the push, and says nothing of the person', async () => {
  const receiver = await startOtlpReceiver();
  const port = String(await findFreePort());
  const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url };
  const api = run('src/server.ts', { HEADGATE_PORT: port, ...traces });
  const health = await findFreePort();
  const worker = run('src/worker.ts', { HEADGATE_METRICS_PORT: String(health), HEADGATE_HOST: '0.0.0.0', HEADGATE_READ_TOKEN: READ_TOKEN, ...traces });
  await until(api.output, (text) => text.includes('Headgate is ready'));
  await until(worker.output, (text) => text.includes('Headgate worker is ready'));
  const { person } = somebody();
  const id = crypto.randomUUID();
  await postWebhook(`http://127.0.0.1:${port}`, { ...person, event_id: id });
  const ofEvent = () => receiver.spans.filter(({ attributes }) => attributes['event_id'] === id);
  const NAMES = ['commit', 'push to meta_main', 'start workflow', 'step settle', 'webhook'];
  const spans = await until(ofEvent, (found) => NAMES.every((name) => found.some((span) => span.name === name)), 60_000);

  const webhook = spans.find(({ name }) => name === 'webhook')!;
  expect(webhook.parentSpanId).toBeUndefined();
  for (const span of spans) expect(span).toMatchObject({ traceId: webhook.traceId, ...(span === webhook ? {} : { parentSpanId: webhook.spanId }) });
  expect(spans.find(({ name }) => name === 'step settle')?.component).toBe('worker');
  const call = receiver.spans.find(({ name }) => name === 'call meta_main')!;
  expect(spans.find(({ name }) => name === 'push to meta_main')?.links).toEqual([call.spanId]);
  expect(call.attributes).toMatchObject({ destination: 'meta_main', audience: 'high_intent_cart_7d_v1', operation: 'add' });
  await until(() => receiver.spans.find(({ spanId }) => spanId === call.parentSpanId), (turn) => turn?.name === 'step push', 90_000);
  expect(JSON.stringify(receiver.spans)).not.toMatch(new RegExp(`${person.email}|${person.customer_id}`));

  const workerUrl = `http://127.0.0.1:${String(health)}`;
  expect((await fetch(`${workerUrl}/healthz`)).status).toBe(200);
  expect(await (await fetch(`${workerUrl}/readyz`)).json()).toEqual({ status: 'ok', ledger: true });
  expect((await fetch(`${workerUrl}/metrics`)).status).toBe(401);
  const told = await (await fetch(`${workerUrl}/metrics`, { headers: { authorization: `Bearer ${READ_TOKEN}` } })).text();
  expect(told).toMatch(/^headgate_process_info\{role="worker",registry="[0-9a-f]{16}",version="[^"]+"\} 1$/m);
  for (const [name, { atOnce }] of Object.entries(TEMPORAL_METRICS)) if (atOnce) expect(told, `/metrics of a worker lacks ${name}`).toContain(`\n${name}`);

  for (const { child } of [api, worker]) child.kill('SIGTERM');
  expect(await Promise.all([api.exited, worker.exited])).toEqual([0, 0]);
  await receiver.stop();
});

test.each([
  ['the sandbox in production', { NODE_ENV: 'production' }, /HEADGATE_SANDBOX_URL: the sandbox does not exist in production/],
  ['a sandbox on another machine', { HEADGATE_SANDBOX_URL: 'http://sandbox.example.com' }, /HEADGATE_SANDBOX_URL: must be an address on this machine/],
  ['a sandbox destination without a sandbox', { HEADGATE_SANDBOX_URL: '' }, /sandbox: the sandbox does not exist in production/],
  ['no database', { DATABASE_URL: '' }, /DATABASE_URL: is missing/],
  ['no registry', { HEADGATE_CONFIG: '/nowhere/headgate.yaml' }, /The registry cannot be read/],
  ['a port that is none', { HEADGATE_PORT: 'eighty' }, /HEADGATE_PORT: must be a port number/],
])('%s is refused in a sentence, and the process ends', async (_what, environment, sentence) => {
  const entry = run('src/server.ts', environment);
  expect(await entry.exited).toBe(1);
  expect(entry.output()).toMatch(sentence);
  expect(entry.output()).not.toContain('    at ');
});

test('a registry that takes away what people are in is refused in a sentence, and the process of before goes on', async () => {
  const port = String(await findFreePort());
  const before = run('src/server.ts', { HEADGATE_PORT: port });
  await until(before.output, (text) => text.includes('Headgate is ready'));
  const without = await points.writeRegistry(REGISTRY.replace(`targets: { meta_main: "${CART_AT_META}" }`, 'targets: {}'));
  for (const file of ['src/server.ts', 'src/worker.ts'] as const) {
    const entry = run(file, { HEADGATE_CONFIG: without, HEADGATE_PORT: String(await findFreePort()), HEADGATE_METRICS_PORT: '0' });
    expect(await entry.exited).toBe(1);
    expect(entry.output()).toMatch(/^headgate\.yaml takes away what people are still in, so this process does not start:\n {2}- target meta_main of high_intent_cart_7d_v1 is gone, and 21 people/m);
    expect(entry.output()).not.toContain('    at ');
  }
  expect((await postWebhook(`http://127.0.0.1:${port}`, somebody().person)).status).toBe(200);
  before.child.kill('SIGTERM');
  expect(await before.exited).toBe(0);
});

test('the demo registry cannot be reached from a production entry point', async () => {
  const entry = run('src/server.ts', { HEADGATE_CONFIG: '' });
  expect(await entry.exited).toBe(1);
  expect(entry.output()).toContain('headgate.yaml: ENOENT');
});
