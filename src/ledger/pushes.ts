/**
 * Pushes: what a target still needs, written down before it is sent and finished after. A push whose outcome never came, or
 * came after a newer push of the same persons was started, makes those persons pending again, so that a late call can never
 * have the last word.
 */
import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { IdentifiersByPlatform } from '../domain/identifiers.ts';
import type { Consent } from '../domain/event.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';

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
}

export interface Pending {
  operation: PushOperation | 'none';
  members: PendingMember[];
  backlog: Backlog;
}

/**
 * Reads what to push next: removals before adds, the oldest first.
 * @param onlyProfiles for `mode: test`: the customer ids and e-mail hashes that may be pushed; undefined pushes everybody
 */
export async function loadPending(
  connection: LedgerConnection,
  target: TargetRef,
  limit: number,
  onlyProfiles?: readonly string[],
): Promise<Pending> {
  return connection.transaction(async (client) => {
    await retryLostPushes(client, target);
    const backlog = await loadBacklog(client, target);
    for (const [operation, wanted] of [['remove', 'out'], ['add', 'in']] as const) {
      const members = await loadMembers(client, target, wanted, limit, onlyProfiles);
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
  onlyProfiles: readonly string[] | undefined,
): Promise<PendingMember[]> {
  const { rows } = await client.query<{
    person_id: string;
    revision: number;
    customer_id: string | null;
    today: IdentifiersByPlatform;
    former: IdentifiersByPlatform;
    consent: Consent | null;
  }>({
    name: 'load-pending',
    text: `select d.person_id, d.revision, p.customer_id, p.today, p.former, p.consent
           from (select person_id, revision, pending_since from deliveries
                 where destination = $1 and audience_key = $2 and wanted = $3 and status = 'pending'
                   and ($5::text[] is null or person_id in (
                     select person_id from persons where customer_id = any($5) or contacts && $5))
                 order by pending_since limit $4) d
           join persons p using (person_id)
           order by d.pending_since`,
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
  const { rows } = await client.query<{ adds: number; removes: number; oldest: Date | null }>({
    name: 'load-backlog',
    text: `select count(*) filter (where wanted = 'in')::int as adds, count(*) filter (where wanted = 'out')::int as removes,
                  min(pending_since) as oldest
           from deliveries where destination = $1 and audience_key = $2 and status = 'pending'`,
    values: [target.destination, target.audienceKey],
  });
  const [row] = rows;
  return { adds: row?.adds ?? 0, removes: row?.removes ?? 0, oldestPendingAt: row?.oldest?.getTime() ?? null };
}

/** Pushes that never reported and are past their deadline: whatever they did, their persons are pushed again. */
async function retryLostPushes(client: PoolClient, target: TargetRef): Promise<void> {
  const { rows } = await client.query<{ person_ids: string[] }>({
    name: 'retry-lost-pushes',
    text: `update pushes set finished_at = clock_timestamp(), outcome = 'unknown'
           where destination = $1 and audience_key = $2 and finished_at is null and deadline < clock_timestamp()
           returning person_ids`,
    values: [target.destination, target.audienceKey],
  });
  await makePending(client, target, rows.flatMap((row) => row.person_ids));
}

async function makePending(client: PoolClient, target: TargetRef, personIds: readonly string[]): Promise<void> {
  if (personIds.length === 0) return;
  await client.query({
    name: 'make-pending',
    text: `update deliveries set status = 'pending', revision = revision + 1, reason = null,
                                 pending_since = case when status = 'pending' then pending_since else clock_timestamp() end
           where destination = $1 and audience_key = $2 and person_id = any($3)`,
    values: [target.destination, target.audienceKey, personIds],
  });
}

/** Writes a push down before it is sent. Within `deadlineMs` the call has ended, one way or the other. Times are the ledger's own. */
export async function startPush(
  connection: LedgerConnection,
  target: TargetRef,
  push: { operation: PushOperation; members: readonly PendingMember[]; deadlineMs: number },
): Promise<string> {
  const pushId = randomUUID();
  await connection.use((client) =>
    client.query({
      name: 'start-push',
      text: `insert into pushes (push_id, destination, audience_key, operation, person_ids, revisions, started_at, deadline)
             values ($1, $2, $3, $4, $5, $6, clock_timestamp(), clock_timestamp() + make_interval(secs => $7::float8 / 1000.0))`,
      values: [
        pushId,
        target.destination,
        target.audienceKey,
        push.operation,
        push.members.map((member) => member.personId),
        push.members.map((member) => member.revision),
        push.deadlineMs,
      ],
    }),
  );
  return pushId;
}

/** Writes down that the platform refused a push, so that nothing of it was applied. */
export async function abandonPush(connection: LedgerConnection, pushId: string, reason: string): Promise<void> {
  await connection.use((client) =>
    client.query({
      name: 'abandon-push',
      text: 'update pushes set finished_at = clock_timestamp(), outcome = $2 where push_id = $1',
      values: [pushId, reason],
    }),
  );
}

/** What the platform said of one member of a push. */
export interface MemberOutcome {
  personId: string;
  revision: number;
  status: 'accepted' | 'rejected' | 'blocked';
  reason?: string;
}

/**
 * Writes down how a push ended. Only rows whose revision is still the pushed one are settled; newer decisions stay pending.
 * After removals, members who share one of the removed identifiers become pending: an identifier is in the target iff a
 * person who is in has it.
 * @returns how many members are pending again because of this push
 */
export async function finishPush(
  connection: LedgerConnection,
  target: TargetRef,
  push: { pushId: string; operation: PushOperation },
  outcomes: readonly MemberOutcome[],
): Promise<{ again: number }> {
  return connection.transaction(async (client) => {
    const overtaken = await closePush(client, push.pushId, outcomes);
    await settleDeliveries(client, target, outcomes);
    await makePending(client, target, overtaken);
    await client.query({
      name: 'note-success',
      text: `insert into targets (destination, audience_key, last_success_at) values ($1, $2, clock_timestamp())
             on conflict (destination, audience_key) do update set last_success_at = excluded.last_success_at`,
      values: [target.destination, target.audienceKey],
    });
    const sharing = push.operation === 'remove' ? await findSharing(client, target, outcomes.map((outcome) => outcome.personId)) : [];
    await makePending(client, target, sharing);
    return { again: overtaken.length + sharing.length };
  });
}

/** Closes the push and returns its persons that a newer push has carried in the meantime. */
async function closePush(client: PoolClient, pushId: string, outcomes: readonly MemberOutcome[]): Promise<string[]> {
  const accepted = outcomes.filter((outcome) => outcome.status === 'accepted').length;
  await client.query({
    name: 'close-push',
    text: `update pushes set finished_at = clock_timestamp(), outcome = 'answered', accepted = $2, rejected = $3 where push_id = $1`,
    values: [pushId, accepted, outcomes.length - accepted],
  });
  const { rows } = await client.query<{ person_id: string }>({
    name: 'find-newer-pushes',
    text: `select distinct carried.person_id
           from pushes mine
           join pushes newer on newer.destination = mine.destination and newer.audience_key = mine.audience_key
             and newer.started_at > mine.started_at
           cross join unnest(newer.person_ids) as carried (person_id)
           where mine.push_id = $1 and carried.person_id = any(mine.person_ids)`,
    values: [pushId],
  });
  return rows.map((row) => row.person_id);
}

/** Rejects members that no call can carry. */
export async function rejectMembers(connection: LedgerConnection, target: TargetRef, outcomes: readonly MemberOutcome[]): Promise<void> {
  await connection.use((client) => settleDeliveries(client, target, outcomes));
}

async function settleDeliveries(client: PoolClient, target: TargetRef, outcomes: readonly MemberOutcome[]): Promise<void> {
  await client.query({
    name: 'settle-deliveries',
    text: `update deliveries d set
             status = r.status, reason = r.reason, settled_at = clock_timestamp(),
             accepted = case when r.status = 'accepted' then d.wanted else d.accepted end,
             accepted_revision = case when r.status = 'accepted' then d.revision else d.accepted_revision end
           from unnest($3::text[], $4::int[], $5::text[], $6::text[]) as r (person_id, revision, status, reason)
           where d.person_id = r.person_id and d.destination = $1 and d.audience_key = $2 and d.revision = r.revision`,
    values: [
      target.destination,
      target.audienceKey,
      outcomes.map((outcome) => outcome.personId),
      outcomes.map((outcome) => outcome.revision),
      outcomes.map((outcome) => outcome.status),
      outcomes.map((outcome) => outcome.reason ?? null),
    ],
  });
}

/** Members of the target who are in and have a contact in common with one of these persons. */
async function findSharing(client: PoolClient, target: TargetRef, removed: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ person_id: string }>({
    name: 'find-sharing',
    text: `with gone as materialized (
             select array_agg(distinct contact) as contacts from persons, unnest(contacts) as contact where person_id = any($3))
           select p.person_id from persons p, gone
           where p.contacts && gone.contacts and p.person_id <> all($3) and p.merged_into is null
             and exists (select 1 from deliveries d where d.person_id = p.person_id and d.destination = $1 and d.audience_key = $2
                         and d.wanted = 'in' and d.status in ('accepted', 'pending'))`,
    values: [target.destination, target.audienceKey, removed],
  });
  return rows.map((row) => row.person_id);
}

/** Deletes finished pushes older than `days`; they only serve to notice late calls and to look things up. */
export async function forgetOldPushes(connection: LedgerConnection, days: number): Promise<void> {
  await connection.use((client) =>
    client.query('delete from pushes where finished_at < now() - make_interval(days => $1)', [days]),
  );
}
