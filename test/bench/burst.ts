/** A burst at many connections, with everything there, with Temporal away, with the ledger away, and with both. */
import pg from 'pg';
import { load, type LoadResult } from './load.ts';
import { BENCH_REGISTRY } from './registry.ts';
import { comparison, limit, type Row } from './row.ts';
import type { BenchServers } from './servers.ts';
import { startSplitService, type SplitService } from './split-service.ts';
import { residentMegabytes } from './memory.ts';

const CONNECTIONS = 500;
/** Customer.io hangs up after it. Milliseconds. */
const PATIENCE_MS = 4_000;

const countEvents = async (databaseUrl: string): Promise<number> => {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ events: number }>('select count(*)::int as events from events');
  await client.end();
  return rows[0]?.events ?? 0;
};

const accepted = ({ answers }: LoadResult): number => (answers['200'] ?? 0) + (answers['202'] ?? 0);

function rowsOf(what: string, amount: number, result: LoadResult): Row[] {
  return [
    limit(`burst of ${String(amount)} at ${String(CONNECTIONS)} connections, ${what}: not taken`, 'events', 0, amount - accepted(result)),
    limit(`… ${what}: answered within (p99)`, 'ms', 1_000, result.p99),
    limit(`… ${what}: answered within (longest)`, 'ms', PATIENCE_MS, result.longest),
  ];
}

/** How many acknowledged events are not in the ledger once it has had the time to take them. */
async function lost(databaseUrl: string, before: number, acked: number): Promise<number> {
  const ends = Date.now() + 120_000;
  for (;;) {
    const missing = before + acked - (await countEvents(databaseUrl));
    if (missing <= 0 || Date.now() > ends) return missing;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export async function benchBurst(servers: BenchServers, amount: number): Promise<Row[]> {
  const service = await startSplitService(servers, BENCH_REGISTRY);
  try {
    return await measure(servers, service, amount);
  } finally {
    await service.stop();
  }
}

async function measure(servers: BenchServers, { url, api }: SplitService, amount: number): Promise<Row[]> {
  const { databaseUrl } = servers;
  const burst = (): Promise<LoadResult> => load(url, { connections: CONNECTIONS, amount });
  await load(url, { connections: CONNECTIONS, seconds: 3 });

  const usual = await burst();
  await servers.stopTemporal();
  const before = await countEvents(databaseUrl);
  const withoutTemporal = await burst();
  const lostWithoutTemporal = await lost(databaseUrl, before, accepted(withoutTemporal));
  await servers.startTemporal();

  const beforeBoats = await countEvents(databaseUrl);
  await servers.stopPostgres();
  const withoutLedger = await burst();
  await servers.startPostgres();
  const lostWithoutLedger = await lost(databaseUrl, beforeBoats, accepted(withoutLedger));

  await servers.stopPostgres();
  await servers.stopTemporal();
  const withoutBoth = await load(url, { connections: CONNECTIONS, amount: Math.min(amount, 4_000) });
  const memory = await residentMegabytes(api.pid ?? 0);
  await servers.startPostgres();
  await servers.startTemporal();

  return [
    ...rowsOf('with everything there', amount, usual),
    ...rowsOf('Temporal stopped', amount, withoutTemporal),
    comparison('… Temporal stopped, against everything there', 'acks/s', 0.9, [{ value: withoutTemporal.rate, baseline: usual.rate }]),
    limit('… Temporal stopped: lost', 'events', 0, lostWithoutTemporal),
    ...rowsOf('ledger stopped (lifeboat)', amount, withoutLedger),
    limit('… ledger stopped: lost after it is back', 'events', 0, lostWithoutLedger),
    limit('… both stopped: claimed', 'events', 0, accepted(withoutBoth)),
    limit('… both stopped: longest answer (503)', 'ms', PATIENCE_MS, withoutBoth.longest),
    limit('memory of the api after all of this', 'MB', 512, memory),
  ];
}
