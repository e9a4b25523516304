/**
 * Pushes: each call to a platform, written down before it is sent and finished after. A push whose outcome never came, or that
 * was under way at the same time as another one of the same persons, makes those persons pending again once all of them have
 * ended, so that a late call can never have the last word.
 */
import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import type { PendingMember, PushOperation } from './pending.ts';

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
  status: 'accepted' | 'processing' | 'rejected' | 'blocked';
  reason?: string;
}

interface Push {
  pushId: string;
  operation: PushOperation;
}

/** A request that the platform has taken in and decides later. */
export interface LaterRequest {
  requestId: string;
  /** When to ask first, and when to stop asking, in milliseconds from now. */
  checkAfterMs: number;
  giveUpAfterMs: number;
}

/**
 * Writes down how a push ended, or that the platform decides `later`. Only rows whose revision is still the pushed one are
 * settled; newer decisions stay pending.
 * @returns how many members are pending again because of this push
 */
export async function finishPush(
  connection: LedgerConnection,
  target: TargetRef,
  push: Push,
  outcomes: readonly MemberOutcome[],
  later?: LaterRequest,
): Promise<{ again: number }> {
  return connection.transaction(async (client) => {
    await noteSuccess(client, target);
    if (!later) return { again: await closePush(client, target, push, outcomes) };
    await client.query({
      name: 'keep-push-open',
      text: `update pushes set request_id = $2, next_check_at = clock_timestamp() + make_interval(secs => $3::float8 / 1000.0),
                               deadline = clock_timestamp() + make_interval(secs => $4::float8 / 1000.0) where push_id = $1`,
      values: [push.pushId, later.requestId, later.checkAfterMs, later.giveUpAfterMs],
    });
    await settleDeliveries(client, target, outcomes);
    return { again: 0 };
  });
}

const noteSuccess = (client: PoolClient, target: TargetRef): Promise<unknown> =>
  client.query({
    name: 'note-success',
    text: `insert into targets (destination, audience_key, last_success_at) values ($1, $2, clock_timestamp())
           on conflict (destination, audience_key) do update set last_success_at = excluded.last_success_at`,
    values: [target.destination, target.audienceKey],
  });

/**
 * Ends a push and settles its rows. After removals, members who share one of the removed identifiers become pending: an
 * identifier is in the target iff a person who is in has it. Returns how many members are pending again.
 */
export async function closePush(client: PoolClient, target: TargetRef, push: Push, outcomes: readonly MemberOutcome[]): Promise<number> {
  const accepted = outcomes.filter((outcome) => outcome.status === 'accepted').length;
  await client.query({
    name: 'close-push',
    text: `update pushes set finished_at = clock_timestamp(), outcome = 'answered', accepted = $2, rejected = $3 where push_id = $1`,
    values: [push.pushId, accepted, outcomes.length - accepted],
  });
  const overlapped = await findOverlapped(client, push.pushId);
  await settleDeliveries(client, target, outcomes);
  await makePending(client, target, overlapped);
  const removed = push.operation === 'remove' ? outcomes.filter(({ status }) => status === 'accepted').map(({ personId }) => personId) : [];
  const sharing = removed.length > 0 ? await findSharing(client, target, removed) : [];
  await makePending(client, target, sharing);
  return overlapped.length + sharing.length;
}

/**
 * Persons of this push, which has just ended, whom another push carried at the same time: nobody knows which of the two the
 * platform applied last. While such another one is still open they are left to it, because it ends later.
 */
async function findOverlapped(client: PoolClient, pushId: string): Promise<string[]> {
  const { rows } = await client.query<{ person_id: string }>({
    name: 'find-overlapped',
    text: `with mine as materialized (
             select push_id, destination, audience_key, started_at from pushes where push_id = $1),
           carried as materialized (
             select unnest(person_ids) as person_id from pushes where push_id = $1),
           others as materialized (
             select unnest(p.person_ids) as person_id, p.finished_at from pushes p, mine
             where p.destination = mine.destination and p.audience_key = mine.audience_key and p.push_id <> mine.push_id
               and p.finished_at > mine.started_at
             union all
             select unnest(p.person_ids), null from pushes p, mine
             where p.destination = mine.destination and p.audience_key = mine.audience_key and p.push_id <> mine.push_id
               and p.finished_at is null)
           select person_id from carried join others using (person_id)
           group by person_id having count(*) = count(finished_at)`,
    values: [pushId],
  });
  return rows.map((row) => row.person_id);
}

/** Rejects members that no call can carry. */
export async function rejectMembers(connection: LedgerConnection, target: TargetRef, outcomes: readonly MemberOutcome[]): Promise<void> {
  await connection.use((client) => settleDeliveries(client, target, outcomes));
}

export async function settleDeliveries(client: PoolClient, target: TargetRef, outcomes: readonly MemberOutcome[]): Promise<void> {
  await client.query({
    name: 'settle-deliveries',
    text: `update deliveries d set
             status = r.status, reason = r.reason, batch = null, settled_at = clock_timestamp(),
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
                         and d.wanted = 'in' and d.status in ('accepted', 'processing', 'pending'))`,
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

/** Pushes that never reported and are past their deadline: whatever they did, their persons are pushed again. */
export async function retryLostPushes(client: PoolClient, target: TargetRef): Promise<void> {
  const { rows } = await client.query<{ person_ids: string[] }>({
    name: 'retry-lost-pushes',
    text: `update pushes set finished_at = clock_timestamp(), outcome = 'unknown'
           where destination = $1 and audience_key = $2 and finished_at is null and deadline < clock_timestamp()
           returning person_ids`,
    values: [target.destination, target.audienceKey],
  });
  await makePending(client, target, rows.flatMap((row) => row.person_ids));
}

export async function makePending(client: PoolClient, target: TargetRef, personIds: readonly string[]): Promise<void> {
  if (personIds.length === 0) return;
  await client.query({
    name: 'make-pending',
    text: `update deliveries set status = 'pending', revision = revision + 1, reason = null,
                                 pending_since = case when status = 'pending' then pending_since else clock_timestamp() end
           where destination = $1 and audience_key = $2 and person_id = any($3)`,
    values: [target.destination, target.audienceKey, personIds],
  });
}
