/** Production's entry points as processes of their own, on a Postgres, a Temporal server and the sandbox that a test brings. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRegistry } from '../../src/config/registry.ts';
import { sandboxDestinations } from '../../src/config/sandbox-destinations.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { collect, ROOT } from './headgate-process.ts';
import { startTestTemporal, type TestTemporal } from './temporal.ts';

export interface EntryPoint {
  child: ChildProcess;
  output: () => string;
  exited: Promise<number | null>;
}

export interface EntryPoints {
  database: TestDatabase;
  temporal: TestTemporal;
  sandbox: Sandbox;
  /** Starts `src/server.ts` or `src/worker.ts`; what it prints may be waited for. */
  run: (file: 'src/server.ts' | 'src/worker.ts', environment: Record<string, string>) => EntryPoint;
  /** Another headgate.yaml than the common one. Returns its path. */
  writeRegistry: (registry: string) => Promise<string>;
  /** Kills what still runs. */
  stop: () => Promise<void>;
}

export async function prepareEntryPoints(registry: string): Promise<EntryPoints> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-split-'));
  const config = join(folder, 'headgate.yaml');
  await writeFile(config, registry);
  const database = await createDatabase();
  const temporal = await startTestTemporal();
  const sandbox = await startSandbox({ port: 0, destinations: sandboxDestinations(parseRegistry(registry, config, { variables: {}, sandboxAllowed: true })) });
  const running: ChildProcess[] = [];
  return {
    database,
    temporal,
    sandbox,
    run: (file, environment) => {
      const common = { PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE_URL: database.url, TEMPORAL_ADDRESS: temporal.address, HEADGATE_CONFIG: config, HEADGATE_SANDBOX_URL: sandbox.url };
      const child = spawn(process.execPath, [file], { cwd: ROOT, env: { ...common, ...environment } });
      running.push(child);
      return { child, output: collect(child), exited: new Promise((resolve) => child.once('close', resolve)) };
    },
    writeRegistry: async (another) => {
      const path = join(folder, `${crypto.randomUUID()}.yaml`);
      await writeFile(path, another);
      return path;
    },
    stop: async () => {
      for (const child of running) child.kill('SIGKILL');
      await sandbox.close();
      await temporal.stop();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
