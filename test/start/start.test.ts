/** `npm start`, from the outside: ready, crashed, restarted, stopped. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAlive, stopProcess } from '../../src/embedded/processes.ts';
import { createInstance, ROOT, runHeadgate, type HeadgateProcess, type Instance } from '../support/headgate-process.ts';
import { seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART_AT_META = '6000000000001';
let instance: Instance;
beforeAll(async () => {
  instance = await createInstance();
});
afterAll(() => instance.remove());

const pidIn = async (file: string): Promise<number> => Number((await readFile(join(instance.data, file), 'utf8')).split('\n')[0]);
const stop = async (headgate: HeadgateProcess): Promise<number | null> => {
  headgate.child.kill('SIGINT');
  return headgate.exited;
};

test('a newcomer starts it, sends an add by the command line, sees it, and Ctrl-C leaves nothing running', async () => {
  const headgate = await instance.start();
  const output = headgate.output();
  expect(output).toContain(`POST http://127.0.0.1:${String(instance.ports.api)}/v1/webhooks/demo`);
  expect(output).toContain(`http://127.0.0.1:${String(instance.ports.ui)}`);
  expect(output).toContain(`Console       http://127.0.0.1:${String(instance.ports.api)}/console`);
  expect(output).toMatch(/npx headgate send add/);
  expect(output).toMatch(new RegExp(`^Headgate is ready: http://127\\.0\\.0\\.1:${String(instance.ports.api)}$`, 'm'));
  expect((await fetch(`http://127.0.0.1:${String(instance.ports.ui)}`)).status).toBe(200);

  const { person, hash } = somebody();
  const sent = await runHeadgate(instance, 'send', 'add', '--audience', 'high_intent_cart_7d_v1', '--email', person.email, '--customer-id', person.customer_id, '--json');
  expect(sent.status).toBe(0);
  const answer = JSON.parse(sent.output) as { status: string; event_id: string };
  expect(answer.status).toBe('applied');
  await until(() => headgate.members(CART_AT_META), (members) => members.includes(hash));
  await until(() => runHeadgate(instance, 'event', answer.event_id), ({ output: text }) => text.includes('accepted'));
  expect((await runHeadgate(instance, 'person', '--email', person.email)).output).toContain(person.customer_id);
  expect((await runHeadgate(instance, 'audience', 'high_intent_cart_7d_v1')).output).toContain('1 in, 0 out');
  const asJson = await runHeadgate(instance, 'audience', 'high_intent_cart_7d_v1', '--json');
  expect(JSON.parse(asJson.output)).toMatchObject({ members: { in: 1 } });

  for (const platform of ['meta_main', 'google_main', 'tiktok_main']) {
    await until(() => runHeadgate(instance, 'person', '--email', person.email), ({ output: text }) => new RegExp(`${platform}.*accepted`).test(text), 30_000);
  }
  const checked = await runHeadgate(instance, 'check');
  expect(checked.output).toContain('Pushes can work.');
  // The warehouse has the row too, and analysts see it once.
  await until(() => runHeadgate(instance, 'export', 'status', 'warehouse', '--json'), ({ output: text }) => text.includes('"exported_rows":1,"unsent_rows":0'), 30_000);
  expect((await runHeadgate(instance, 'export', 'status')).output).toMatch(/warehouse.*ok.*1/);
  expect(await (await fetch(`http://127.0.0.1:${String(instance.ports.sandbox)}/_sandbox/warehouse`)).json()).toMatchObject({ tables: { 'acme-analytics.headgate.exposures': { kind: 'view', rows: 1, events: 1 } } });
  const retried = await runHeadgate(instance, 'retry', '--destination', 'google_main', '--audience', 'high_intent_cart_7d_v1');
  expect(retried).toEqual({ status: 0, output: '0 rejected or blocked members of google_main/high_intent_cart_7d_v1 are tried again.\n' });

  const pids = [await pidIn('postgres/postmaster.pid'), await pidIn('temporal.pid')];
  expect(pids.every(isAlive)).toBe(true);
  expect(await stop(headgate)).toBe(0);
  expect(pids.map(isAlive)).toEqual([false, false]);
});

test('kill -9 right after a 2xx: after a new start the event takes effect', async () => {
  const first = await instance.start();
  const people = Array.from({ length: 20 }, somebody);
  const answers = await Promise.all(people.map(({ person }) => first.post(person)));
  first.child.kill('SIGKILL');
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  await first.exited;

  const second = await instance.start();
  expect(second.output()).toContain('attached to the one that was left running');
  for (const { hash } of people) await until(() => second.members(CART_AT_META), (members) => members.includes(hash), 40_000);
  const pids = [await pidIn('postgres/postmaster.pid'), await pidIn('temporal.pid')];
  const ended = await stop(second);
  expect(ended, second.output().slice(-3_000)).toBe(0);
  expect(pids.map(isAlive)).toEqual([false, false]);
});

test('kill -9 of everything, Postgres and Temporal too: nothing acknowledged is lost', async () => {
  const first = await instance.start();
  const windowed = somebody();
  await first.post({ ...windowed.person, timestamp: seconds() - 7 * 86_400 + 8 });
  const { person, hash } = somebody();
  expect((await first.post(person)).body['status']).toBe('applied');
  const [postgres, temporal] = [await pidIn('postgres/postmaster.pid'), await pidIn('temporal.pid')];
  first.child.kill('SIGKILL');
  for (const pid of [temporal, postgres]) await stopProcess(pid, 'SIGKILL', 0);
  await first.exited;

  const second = await instance.start();
  await until(() => second.members(CART_AT_META), (members) => members.includes(hash), 40_000);
  await until(() => second.members(CART_AT_META), (members) => !members.includes(windowed.hash), 40_000);
  await stop(second);
});

describe('what stands in the way is one clear sentence', () => {
  test('a port in use', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(instance.ports.api, '127.0.0.1', resolve));
    const { status, output } = await instance.startAndFail();
    blocker.close();
    expect(status).toBe(1);
    expect(output).toContain(`Port ${String(instance.ports.api)} on 127.0.0.1 is already in use: stop what uses it, or set HEADGATE_PORT to another port.`);
    expect(output).not.toContain('    at ');
  });

  test('a second instance on the same data folder', async () => {
    const running = await instance.start();
    const { status, output } = await instance.startAndFail();
    expect(status).toBe(1);
    expect(output).toMatch(/^A Headgate already runs on .* \(process \d+\)/m);
    await stop(running);
  });

  test('a data folder that cannot be made', async () => {
    const { status, output } = await instance.startAndFail({ HEADGATE_DATA: join(ROOT, 'package.json', 'data') });
    expect(status).toBe(1);
    expect(output).toMatch(/The data folder .*package\.json\/data cannot be written: .*HEADGATE_DATA/);
  });

  test('production', async () => {
    const { status, output } = await instance.startAndFail({ NODE_ENV: 'production' });
    expect(status).toBe(1);
    expect(output).toContain('src/server.ts and src/worker.ts');
  });

  test('a registry with mistakes', async () => {
    const { status, output } = await instance.startAndFail({ HEADGATE_CONFIG: 'test/start/mistaken.headgate.yaml' });
    expect(status).toBe(1);
    expect(output).toMatch(/mistaken\.headgate\.yaml:\d+: /);
  });
});

test('kill -9 of npm alone leaves nothing running, and the event that it acknowledged takes effect after the next npm start', async () => {
  const first = await instance.startByNpm();
  const { person, hash } = somebody();
  expect((await first.post(person)).status).toBe(200);
  first.child.kill('SIGKILL');
  // Closes when the last process that writes to it has ended.
  await first.exited;
  const second = await instance.startByNpm();
  await until(() => second.members(CART_AT_META), (members) => members.includes(hash), 40_000);
  second.child.kill('SIGKILL');
  await second.exited;
});

test('two instances with different ports and folders run side by side', async () => {
  const other = await createInstance();
  const [first, second] = await Promise.all([instance.start(), other.start()]);
  const { person, hash } = somebody();
  await first.post(person);
  await until(() => first.members(CART_AT_META), (members) => members.includes(hash));
  expect(await second.members(CART_AT_META)).not.toContain(hash);
  await Promise.all([stop(first), stop(second)]);
  await other.remove();
});
