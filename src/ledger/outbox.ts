/** The outbox: events whose workflow has yet to be started. Written by `applyEvents`, emptied by the relay. */
import type { PoolClient } from 'pg';
import type { Decision, HeadgateEvent } from '../domain/event.ts';
import type { LedgerConnection } from './connection.ts';

export type OutboxEntry =
  | { seq: string; priority: number; action: 'start'; eventId: string; event: HeadgateEvent; decision: Decision }
  | { seq: string; priority: number; action: 'end'; eventId: string };

/**
 * Hands up to `limit` entries to `carry` and deletes those that it returns as done. The entries stay locked meanwhile, so
 * other processes take others; when this process dies, or sleeps for longer than the transaction timeout, they are free again.
 * @returns how many entries were taken and how many of them were done
 */
export async function drainOutbox(
  connection: LedgerConnection,
  limit: number,
  carry: (entries: OutboxEntry[]) => Promise<OutboxEntry[]>,
): Promise<{ taken: number; done: number }> {
  return connection.transaction(async (client) => {
    const entries = await takeEntries(client, limit);
    if (entries.length === 0) return { taken: 0, done: 0 };
    const done = await carry(entries);
    await client.query({
      name: 'delete-outbox',
      text: 'delete from outbox o using unnest($1::smallint[], $2::bigint[]) as d (priority, seq) where (o.priority, o.seq) = (d.priority, d.seq)',
      values: [done.map((entry) => entry.priority), done.map((entry) => entry.seq)],
    });
    return { taken: entries.length, done: done.length };
  });
}

async function takeEntries(client: PoolClient, limit: number): Promise<OutboxEntry[]> {
  const { rows } = await client.query<{
    seq: string;
    priority: number;
    event_id: string;
    action: 'start' | 'end';
    payload: { event: HeadgateEvent; decision: Decision } | null;
  }>({
    name: 'take-outbox',
    text: 'select seq, priority, event_id, action, payload from outbox order by priority, seq limit $1 for update skip locked',
    values: [limit],
  });
  return rows.map((row) =>
    row.action === 'start' && row.payload
      ? { seq: row.seq, priority: row.priority, action: 'start', eventId: row.event_id, ...row.payload }
      : { seq: row.seq, priority: row.priority, action: 'end', eventId: row.event_id },
  );
}

/** How many entries wait, and since when (milliseconds since the epoch; null when none waits). */
export async function outboxLag(connection: LedgerConnection): Promise<{ waiting: number; oldestAt: number | null }> {
  const { rows } = await connection.use((client) =>
    client.query<{ waiting: number; oldest: Date | null }>('select count(*)::int as waiting, min(created_at) as oldest from outbox'),
  );
  return { waiting: rows[0]?.waiting ?? 0, oldestAt: rows[0]?.oldest?.getTime() ?? null };
}
