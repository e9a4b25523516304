/** Requests that a platform has taken in and decides later: which to ask about, and what became of them. */
import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import type { PushOperation } from './pending.ts';
import { closePush, makePending, type MemberOutcome } from './pushes.ts';

export interface OpenRequest {
  pushId: string;
  requestId: string;
  operation: PushOperation;
  /** How many members it carries. */
  members: number;
  /** How often it was asked about. */
  checks: number;
}

/** Requests of a target that are to be asked about now, at most `limit`. */
export async function findDueRequests(connection: LedgerConnection, target: TargetRef, limit: number): Promise<OpenRequest[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ push_id: string; request_id: string; operation: PushOperation; members: number; checks: number }>({
      name: 'find-due-requests',
      text: `select push_id, request_id, operation, cardinality(person_ids) as members, checks from pushes
             where destination = $1 and audience_key = $2 and finished_at is null and request_id is not null and next_check_at <= clock_timestamp()
             order by next_check_at limit $3`,
      values: [target.destination, target.audienceKey, limit],
    }),
  );
  return rows.map((row) => ({ pushId: row.push_id, requestId: row.request_id, operation: row.operation, members: row.members, checks: row.checks }));
}

/** When the first open request of a target is to be asked about, in milliseconds from now; null when there is none. */
export async function readNextCheck(connection: LedgerConnection, target: TargetRef): Promise<number | null> {
  const { rows } = await connection.use((client) =>
    client.query<{ ms: number | null }>({
      name: 'read-next-check',
      text: `select extract(epoch from min(next_check_at) - clock_timestamp())::float8 * 1000 as ms from pushes
             where destination = $1 and audience_key = $2 and finished_at is null and request_id is not null`,
      values: [target.destination, target.audienceKey],
    }),
  );
  const ms = rows[0]?.ms ?? null;
  return ms === null ? null : Math.max(0, Math.ceil(ms));
}

/** The platform has not decided: it is asked again later. Milliseconds from now. */
export async function postponeCheck(connection: LedgerConnection, pushId: string, checkAfterMs: number): Promise<void> {
  await connection.use((client) =>
    client.query({
      name: 'postpone-check',
      text: 'update pushes set checks = checks + 1, next_check_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000.0) where push_id = $1',
      values: [pushId, checkAfterMs],
    }),
  );
}

/** What the platform decided. `again`: nothing of it counts, and the members are pushed anew; `split`: the same, in two halves by themselves. */
export type Settlement = { status: 'accepted' } | { status: 'rejected'; reason: string } | { status: 'again' } | { status: 'split' };

/**
 * Ends a request. A request that has ended already (given up, say) is left alone.
 * @returns how many members are pending again
 */
export async function settleRequest(connection: LedgerConnection, target: TargetRef, { pushId, operation }: OpenRequest, settlement: Settlement, matchRate?: string): Promise<{ again: number }> {
  return connection.transaction(async (client) => {
    const { rows } = await client.query<{ person_ids: string[]; revisions: number[] }>({
      name: 'lock-request',
      text: 'select person_ids, revisions from pushes where push_id = $1 and finished_at is null for update',
      values: [pushId],
    });
    const [push] = rows;
    if (!push) return { again: 0 };
    if (matchRate !== undefined) {
      const values = [target.destination, target.audienceKey, matchRate];
      await client.query('update targets set match_rate = $3 where destination = $1 and audience_key = $2', values);
    }
    const outcomes = push.person_ids.map((personId, index) => ({ personId, revision: push.revisions[index] ?? 0 }));
    if (settlement.status === 'accepted' || settlement.status === 'rejected') {
      return { again: await closePush(client, target, { pushId, operation }, outcomes.map((one): MemberOutcome => ({ ...one, ...settlement }))) };
    }
    await closePush(client, target, { pushId, operation }, []);
    const half = Math.ceil(outcomes.length / 2);
    const parts = settlement.status === 'split' ? [outcomes.slice(0, half), outcomes.slice(half)] : [outcomes];
    for (const part of parts) await sendAgain(client, target, part, settlement.status === 'split' ? randomUUID() : null);
    return { again: outcomes.length };
  });
}

/** Rows that nothing newer was decided for become pending, together as `batch`. */
async function sendAgain(client: PoolClient, target: TargetRef, members: readonly { personId: string; revision: number }[], batch: string | null): Promise<void> {
  // Without a name and with coalesce, as in settleDeliveries.
  await client.query({
    text: `update deliveries d set status = 'pending', revision = d.revision + 1, batch = $5, cause = null, reason = null, pending_since = clock_timestamp()
           from unnest($3::text[], $4::int[]) as r (person_id, revision)
           where d.person_id = r.person_id and d.revision = r.revision and coalesce(d.destination = $1 and d.audience_key = $2 and d.status = 'processing', false)`,
    values: [target.destination, target.audienceKey, members.map((one) => one.personId), members.map((one) => one.revision), batch],
  });
}

/** Removals that a platform refused so long ago (milliseconds) are tried again. */
export async function retryBlocked(connection: LedgerConnection, olderThanMs: number): Promise<number> {
  const { rowCount } = await connection.use((client) =>
    client.query(`update deliveries set status = 'pending', reason = null where status = 'blocked' and settled_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000.0)`, [olderThanMs]),
  );
  return rowCount ?? 0;
}

/**
 * What a person asks for: rejected and blocked members of a target are tried again.
 * @param who a customer id or a person id; undefined: all of them
 */
export async function retryRefused(connection: LedgerConnection, target: TargetRef, who: string | undefined): Promise<number> {
  return connection.transaction(async (client) => {
    const { rows } = await client.query<{ person_id: string }>(
      `select d.person_id from deliveries d join persons p using (person_id)
       where d.destination = $1 and d.audience_key = $2 and d.status in ('rejected', 'blocked')
         and ($3::text is null or d.person_id = $3 or p.customer_id = $3)`,
      [target.destination, target.audienceKey, who ?? null],
    );
    await makePending(client, target, rows.map((row) => row.person_id));
    return rows.length;
  });
}
