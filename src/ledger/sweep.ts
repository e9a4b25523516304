/** The sweep's view of the ledger: windows that are over, and targets with something to push. */
import type { Expiry } from '../domain/fold-batch.ts';
import type { TargetRef } from '../domain/registry.ts';
import { underLock } from './advisory-lock.ts';
import type { LedgerConnection } from './connection.ts';

/** Runs `work` unless another process is sweeping right now. Returns whether it ran. */
export const underSweepLock = (connection: LedgerConnection, work: () => Promise<void>): Promise<boolean> => underLock(connection, 'sweep', work);

/** Memberships whose window is over and which nobody has expired yet, at most `limit`, the longest overdue first. */
export async function findOverdue(connection: LedgerConnection, audienceKeys: readonly string[], limit: number): Promise<Expiry[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ person_id: string; audience_key: string; event_id: string; now: Date }>(
      `select person_id, audience_key, event_id, clock_timestamp() as now from memberships
       where state = 'in' and audience_key = any($1) and expires_at <= clock_timestamp() order by expires_at limit $2`,
      [audienceKeys, limit],
    ),
  );
  return rows.map((row) => ({ personId: row.person_id, audienceKey: row.audience_key, eventId: row.event_id, at: row.now.getTime() }));
}

/** How many windows are over, counted up to 10,000, and since when the first is (milliseconds since the epoch). */
export async function countOverdue(connection: LedgerConnection, audienceKeys: readonly string[]): Promise<{ windows: number; oldestAt: number | null }> {
  const { rows } = await connection.use((client) =>
    client.query<{ windows: number; oldest: Date | null }>(
      `select count(*)::int as windows, min(expires_at) as oldest from
         (select expires_at from memberships where state = 'in' and audience_key = any($1) and expires_at <= clock_timestamp() limit 10000) m`,
      [audienceKeys],
    ),
  );
  return { windows: rows[0]?.windows ?? 0, oldestAt: rows[0]?.oldest?.getTime() ?? null };
}

/** Targets that have pending deliveries, a request to ask about, or a push whose outcome never came. */
export async function findTargetsToPush(connection: LedgerConnection): Promise<TargetRef[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ destination: string; audience_key: string }>(
      `select distinct destination, audience_key from deliveries where status = 'pending'
       union select destination, audience_key from pushes where finished_at is null and (deadline < clock_timestamp() or next_check_at < clock_timestamp())`,
    ),
  );
  return rows.map((row) => ({ destination: row.destination, audienceKey: row.audience_key }));
}
