/** What the door answered, counted by source and five minutes: so that rates, silence and odd volumes are seen across all api processes. */
import type { LedgerConnection } from './connection.ts';

export type Feed = 'webhooks' | 'reporting';

export interface DoorCount {
  source: string;
  feed: Feed;
  /** The `status` of the answer. */
  answer: string;
  /** Milliseconds since the epoch. */
  at: number;
  count: number;
}

/** How long one row counts, in milliseconds. */
export const DOOR_COUNT_MS = 5 * 60_000;

/** Adds counts of this process to those of the others. `at` is the beginning of its five minutes. */
export async function addDoorCounts(connection: LedgerConnection, counts: readonly DoorCount[]): Promise<void> {
  if (counts.length === 0) return;
  // In the order of the key, so that two processes do not wait for each other crosswise.
  const sorted = counts.toSorted((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
  await connection.use((client) =>
    client.query({
      name: 'add-door-counts',
      text: `insert into door_counts (source, feed, answer, at, count)
             select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::int[])
             on conflict (source, feed, answer, at) do update set count = door_counts.count + excluded.count`,
      values: [sorted.map(({ source }) => source), sorted.map(({ feed }) => feed), sorted.map(({ answer }) => answer), sorted.map(({ at }) => new Date(at)), sorted.map(({ count }) => count)],
    }),
  );
}

const keyOf = ({ source, feed, answer, at }: DoorCount): string => `${source}\n${feed}\n${answer}\n${String(at)}`;

/** The counts of the last `ms` milliseconds, the oldest first. */
export async function readDoorCounts(connection: LedgerConnection, ms: number): Promise<DoorCount[]> {
  const { rows } = await connection.use((client) =>
    client.query<Omit<DoorCount, 'at'> & { at: Date }>({
      name: 'read-door-counts',
      text: 'select source, feed, answer, at, count from door_counts where at > clock_timestamp() - make_interval(secs => $1::float8 / 1000.0) order by at, source, feed, answer',
      values: [ms],
    }),
  );
  return rows.map((row) => ({ ...row, at: row.at.getTime() }));
}

export async function forgetDoorCounts(connection: LedgerConnection, days: number): Promise<void> {
  await connection.use((client) => client.query('delete from door_counts where at < now() - make_interval(days => $1)', [days]));
}
