/** What a target still needs: removals before adds, the oldest first. */
import type { PoolClient } from 'pg';
import type { Consent } from '../domain/event.ts';
import type { IdentifiersByPlatform } from '../domain/identifiers.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import { retryLostPushes } from './pushes.ts';

export type PushOperation = 'add' | 'remove';

export interface PendingMember {
  personId: string;
  revision: number;
  customerId: string | null;
  today: IdentifiersByPlatform;
  former: IdentifiersByPlatform;
  consent: Consent | null;
}

export interface Backlog {
  adds: number;
  removes: number;
  /** Milliseconds since the epoch; null when nothing is pending. */
  oldestPendingAt: number | null;
  /** Removals that the platform refuses for now, and its reason for one of them. */
  blocked: number;
  blockedReason: string | null;
  /** Members of requests that the platform has taken in and not decided. */
  processing: number;
}

export interface Pending {
  operation: PushOperation | 'none';
  members: PendingMember[];
  backlog: Backlog;
}

export interface PendingOptions {
  /** For `mode: test`: the customer ids and e-mail hashes that may be pushed; absent: everybody. */
  onlyProfiles?: readonly string[] | undefined;
  /** The newest instead of the oldest. */
  newestFirst?: boolean;
}

/** Reads what to push next: removals before adds. Rows of a batch (migration 0002) come by themselves. */
export async function loadPending(connection: LedgerConnection, target: TargetRef, limit: number, options: PendingOptions = {}): Promise<Pending> {
  return connection.transaction(async (client) => {
    await retryLostPushes(client, target);
    const backlog = await loadBacklog(client, target);
    for (const [operation, wanted] of [['remove', 'out'], ['add', 'in']] as const) {
      const members = await loadMembers(client, target, wanted, limit, options);
      if (members.length > 0) return { operation, members, backlog };
    }
    return { operation: 'none', members: [], backlog };
  });
}

async function loadMembers(
  client: PoolClient,
  target: TargetRef,
  wanted: 'in' | 'out',
  limit: number,
  { onlyProfiles, newestFirst = false }: PendingOptions,
): Promise<PendingMember[]> {
  const order = newestFirst ? 'desc' : 'asc';
  const { rows } = await client.query<{
    person_id: string;
    revision: number;
    customer_id: string | null;
    today: IdentifiersByPlatform;
    former: IdentifiersByPlatform;
    consent: Consent | null;
  }>({
    name: `load-pending-${order}`,
    text: `with wanted as (
             select person_id, revision, pending_since, batch from deliveries
             where destination = $1 and audience_key = $2 and wanted = $3 and status = 'pending'
               and ($5::text[] is null or person_id in (
                 select person_id from persons where customer_id = any($5) or contacts && $5))),
           first as (select batch from wanted order by pending_since ${order} limit 1)
           select d.person_id, d.revision, p.customer_id, p.today, p.former, p.consent
           from (select person_id, revision, pending_since from wanted
                 where batch is not distinct from (select batch from first)
                 order by pending_since ${order} limit $4) d
           join persons p using (person_id)
           order by d.pending_since ${order}`,
    values: [target.destination, target.audienceKey, wanted, limit, onlyProfiles ?? null],
  });
  return rows.map((row) => ({
    personId: row.person_id,
    revision: row.revision,
    customerId: row.customer_id,
    today: row.today,
    former: row.former,
    consent: row.consent,
  }));
}

async function loadBacklog(client: PoolClient, target: TargetRef): Promise<Backlog> {
  const { rows } = await client.query<{
    adds: number;
    removes: number;
    oldest: Date | null;
    blocked: number;
    blocked_reason: string | null;
    processing: number;
  }>({
    name: 'load-backlog',
    text: `select p.*, b.*, r.* from
             (select count(*) filter (where wanted = 'in')::int as adds, count(*) filter (where wanted = 'out')::int as removes,
                     min(pending_since) as oldest
              from deliveries where destination = $1 and audience_key = $2 and status = 'pending') p,
             (select count(*)::int as blocked, max(reason) as blocked_reason
              from deliveries where destination = $1 and audience_key = $2 and status = 'blocked') b,
             (select coalesce(sum(cardinality(person_ids)), 0)::int as processing
              from pushes where destination = $1 and audience_key = $2 and finished_at is null and request_id is not null) r`,
    values: [target.destination, target.audienceKey],
  });
  const [row] = rows;
  return {
    adds: row?.adds ?? 0,
    removes: row?.removes ?? 0,
    oldestPendingAt: row?.oldest?.getTime() ?? null,
    blocked: row?.blocked ?? 0,
    blockedReason: row?.blocked_reason ?? null,
    processing: row?.processing ?? 0,
  };
}
