/** Restate: its server, and a service that decides. Events come through its HTTP ingress, with the event's id as idempotency key. */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findFreePort } from '../../src/embedded/ports.ts';
import { run } from '../../src/embedded/processes.ts';
import { launch } from '../../test/bench/launch.ts';
import { PRODUCTION, versionOf, type Contender, type Place, type Running } from './contender.ts';
import { eventsTo } from './events.ts';
import manifest from './package.json' with { type: 'json' };

/** Milliseconds. */
const MOST_START_MS = 60_000;

export const RESTATE: Contender = {
  name: `Restate ${versionOf(manifest, '@restatedev/restate-server')}`,
  how: 'one service call with one step per event',
  start,
};

async function start({ databaseUrl, folder, life }: Place): Promise<Running> {
  const service = await launch(new URL('./restate-service.ts', import.meta.url), [databaseUrl], { ...PRODUCTION, RESTATE_LOGGING: 'ERROR' });
  life.started('the Restate service', service.stop);
  const [ingress, admin, fabric] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const server = spawn(...(await keptInside(findServer(), folder)), { cwd: folder, env: { ...process.env, ...settings(folder, ingress, admin, fabric) }, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<string>((resolve) => {
    server.once('error', (error) => { resolve(error.message); });
    server.once('exit', (code) => { resolve(`exit status ${String(code)}`); });
  });
  life.started('the Restate server', async () => {
    server.kill('SIGKILL');
    await ended;
  });
  const why = await Promise.race([ended, untilReady(ingress, admin)]);
  if (why !== undefined) throw new Error(`the Restate server ended before it was ready: ${why}`);
  const registered = await fetch(`http://127.0.0.1:${String(admin)}/deployments`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ uri: service.url }) });
  if (!registered.ok) throw new Error(`Restate does not take the service: ${await registered.text()}`);
  return { url: `http://127.0.0.1:${String(ingress)}`, target: eventsTo('/door/decide', ({ eventId }) => ({ 'idempotency-key': eventId })) };
}

/** Everything else as it comes: two cores are served by as many partitions, every append is synced to disk before it is answered. */
function settings(folder: string, ingress: number, admin: number, fabric: number): Record<string, string> {
  const address = (port: number): string => `127.0.0.1:${String(port)}`;
  return {
    RESTATE_BASE_DIR: join(folder, 'restate'),
    RESTATE_NODE_NAME: 'bench',
    RESTATE_LISTEN_MODE: 'tcp',
    RESTATE_BIND_ADDRESS: address(fabric),
    RESTATE_ADVERTISED_ADDRESS: `http://${address(fabric)}`,
    RESTATE_INGRESS__BIND_ADDRESS: address(ingress),
    RESTATE_ADMIN__BIND_ADDRESS: address(admin),
    RESTATE_DEFAULT_NUM_PARTITIONS: process.env['BENCH_PARTITIONS'] ?? '24',
    RESTATE_LOG_FILTER: process.env['BENCH_LOG'] ?? 'error,octocrab=off',
    RESTATE_ADMIN__DISABLE_WEB_UI: 'true',
    RESTATE_DISABLE_TELEMETRY: 'true',
    DO_NOT_TRACK: '1',
  };
}

function findServer(): string {
  const name = `@restatedev/restate-server-${platform()}-${arch()}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/restate-server`);
  } catch (cause) {
    throw new Error(`there is no Restate server for ${platform()} ${arch()}: ${name} is not installed`, { cause });
  }
}

/**
 * The server asks at each start whether there is a newer release, and has no setting against it. Where Linux lets us, it runs with
 * an /etc/hosts that leads that question to this machine, where nobody answers; elsewhere it asks.
 */
async function keptInside(server: string, folder: string): Promise<[string, string[]]> {
  const namespace = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
  if ((await run('unshare', [...namespace, 'true'])).code !== 0) return [server, []];
  const hosts = join(folder, 'hosts');
  await writeFile(hosts, `${await readFile('/etc/hosts', 'utf8')}\n127.0.0.1 api.github.com\n`);
  return ['unshare', [...namespace, 'sh', '-c', 'mount --bind "$1" /etc/hosts && exec "$2"', 'sh', hosts, server]];
}

/** Until both of its HTTP servers say that they are well. */
async function untilReady(ingress: number, admin: number): Promise<void> {
  const ends = Date.now() + MOST_START_MS;
  for (const url of [`http://127.0.0.1:${String(admin)}/health`, `http://127.0.0.1:${String(ingress)}/restate/health`]) {
    while (!(await fetch(url).then((response) => response.ok, () => false))) {
      if (Date.now() > ends) throw new Error(`the Restate server was not ready within ${String(MOST_START_MS / 1_000)} s: ${url} does not answer with 200`);
      await wait(100);
    }
  }
}
