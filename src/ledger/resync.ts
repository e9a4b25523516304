/** Resync: every member of a target pending again, in chunks in the order of persons, so that it can go on where it stopped. */
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';

export interface ResyncScope {
  /** Also those who have left: their removal is pushed again. */
  withFormer: boolean;
}

/** A target that is given up is not filled again by a resync. */
const PUSHED = "not exists (select 1 from targets t where t.destination = $1 and t.audience_key = $2 and t.life in ('retiring', 'retired', 'kept'))";

/** How many members a resync of the target concerns. */
export async function countForResync(connection: LedgerConnection, target: TargetRef, { withFormer }: ResyncScope): Promise<number> {
  const { rows } = await connection.use((client) =>
    client.query<{ members: number }>(
      `select count(*)::int as members from deliveries where destination = $1 and audience_key = $2 and (wanted = 'in' or $3) and ${PUSHED}`,
      [target.destination, target.audienceKey, withFormer],
    ),
  );
  return rows[0]?.members ?? 0;
}

/**
 * Makes the next `limit` members after person `after` pending. Doing a chunk twice is harmless.
 * @returns how many, the last person of the chunk (null: there are no more), and a time of the ledger that is not before any of them (milliseconds, which are coarser than its own)
 */
export async function markForResync(
  connection: LedgerConnection,
  target: TargetRef,
  { withFormer, after, limit }: ResyncScope & { after: string; limit: number },
): Promise<{ marked: number; last: string | null; at: number }> {
  const { rows } = await connection.use((client) =>
    client.query<{ marked: number; last: string | null; at: Date }>({
      name: 'mark-for-resync',
      text: `with chosen as materialized (
               select person_id from deliveries
               where destination = $1 and audience_key = $2 and person_id > $3 and (wanted = 'in' or $4) and ${PUSHED}
               order by person_id limit $5 for update),
             marked as (
               update deliveries d set status = 'pending', revision = revision + 1, reason = null, batch = null,
                 cause = case when status in ('pending', 'held') then cause end,
                 pending_since = case when status = 'pending' then pending_since else clock_timestamp() end
               from chosen where d.person_id = chosen.person_id and d.destination = $1 and d.audience_key = $2
               returning d.person_id)
             select count(*)::int as marked, max(person_id) as last, clock_timestamp() + interval '1 millisecond' as at from marked`,
      values: [target.destination, target.audienceKey, after, withFormer, limit],
    }),
  );
  const [row] = rows;
  const marked = row?.marked ?? 0;
  return { marked, last: marked < limit ? null : (row?.last ?? null), at: row?.at.getTime() ?? 0 };
}

/** How many members of the target are in and taken in by the platform, whether it has decided on them already or not. */
export async function countTakenIn(connection: LedgerConnection, target: TargetRef): Promise<number> {
  const { rows } = await connection.use((client) =>
    client.query<{ members: number }>("select count(*)::int as members from deliveries where destination = $1 and audience_key = $2 and wanted = 'in' and status in ('accepted', 'processing')", [target.destination, target.audienceKey]),
  );
  return rows[0]?.members ?? 0;
}

/** How many members of the target wait since before `at` (milliseconds since the epoch, by the ledger's clock). */
export async function countPendingSince(connection: LedgerConnection, target: TargetRef, at: number): Promise<number> {
  const { rows } = await connection.use((client) =>
    client.query<{ pending: number }>({
      name: 'count-pending-since',
      text: `select count(*)::int as pending from deliveries
             where destination = $1 and audience_key = $2 and wanted in ('in', 'out') and status = 'pending' and pending_since <= to_timestamp($3::float8 / 1000.0)`,
      values: [target.destination, target.audienceKey, at],
    }),
  );
  return rows[0]?.pending ?? 0;
}
