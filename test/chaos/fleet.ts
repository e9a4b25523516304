/** Headgate as it runs in production, several processes of each kind, with a wire of its own between each process and each server. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { findFreePort } from '../../src/embedded/ports.ts';
import { run } from '../../src/embedded/processes.ts';
import { startProxy, type Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import type { PromiseNumber } from './audit/findings.ts';
import { REGISTRY } from './audiences.ts';
import { Child } from './child.ts';
import type { SandboxProcessOptions } from './sandbox-process.ts';
import type { Servers } from './servers.ts';

export interface FleetOptions {
  /** Names the ledger's database, the namespace at Temporal and the folder; lower-case letters and digits. */
  name: string;
  apis: number;
  workers: number;
  /** Which promise the processes break on purpose; undefined: none. */
  sabotage?: PromiseNumber | undefined;
  /** What the platforms never take. */
  wrongValues: readonly string[];
}

/** A wire between one process and one server. */
export interface Wire {
  /** Such as `api-1 to postgres`. */
  name: string;
  proxy: Proxy;
}

export interface Fleet {
  folder: string;
  apis: readonly Child[];
  workers: readonly Child[];
  sandbox: Child;
  wires: readonly Wire[];
  apiUrls: readonly string[];
  sandboxUrl: string;
  databaseUrl: () => string;
  namespace: string;
  /** After the servers' ports have changed. */
  rewire: () => void;
  stop: () => Promise<void>;
}

const PROCESSING_MS = 500;
const FIRST_FAILURES = 1;
const STOP_GRACE_MS = 10_000;

const source = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
/** What node runs. */
const entriesOf = (sabotage: PromiseNumber | undefined): { api: string[]; worker: string[] } =>
  sabotage === undefined
    ? { api: [source('../../src/server.ts')], worker: [source('../../src/worker.ts')] }
    : { api: [source('./sabotaged-api.ts'), String(sabotage)], worker: [source('./sabotaged-worker.ts'), String(sabotage)] };

/** Resolves when all of them are ready. */
export async function startFleet(servers: Servers, options: FleetOptions): Promise<Fleet> {
  const folder = join(servers.folder, options.name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'headgate.yaml'), REGISTRY);
  await createDatabase(servers, options.name);
  const namespace = await createNamespace(servers, options.name);
  const databaseUrl = (): string => Object.assign(new URL(servers.postgres.url()), { pathname: `/${options.name}` }).href;
  const sandboxPort = await findFreePort();
  const sandboxUrl = `http://127.0.0.1:${String(sandboxPort)}`;

  const wires: Wire[] = [];
  const wire = async (from: string, to: string, url: string): Promise<string> => {
    const proxy = await startProxy(url);
    wires.push({ name: `${from} to ${to}`, proxy });
    return proxy.url;
  };
  const environment = async (name: string): Promise<Record<string, string>> => ({
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    HEADGATE_CONFIG: join(folder, 'headgate.yaml'),
    HEADGATE_LOG_LEVEL: 'debug',
    HEADGATE_METRICS_PORT: '0',
    TEMPORAL_NAMESPACE: namespace,
    DATABASE_URL: await wire(name, 'postgres', databaseUrl()),
    TEMPORAL_ADDRESS: new URL(await wire(name, 'temporal', `http://${servers.temporal.address}`)).host,
    HEADGATE_SANDBOX_URL: new URL(await wire(name, 'sandbox', sandboxUrl)).origin,
  });

  const journal: SandboxProcessOptions = { port: sandboxPort, journal: join(folder, 'sandbox.ndjson'), wrongValues: options.wrongValues, firstFailures: FIRST_FAILURES, processingMs: PROCESSING_MS };
  const sandbox = new Child({
    name: 'sandbox',
    args: [source('./sandbox-process.ts'), JSON.stringify(journal)],
    environment: { PATH: process.env['PATH'] ?? '' },
    logFile: join(folder, 'sandbox.log'),
    ready: /The sandbox listens/,
  });
  const entries = entriesOf(options.sabotage);
  const apiPorts = await Promise.all(Array.from({ length: options.apis }, findFreePort));
  const apis = await Promise.all(
    apiPorts.map(async (port, index) => {
      const name = `api-${String(index + 1)}`;
      return new Child({ name, args: entries.api, environment: { ...(await environment(name)), HEADGATE_PORT: String(port) }, logFile: join(folder, `${name}.log`), ready: /Headgate is ready/ });
    }),
  );
  const workers = await Promise.all(
    Array.from({ length: options.workers }, async (_, index) => {
      const name = `worker-${String(index + 1)}`;
      return new Child({ name, args: entries.worker, environment: await environment(name), logFile: join(folder, `${name}.log`), ready: /Headgate worker is ready/ });
    }),
  );
  const everybody = [sandbox, ...apis, ...workers];
  const stop = async (): Promise<void> => {
    for (const { proxy } of wires) proxy.mend();
    await Promise.all(everybody.map((child) => child.stop(STOP_GRACE_MS)));
    await Promise.all(wires.map(({ proxy }) => proxy.close()));
  };
  try {
    for (const child of everybody) child.start();
    for (const child of everybody) if (!(await child.whenReady())) throw new Error(`${child.name} does not come up: see ${folder}/${child.name}.log`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    folder,
    apis,
    workers,
    sandbox,
    wires,
    apiUrls: apiPorts.map((port) => `http://127.0.0.1:${String(port)}`),
    sandboxUrl,
    databaseUrl,
    namespace,
    rewire: () => {
      const port = Number(new URL(servers.postgres.url()).port);
      for (const { name, proxy } of wires) if (name.endsWith(' to postgres')) proxy.pointTo(port);
    },
    stop,
  };
}

async function createDatabase({ postgres }: Servers, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url() });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
}

async function createNamespace({ temporal }: Servers, name: string): Promise<string> {
  const namespace = `chaos-${name}`;
  const operator = (...args: string[]) => run(temporal.binary, ['operator', 'namespace', ...args, '-n', namespace, '--address', temporal.address]);
  await until(() => operator('create', '--retention', '168h'), ({ code, output }) => code === 0 || /already/i.test(output));
  return namespace;
}
