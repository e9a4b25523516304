/** What platforms told of the size of each target, what Headgate had there, and whether the two have parted. */
import { shownShare, type SizeReading, type SizeVerdict } from '../domain/drift.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';

/** What Headgate has at a target, and what it did there lately. */
export interface SizeCounts {
  takenIn: number;
  entering: number;
  leaving: number;
  matchRate: string | null;
  earlierShares: number[];
}

/** Readings that are looked at, to judge the next one or drift. */
const LOOKED_AT = 12;

/** Of these targets, those whose size is to be read: it was long ago, or calls have been made for so long and it never was. */
export async function findSizesDue(connection: LedgerConnection, targets: readonly TargetRef[], everyMs: number): Promise<TargetRef[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ destination: string; audience_key: string }>(
      `select own.destination, own.audience_key from unnest($1::text[], $2::text[]) as own (destination, audience_key)
       join targets t using (destination, audience_key)
       where t.life = 'active' and coalesce(
         (select max(read_at) from audience_sizes s where s.destination = own.destination and s.audience_key = own.audience_key),
         (select min(at) from target_flow f where f.destination = own.destination and f.audience_key = own.audience_key and f.cause = '')) < clock_timestamp() - make_interval(secs => $3::float8 / 1000.0)
       order by own.destination, own.audience_key`,
      [targets.map(({ destination }) => destination), targets.map(({ audienceKey }) => audienceKey), everyMs],
    ),
  );
  return rows.map((row) => ({ destination: row.destination, audienceKey: row.audience_key }));
}

/** @param latelyMs how long the platform takes to show who comes and goes */
export async function countForSize(connection: LedgerConnection, { destination, audienceKey }: TargetRef, latelyMs: number): Promise<SizeCounts> {
  return connection.use(async (client) => {
    const { rows } = await client.query<{ taken_in: number; entering: number; leaving: number; match_rate: string | null }>(
      `select d.taken_in, f.entering, f.leaving, (select match_rate from targets where destination = $1 and audience_key = $2) as match_rate from
         (select count(*)::int as taken_in from deliveries where destination = $1 and audience_key = $2 and (accepted = 'in' or wanted = 'in' and status = 'processing')) d,
         (select coalesce(sum(changes) filter (where operation = 'add'), 0)::int as entering, coalesce(sum(changes) filter (where operation = 'remove'), 0)::int as leaving
          from target_flow where destination = $1 and audience_key = $2 and cause = '' and at > clock_timestamp() - make_interval(secs => $3::float8 / 1000.0)) f`,
      [destination, audienceKey, latelyMs],
    );
    const [row] = rows;
    const takenIn = row?.taken_in ?? 0;
    const earlier = await client.query<SizeRow>(
      `select * from audience_sizes where destination = $1 and audience_key = $2 and verdict = 'explained' order by read_at desc limit $3`,
      [destination, audienceKey, LOOKED_AT],
    );
    const earlierShares = earlier.rows.map(readingOf).flatMap((reading) => shownShare(reading) ?? []);
    return { takenIn, entering: Math.min(takenIn, row?.entering ?? 0), leaving: row?.leaving ?? 0, matchRate: row?.match_rate ?? null, earlierShares };
  });
}

/** Keeps a reading. Its time is the ledger's own. */
export async function noteSize(connection: LedgerConnection, reading: Omit<SizeReading, 'readAt'>): Promise<void> {
  await connection.use((client) =>
    client.query(
      `insert into audience_sizes (destination, audience_key, at_least, at_most, failure, taken_in, entering, leaving, match_rate, verdict, message)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [reading.destination, reading.audienceKey, reading.told?.atLeast ?? null, reading.told?.atMost ?? null, reading.failure, reading.takenIn, reading.entering, reading.leaving, reading.matchRate, reading.verdict, reading.message],
    ),
  );
}

interface SizeRow {
  destination: string;
  audience_key: string;
  read_at: Date;
  at_least: number | null;
  at_most: number | null;
  failure: string | null;
  taken_in: number;
  entering: number;
  leaving: number;
  match_rate: string | null;
  verdict: SizeVerdict;
  message: string;
}

const readingOf = (row: SizeRow): SizeReading => ({
  destination: row.destination, audienceKey: row.audience_key, readAt: row.read_at.getTime(), told: row.at_least === null || row.at_most === null ? null : { atLeast: row.at_least, atMost: row.at_most },
  failure: row.failure, takenIn: row.taken_in, entering: row.entering, leaving: row.leaving, matchRate: row.match_rate, verdict: row.verdict, message: row.message,
});

/** The newest readings of one target, for a curve. */
export async function readSizes(connection: LedgerConnection, { destination, audienceKey }: TargetRef, limit: number): Promise<SizeReading[]> {
  const { rows } = await connection.use((client) =>
    client.query<SizeRow>('select * from audience_sizes where destination = $1 and audience_key = $2 order by read_at desc limit $3', [destination, audienceKey, limit]),
  );
  return rows.map(readingOf);
}

/** The newest readings of every target that is pushed to, the newest of each first. @param audienceKey only of this audience */
export async function listSizes(connection: LedgerConnection, { perTarget = LOOKED_AT, audienceKey }: { perTarget?: number; audienceKey?: string } = {}): Promise<SizeReading[][]> {
  const { rows } = await connection.use((client) =>
    client.query<SizeRow>(
      `select s.* from targets t cross join lateral (
         select * from audience_sizes where destination = t.destination and audience_key = t.audience_key order by read_at desc limit $1) s
       where t.life = 'active' and ($2::text is null or t.audience_key = $2) order by s.audience_key, s.destination, s.read_at desc`,
      [perTarget, audienceKey ?? null],
    ),
  );
  const byTarget = Map.groupBy(rows.map(readingOf), (reading) => `${reading.destination}/${reading.audienceKey}`);
  return [...byTarget.values()];
}

export async function forgetOldSizes(connection: LedgerConnection, days: number): Promise<void> {
  await connection.use((client) => client.query('delete from audience_sizes where read_at < now() - make_interval(days => $1)', [days]));
}
