/** Production's two entry points as processes of their own, on an external Postgres and Temporal: what docker-compose.yml runs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRegistry } from '../../src/config/registry.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { collect, ROOT } from '../support/headgate-process.ts';
import { sandboxDestinations } from '../../src/config/sandbox-destinations.ts';
import { CART_AT_META, postWebhook, REGISTRY } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const READ_TOKEN = 'a-read-token-for-tests';
let folder: string;
let database: TestDatabase;
let temporal: TestTemporal;
let sandbox: Sandbox;
const running: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-split-'));
  await writeFile(join(folder, 'headgate.yaml'), REGISTRY);
  database = await createDatabase();
  temporal = await startTestTemporal();
  sandbox = await startSandbox({ port: 0, destinations: sandboxDestinations(parseRegistry(REGISTRY, 'x', { variables: {}, sandboxAllowed: true })) });
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await sandbox.close();
  await temporal.stop();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

interface Entry {
  child: ChildProcess;
  output: () => string;
  exited: Promise<number | null>;
}

function run(file: string, environment: Record<string, string>): Entry {
  const child = spawn(process.execPath, [file], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE_URL: database.url, TEMPORAL_ADDRESS: temporal.address, HEADGATE_CONFIG: join(folder, 'headgate.yaml'), HEADGATE_SANDBOX_URL: sandbox.url, ...environment },
  });
  running.push(child);
  return { child, output: collect(child), exited: new Promise((resolve) => child.once('close', resolve)) };
}

test('two apis and two workers carry a person from a webhook to the platform, and stop in order', async () => {
  const ports = [await findFreePort(), await findFreePort()];
  const apis = ports.map((port) => run('src/server.ts', { HEADGATE_PORT: String(port), HEADGATE_HOST: '0.0.0.0', HEADGATE_READ_TOKEN: READ_TOKEN }));
  const workers = [1, 2].map(() => run('src/worker.ts', { HEADGATE_METRICS_PORT: '0' }));
  for (const api of apis) await until(api.output, (text) => text.includes('Headgate is ready'));
  for (const worker of workers) await until(worker.output, (text) => text.includes('Headgate worker is ready'));

  const people = Array.from({ length: 20 }, somebody);
  const answers = await Promise.all(people.map(({ person }, index) => postWebhook(`http://127.0.0.1:${String(ports[index % 2])}`, person)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  const members = (): string[] => sandbox.store.state.destinations['meta_main']?.audiences[CART_AT_META]?.hashes ?? [];
  for (const { hash } of people) await until(members, (hashes) => hashes.includes(hash));

  const url = `http://127.0.0.1:${String(ports[0])}`;
  expect((await fetch(`${url}/v1/audiences`)).status).toBe(401);
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/v1/audiences`, { headers: { authorization: `Bearer ${READ_TOKEN}` } })).status).toBe(200);

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

test('the demo registry cannot be reached from a production entry point', async () => {
  const entry = run('src/server.ts', { HEADGATE_CONFIG: '' });
  expect(await entry.exited).toBe(1);
  expect(entry.output()).toContain('headgate.yaml: ENOENT');
});
