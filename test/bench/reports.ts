/** Reports a second at the door, one row each, against a bare server that stores nothing; and what a row takes on disk. */
import pg from 'pg';
import { launch } from './launch.ts';
import { load, type LoadTarget } from './load.ts';
import { BENCH_SECRET } from './registry.ts';
import { comparison, inTurns, limit, type Row } from './row.ts';
import type { BenchServers } from './servers.ts';
import { signReports } from './signed-webhooks.ts';

const CONNECTIONS = 500;
const REPORTS: LoadTarget = { path: '/v1/webhooks/demo/reporting', make: (count) => signReports(count, BENCH_SECRET), mostPerSecond: 16_000 };

/** Of the table with its indexes, in all its parts. */
const SIZE = `select count(*)::float8 as rows, (select coalesce(sum(pg_total_relation_size(inhrelid)), 0)::float8 from pg_inherits where inhparent = 'exposures'::regclass) as bytes from exposures`;

export async function benchReports({ databaseUrl }: BenchServers, rounds: number, seconds: number): Promise<Row[]> {
  const door = await launch(new URL('./door-server.ts', import.meta.url), [databaseUrl]);
  const bare = await launch(new URL('./bare-server.ts', import.meta.url));
  const ledger = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const size = async (): Promise<{ rows: number; bytes: number }> => (await ledger.query<{ rows: number; bytes: number }>(SIZE)).rows[0] ?? { rows: 0, bytes: 0 };
  const rate = async (url: string, forSeconds: number): Promise<number> => {
    const { answers, rate: measured } = await load(url, { connections: CONNECTIONS, seconds: forSeconds, target: REPORTS });
    if (Object.keys(answers).some((status) => status !== '200')) throw new Error(`answers that are no 200: ${JSON.stringify(answers)}`);
    return measured;
  };
  try {
    await rate(bare.url, 2);
    await rate(door.url, 4);
    const before = await size();
    const measured = await inTurns(rounds, { baseline: () => rate(bare.url, seconds), value: () => rate(door.url, seconds) });
    const after = await size();
    return [
      comparison(`exposures of the reporting feed at the door, ${String(CONNECTIONS)} connections, against a bare server`, 'rows/s', null, measured),
      limit('a row of exposures takes, with its indexes', 'bytes', null, (after.bytes - before.bytes) / (after.rows - before.rows)),
    ];
  } finally {
    await ledger.end();
    await Promise.all([door.stop(), bare.stop()]);
  }
}
