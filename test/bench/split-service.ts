/** Headgate as production runs it: api and worker as processes of their own, beside the sandbox, on servers that are given. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../src/embedded/ports.ts';
import type { Servers } from './workflows.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SplitService {
  /** Where the api listens. */
  url: string;
  sandboxUrl: string;
  api: ChildProcess;
  worker: ChildProcess;
  stop: () => Promise<void>;
}

/** Resolves when both are ready. */
export async function startSplitService({ databaseUrl, temporalAddress }: Servers, registry: string): Promise<SplitService> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-bench-'));
  const config = join(folder, 'headgate.yaml');
  await writeFile(config, registry);
  const sandbox = fork(fileURLToPath(new URL('./sandbox-process.ts', import.meta.url)), [config]);
  const { url: sandboxUrl } = await new Promise<{ url: string }>((resolve) => sandbox.once('message', (message) => { resolve(message as { url: string }); }));
  const port = await findFreePort();
  const environment = {
    PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: temporalAddress, HEADGATE_CONFIG: config,
    HEADGATE_SANDBOX_URL: sandboxUrl, HEADGATE_PORT: String(port), HEADGATE_METRICS_PORT: '0', HEADGATE_LOG_LEVEL: 'info',
  };
  const run = (file: string): ChildProcess => spawn(process.execPath, [file], { cwd: ROOT, env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const [api, worker] = [run('src/server.ts'), run('src/worker.ts')];
  await Promise.all([untilSaid(api, 'Headgate is ready'), untilSaid(worker, 'worker is ready')]);
  return {
    url: `http://127.0.0.1:${String(port)}`,
    sandboxUrl,
    api,
    worker,
    stop: async () => {
      for (const child of [api, worker, sandbox]) child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function untilSaid(child: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-2_000);
      if (text.includes(words)) resolve();
    });
    child.once('exit', (code) => {
      reject(new Error(`a process ended with ${String(code)} before it said that it is ready: ${text}`));
    });
  });
}
