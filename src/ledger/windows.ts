/** Members whose window is another one than the registry's. */
import type { LedgerConnection } from './connection.ts';
import { readSlice, type FoundMember, type Slice } from './slices.ts';

/** When a window of so many milliseconds ends. */
const windowEnd = (windowMs: string): string => `(occurred_at + make_interval(secs => ${windowMs}::float8 / 1000.0))`;

/** Members whose window is not the given one (milliseconds; null: none). */
export function nextToRewindow(connection: LedgerConnection, audienceKey: string, windowMs: number | null, after: string): Promise<Slice<FoundMember>> {
  return readSlice(
    connection,
    'next-to-rewindow',
    `select person_id, event_id, state = 'in' and expires_at is distinct from ${windowEnd('$3')} as found
     from memberships where audience_key = $1 and person_id > $2 order by person_id limit $4`,
    [audienceKey, after, windowMs],
  );
}

/** What another window would do to the members. */
export interface WindowChange {
  members: number;
  /** Their window would be over already. */
  endNow: number;
  sooner: number;
  /** Includes those who would have no end. */
  later: number;
}

/** @param windowMs null: without an end */
export async function countWindowChange(connection: LedgerConnection, audienceKey: string, windowMs: number | null): Promise<WindowChange> {
  const { rows } = await connection.use((client) =>
    client.query<WindowChange>(
      `select count(*)::int as members, count(*) filter (where next <= clock_timestamp())::int as "endNow",
              count(*) filter (where next > clock_timestamp() and next < coalesce(expires_at, 'infinity'))::int as sooner,
              count(*) filter (where coalesce(next, 'infinity') > expires_at)::int as later
       from (select expires_at, ${windowEnd('$2')} as next from memberships where audience_key = $1 and state = 'in') m`,
      [audienceKey, windowMs],
    ),
  );
  return rows[0] ?? { members: 0, endNow: 0, sooner: 0, later: 0 };
}
