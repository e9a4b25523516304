/** The npm package, from `npm pack` to a finished workflow, as somebody has it who never saw this repository. */
import { readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Connection, WorkflowClient } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { stopProcess } from '../../src/embedded/processes.ts';
import { createInstance, type Instance } from '../support/headgate-process.ts';
import { packAndInstall, pathOfUser, type Packed } from '../support/packed.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
let packed: Packed;
let instance: Instance;
beforeAll(async () => {
  [packed, instance] = await Promise.all([packAndInstall(), createInstance()]);
}, 300_000);
afterAll(async () => {
  await instance.remove();
  await packed.remove();
});

const installed = (file: string): Promise<string> => readFile(join(packed.folder, 'node_modules/headgate', file), 'utf8');

test('it holds JavaScript and what that reads, no source and no tests, and making it leaves nothing behind but dist/', async () => {
  expect(packed.leftBehind).toEqual(['dist']);
  const [folders, others] = [packed.files.filter((file) => file.includes('/')), packed.files.filter((file) => !file.includes('/'))];
  expect([...new Set(folders.map((file) => file.split('/')[0]))]).toEqual(['bin', 'dist', 'docs', 'tools']);
  expect(others).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'headgate.example.yaml', 'package.json']);
  expect(packed.files).toEqual(expect.arrayContaining(['bin/headgate.js', 'dist/server.js', 'dist/worker.js', 'dist/workflows/index.js', 'dist/ledger/migrations/0001-ledger.sql', 'dist/config/demo.headgate.yaml', 'dist/console/assets/console.js', 'docs/runbook.md', 'docs/licences.md', 'tools/temporal/go.mod']));
  expect(packed.files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([]);
  // What is in dist/ is called by its name there, in imports and otherwise.
  for (const file of packed.files.filter((name) => name.startsWith('dist/') && name.endsWith('.js'))) {
    const former = [...(await installed(file)).matchAll(/['"`](\.{1,2}\/[^'"`]+)\.ts['"`]/g)].map(([, path]) => posix.join(posix.dirname(file), `${path!}.js`));
    expect(former.filter((path) => packed.files.includes(path)), file).toEqual([]);
  }
});

test('its list of parts is the one of this version, and names no place', async () => {
  const text = await installed('dist/sbom.cdx.json');
  const bom = JSON.parse(text) as { metadata: { component: { name: string; version: string } }; components: { name: string; version: string; licenses?: unknown[]; hashes?: unknown[] }[] };
  expect(bom.metadata.component).toMatchObject({ name: 'headgate', version: packageJson.version });
  for (const [name, version] of Object.entries(packageJson.dependencies)) expect(bom.components).toContainEqual(expect.objectContaining({ name, version, licenses: expect.any(Array) as unknown[], hashes: expect.any(Array) as unknown[] }));
  expect(bom.components.map(({ name }) => name)).not.toContain('vitest');
  expect(text.match(/https?:\/\/[^"]+/g)).toEqual(['http://cyclonedx.org/schema/bom-1.5.schema.json']);
});

test('a newcomer starts it by npx, an event gets to the platform, its workflow ends, and Ctrl-C stops everything', async () => {
  const headgate = packed.start('npx', ['headgate', 'start'], instance.environment);
  const type = async (...args: string[]): Promise<string> => {
    const { status, output } = await packed.run('node_modules/.bin/headgate', args, { ...instance.environment, PATH: `${join(packed.folder, 'node_modules/.bin')}:${pathOfUser()}` });
    expect(status, output).toBe(0);
    return output;
  };
  try {
    await until(headgate.output, (text) => text.includes('Headgate is ready: '), 90_000);
    const url = `http://127.0.0.1:${String(instance.ports.api)}`;
    const members = async (): Promise<string[]> => {
      const state = (await (await fetch(`http://127.0.0.1:${String(instance.ports.sandbox)}/_sandbox/state`)).json()) as { destinations: Record<string, { audiences: Record<string, { hashes: string[] }> }> };
      return state.destinations['meta_main']?.audiences['6000000000001']?.hashes ?? [];
    };
    const { person, hash } = somebody();
    await type('send', 'add', '--audience', CART, '--email', person.email, '--customer-id', person.customer_id);
    await until(members, (hashes) => hashes.includes(hash));
    const { event_id: removal } = JSON.parse(await type('send', 'remove', '--audience', CART, '--customer-id', person.customer_id, '--json')) as { event_id: string };
    await until(members, (hashes) => !hashes.includes(hash));
    const connection = await Connection.connect({ address: `127.0.0.1:${String(instance.ports.temporal)}` });
    try {
      const workflow = new WorkflowClient({ connection }).getHandle(removal);
      await until(() => workflow.describe(), ({ status }) => status.name === 'COMPLETED');
    } finally {
      await connection.close();
    }
    expect(await type('check')).toContain('Pushes can work.');
    // What is read from files: the page, the script, the description.
    expect(await (await fetch(`${url}/console/runbook`)).text()).toContain('source_silent');
    expect((await fetch(`${url}/console/assets/console.js`)).status).toBe(200);
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok', version: packageJson.version });
    expect(await (await fetch(`${url}/openapi.json`)).json()).toMatchObject({ info: { version: packageJson.version } });
  } finally {
    await stopProcess(Number(await readFile(join(instance.data, 'headgate.pid'), 'utf8')), 'SIGINT', 30_000);
  }
  await headgate.exited;
  expect(headgate.output()).toContain('Stopped.');
}, 240_000);

/** The first Node on the user's PATH that is too old, if there is one. */
async function oldNode(): Promise<string | undefined> {
  for (const folder of pathOfUser().split(':')) {
    const node = join(folder, 'node');
    if (!(await stat(node).then((found) => found.isFile(), () => false))) continue;
    const { output } = await packed.run(node, ['--version']);
    if (Number(/^v(\d+)/.exec(output)?.[1]) < 24) return node;
  }
  return undefined;
}

test('`npx headgate --version` tells the version', async () => {
  expect(await packed.run('npx', ['headgate', '--version'])).toEqual({ status: 0, output: `${packageJson.version}\n` });
});

test('under an older Node it goes on under the one that npm installed, ends as that does, and takes it along when it is stopped', async ({ skip }) => {
  const node = await oldNode();
  if (node === undefined) return skip('every Node on PATH is new enough: put one older than 24 on PATH to see this');
  const bin = 'node_modules/headgate/bin/headgate.js';
  expect(await packed.run(node, [bin, '--version'])).toEqual({ status: 0, output: `${packageJson.version}\n` });
  expect((await packed.run(node, [bin, 'audiense'])).status).toBe(2);
  const waiting = packed.start(node, [bin, 'identifiers', '--platform', 'meta']);
  waiting.child.stdin?.write('{"email":"ada@example.com"}\n');
  await until(waiting.output, (text) => text.includes('"platform":"meta"'));
  waiting.child.kill('SIGTERM');
  // Its output is closed only when both are gone.
  expect(await waiting.exited).toBe(143);
});
