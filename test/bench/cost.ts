/** What one event, one workflow and one push cost in CPU time of each process, and in bytes of the ledger: the slopes of docs/scaling.md. Linux. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { TemporalGateway } from '../../src/temporal/index.ts';
import { load } from './load.ts';
import { CROWD_REGISTRY } from './registry.ts';
import { limit, type Row } from './row.ts';
import type { BenchServers } from './servers.ts';
import { startSplitService } from './split-service.ts';

const TARGET = { destination: 'meta_main', audienceKey: 'high_intent_cart_7d_v1' };
/** Linux counts CPU time in hundredths of a second. */
const TICK_MS = 10;

interface Usage {
  pid: number;
  parent: number;
  /** With what its ended children used. Milliseconds. */
  ms: number;
}

async function usageOf(pid: string): Promise<Usage | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name of the command, in brackets, may hold anything.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
  if (!fields) return undefined;
  const [parent = 0, ticks] = [fields[1], fields.slice(11, 15).reduce((sum, one) => sum + one, 0)];
  return { pid: Number(pid), parent, ms: ticks * TICK_MS };
}

/** CPU time of processes and of their children, in milliseconds. */
async function cpuOf(pids: Readonly<Record<string, number>>): Promise<Record<string, number>> {
  const all = (await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(usageOf))).filter((one) => one !== undefined);
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, all.filter((one) => one.pid === pid || one.parent === pid).reduce((sum, { ms }) => sum + ms, 0)]));
}

export async function benchCost(servers: BenchServers, events: number): Promise<Row[]> {
  const service = await startSplitService(servers, CROWD_REGISTRY);
  const ledger = new pg.Pool({ connectionString: servers.databaseUrl, max: 1 });
  const one = async <T>(query: string): Promise<T | undefined> => (await ledger.query<{ value: T }>(query)).rows[0]?.value;
  const until = async (query: string): Promise<void> => {
    while (!(await one<boolean>(query))) await wait(200);
  };
  const settled = "select not exists (select 1 from deliveries where status = 'pending') as value";
  const bytes = async (): Promise<number> => Number(await one("select pg_database_size(current_database()) as value"));
  /** Milliseconds of CPU for each of so many things. */
  const spent = async (what: string, many: number, work: () => Promise<unknown>): Promise<Row[]> => {
    const temporal = servers.temporalPid();
    const pids = { api: service.api.pid ?? 0, worker: service.worker.pid ?? 0, Postgres: servers.postgresPid(), ...(temporal === undefined ? {} : { Temporal: temporal }) };
    const before = await cpuOf(pids);
    await work();
    const after = await cpuOf(pids);
    return Object.entries(after).map(([name, ms]) => limit(`CPU of ${name} ${what}`, 'ms', null, (ms - (before[name] ?? 0)) / many));
  };
  try {
    await load(service.url, { connections: 100, amount: 2_000 });
    await until(settled);
    await until('select not exists (select 1 from outbox) as value');
    await servers.stopTemporal();
    const bytesBefore = await bytes();
    const deciding = await spent('to decide an event', events, () => load(service.url, { connections: 100, amount: events }));
    const rows = [...deciding, limit('the ledger grows by, for a new person in one audience at one target', 'bytes', null, ((await bytes()) - bytesBefore) / events)];
    await ledger.query("update deliveries set status = 'accepted' where status = 'pending'");
    await servers.startTemporal();
    rows.push(...(await spent('to start and settle its workflow', events, () => until('select not exists (select 1 from outbox) as value'))));

    const connection = await Connection.connect({ address: servers.temporalAddress });
    const gateway = new TemporalGateway({ client: new Client({ connection }), eager: false });
    const members = Number(await one("select count(*)::int as value from deliveries where destination = 'meta_main'"));
    await ledger.query("update deliveries set status = 'pending', revision = revision + 1, pending_since = clock_timestamp()");
    rows.push(...(await spent('to push 1,000 members', members / 1_000, async () => {
      await gateway.wakeSync(TARGET);
      await until(settled);
    })));
    await connection.close();
    return rows;
  } finally {
    await ledger.end();
    await service.stop();
  }
}
