/** Production's two entry points as processes of their own, on an external Postgres and Temporal: what docker-compose.yml runs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../../src/embedded/ports.ts';
import { TEMPORAL_METRICS } from '../support/metric-names.ts';
import { prepareEntryPoints, type EntryPoint, type EntryPoints } from '../support/entry-points.ts';
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
  const health = await findFreePort();
  const workers = [health, 0].map((port) => run('src/worker.ts', { HEADGATE_METRICS_PORT: String(port), HEADGATE_HOST: '0.0.0.0', HEADGATE_READ_TOKEN: READ_TOKEN }));
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

  const worker = `http://127.0.0.1:${String(health)}`;
  expect((await fetch(`${worker}/healthz`)).status).toBe(200);
  expect(await (await fetch(`${worker}/readyz`)).json()).toEqual({ status: 'ok', ledger: true });
  expect((await fetch(`${worker}/metrics`)).status).toBe(401);
  const told = await Promise.all([url, worker].map(async (from) => (await fetch(`${from}/metrics`, { headers: { authorization: `Bearer ${READ_TOKEN}` } })).text()));
  expect(told[0]).toContain('headgate_webhook_answers_total{source="demo",status="applied"} 10');
  expect(told[0]).toContain('headgate_overdue_windows 0');
  expect(told[1]).toMatch(/^headgate_process_info\{role="worker",registry="[0-9a-f]{16}"\} 1$/m);
  for (const [name, { atOnce }] of Object.entries(TEMPORAL_METRICS)) if (atOnce) expect(told[1]).toContain(`\n${name}`);

  for (const { child } of [...apis, ...workers]) child.kill('SIGTERM');
  expect(await Promise.all([...apis, ...workers].map(({ exited }) => exited))).toEqual([0, 0, 0, 0]);
  expect(apis[0]?.output()).toMatch(/^\{"level":30,"time":\d+/m);
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
    expect(entry.output()).toMatch(/^headgate\.yaml takes away what people are still in, so this process does not start:\n {2}- target meta_main of high_intent_cart_7d_v1 is gone, and 20 people/m);
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
