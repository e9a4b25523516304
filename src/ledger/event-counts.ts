/** How many events an audience had, for what it costs. */
import type { EventName } from '../domain/event.ts';
import type { LedgerConnection } from './connection.ts';

export interface EventCounts {
  events: Record<EventName, number>;
  /** Rows for the warehouse: one for each event, and what decisions brought about besides. */
  rows: number;
  /** Since the oldest of them, in milliseconds. */
  countedMs: number;
}

/** The newest rows of an audience within a time, by what is in `exposures`. At most so many are read: a busy audience is counted over a shorter time. */
const MOST_ROWS = 100_000;

export async function countEvents(connection: LedgerConnection, audienceKey: string, withinMs: number, mostRows = MOST_ROWS): Promise<EventCounts> {
  const { rows } = await connection.use((client) =>
    client.query<{ name: string; rows: number; oldest: Date; now: Date }>(
      `select name, count(*)::int as rows, min(occurred_at) as oldest, clock_timestamp() as now
       from (select name, occurred_at from exposures where audience_key = $1 and occurred_at > clock_timestamp() - make_interval(secs => $2::float8 / 1000.0)
             and occurred_at <= clock_timestamp() order by occurred_at desc limit $3) x group by name`,
      [audienceKey, withinMs, mostRows],
    ),
  );
  const total = rows.reduce((sum, row) => sum + row.rows, 0);
  const oldest = Math.min(...rows.map((row) => row.oldest.getTime()));
  const now = rows[0]?.now.getTime() ?? 0;
  return {
    events: Object.fromEntries(rows.filter(({ name }) => !name.startsWith('headgate.')).map((row) => [row.name, row.rows])),
    rows: total,
    countedMs: total === 0 ? 0 : Math.max(1, now - oldest),
  };
}
