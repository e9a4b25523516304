/** The attacked service: `headgate start` in a process of its own, with its own folder, ports and log. */
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../src/embedded/ports.ts';
import { until } from '../support/until.ts';
import { REGISTRY, SECRETS } from './registry.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const READY_WITHIN_MS = 120_000;

/** Bytes, after a garbage collection; and connections that are open. */
export interface Memory {
  rss: number;
  heapUsed: number;
  external: number;
  sockets: number;
}

export interface Target {
  host: string;
  port: number;
  url: string;
  databaseUrl: string;
  /** Nobody waits longer for an answer. Milliseconds. */
  deadlineMs: number;
  /** Everything it has written so far. */
  log: () => string;
  /** How it ended, when it has. */
  ended: () => string | undefined;
  memory: () => Promise<Memory>;
  stop: () => Promise<void>;
}

export interface TargetOptions {
  temporalBinary: string;
  /** An empty, migrated database. */
  databaseUrl: string;
  /** A Temporal server that runs already. */
  temporalAddress: string;
  /** Default 15 s. */
  deadlineMs?: number;
}

export async function startTarget({ temporalBinary, databaseUrl, temporalAddress, deadlineMs = 15_000 }: TargetOptions): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-fuzz-'));
  await chmod(folder, 0o755);
  const [port, sandboxPort] = [await findFreePort(), await findFreePort()];
  const config = join(folder, 'headgate.yaml');
  await writeFile(config, REGISTRY);
  const child = spawn(process.execPath, ['--expose-gc', '--import', new URL('./report-memory.ts', import.meta.url).href, 'bin/headgate.js', 'start', '--json'], {
    cwd: ROOT,
    env: {
      ...withoutOwn(process.env),
      HEADGATE_CONFIG: config,
      HEADGATE_DATA: join(folder, 'data'),
      HEADGATE_PORT: String(port),
      HEADGATE_SANDBOX_PORT: String(sandboxPort),
      HEADGATE_READ_TOKEN: SECRETS.read,
      HEADGATE_OPERATOR_TOKEN: SECRETS.operator,
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_CLI_PATH: temporalBinary,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  let ended: string | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      ended = signal ?? `status ${String(code)}`;
      resolve();
    });
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  await until(() => ended ?? text.includes('"ready":true'), Boolean, READY_WITHIN_MS);
  if (ended !== undefined) throw new Error(`the service did not start (${ended}):\n${text}`);
  return {
    host: '127.0.0.1',
    port,
    url: `http://127.0.0.1:${String(port)}`,
    databaseUrl,
    deadlineMs,
    log: () => text,
    ended: () => ended,
    memory: async () => {
      const from = text.length;
      child.kill('SIGUSR2');
      const line = await until(() => /\{"fuzzMemory":(\{.*?\})\}/.exec(text.slice(from))?.[1], (found) => found !== undefined, 20_000);
      return JSON.parse(line ?? '') as Memory;
    },
    stop: async () => {
      process.off('exit', kill);
      child.kill('SIGINT');
      const timer = setTimeout(kill, 20_000);
      await exited;
      clearTimeout(timer);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Without what npm and the tests add, and without settings of whoever runs this. */
const withoutOwn = (variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => !/^(npm_|HEADGATE_|TEMPORAL_|DATABASE_URL|CIO_|VITEST|NODE_ENV|NODE_OPTIONS)/.test(name)));
