/** `headgate start` as a newcomer runs it: a process of its own, with its own ports and data folder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { findFreePort } from '../../src/embedded/ports.ts';
import { postWebhook, type WebhookAnswer } from './service.ts';
import { until } from './until.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const BIN = join(ROOT, 'bin/headgate.js');

export interface Ports {
  api: number;
  sandbox: number;
  temporal: number;
  ui: number;
}

export interface HeadgateProcess {
  child: ChildProcess;
  url: string;
  sandboxUrl: string;
  /** Everything it has printed so far. */
  output: () => string;
  post: (body: Record<string, unknown>) => Promise<WebhookAnswer>;
  members: (platformAudienceId: string) => Promise<string[]>;
  /** Resolves with the exit status. */
  exited: Promise<number | null>;
}

/** A data folder and ports that several starts share. */
export interface Instance {
  data: string;
  /** Where its commands are typed. */
  cwd: string;
  ports: Ports;
  environment: Record<string, string>;
  /** Resolves when it says that it is ready. */
  start: (more?: Record<string, string>) => Promise<HeadgateProcess>;
  /** The same by `npm start`; `child` is npm. */
  startByNpm: () => Promise<HeadgateProcess>;
  /** Starts it and resolves when it has ended by itself. */
  startAndFail: (more?: Record<string, string>) => Promise<{ status: number | null; output: string }>;
  remove: () => Promise<void>;
}

export async function createInstance({ cwd = ROOT }: { cwd?: string } = {}): Promise<Instance> {
  const data = await mkdtemp(join(tmpdir(), 'headgate-start-'));
  await chmod(data, 0o755);
  const ports = { api: await findFreePort(), sandbox: await findFreePort(), temporal: await findFreePort(), ui: await findFreePort() };
  const environment = {
    HEADGATE_DATA: data,
    HEADGATE_PORT: String(ports.api),
    HEADGATE_SANDBOX_PORT: String(ports.sandbox),
    TEMPORAL_PORT: String(ports.temporal),
    TEMPORAL_UI_PORT: String(ports.ui),
    TEMPORAL_CLI_PATH: inject('temporalBinary'),
    HEADGATE_LOG_LEVEL: 'trace',
  };
  const launched: HeadgateProcess[] = [];
  const start = (more: Record<string, string>, byNpm = false): HeadgateProcess => {
    const started = launch(instance, more, byNpm);
    launched.push(started);
    return started;
  };
  const ready = async (started: HeadgateProcess): Promise<HeadgateProcess> => {
    await until(started.output, (text) => text.includes('Headgate is ready: '), 60_000);
    return started;
  };
  const instance: Instance = {
    data,
    cwd,
    ports,
    environment,
    start: (more = {}) => ready(start(more)),
    startByNpm: () => ready(start({}, true)),
    startAndFail: async (more = {}) => {
      const started = start(more);
      return { status: await started.exited, output: started.output() };
    },
    remove: async () => {
      // Only a test that failed leaves something running.
      for (const { child, exited } of launched) {
        if (child.exitCode === null && child.signalCode === null && child.kill('SIGINT')) await exited;
      }
      await rm(data, { recursive: true, force: true });
    },
  };
  return instance;
}

/** Runs the command line with an instance's environment. */
export async function runHeadgate(instance: Instance, ...args: string[]): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd: instance.cwd, env: { ...cleanEnvironment(), ...instance.environment } });
  const output = collect(child);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, output: output() };
}

function launch(instance: Instance, more: Record<string, string>, byNpm: boolean): HeadgateProcess {
  const [command, args] = byNpm ? ['npm', ['start']] : [process.execPath, [BIN, 'start']];
  const child = spawn(command, args, { cwd: byNpm ? ROOT : instance.cwd, env: { ...cleanEnvironment(), ...instance.environment, ...more } });
  const url = `http://127.0.0.1:${String(instance.ports.api)}`;
  const sandboxUrl = `http://127.0.0.1:${String(instance.ports.sandbox)}`;
  return {
    child,
    url,
    sandboxUrl,
    output: collect(child),
    post: async (body) => postWebhook(url, body, (await readFile(join(instance.data, 'cio-signing-secret'), 'utf8')).trim()),
    members: async (id) => {
      const state = (await (await fetch(`${sandboxUrl}/_sandbox/state`)).json()) as { destinations: Record<string, { audiences: Record<string, { hashes: string[] }> }> };
      return state.destinations['meta_main']?.audiences[id]?.hashes ?? [];
    },
    exited: new Promise((resolve) => child.once('close', resolve)),
  };
}

/** Without what `npm test` adds, so that the process does not take this one's npm for its own. */
export function cleanEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|HEADGATE_|TEMPORAL_|DATABASE_URL|CIO_|VITEST|NODE_ENV)/.test(name)));
}

/** What the process has printed so far. */
export function collect(child: ChildProcess): () => string {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}
