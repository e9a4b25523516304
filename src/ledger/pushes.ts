/**
 * Pushes: each call to a platform, written down before it is sent and finished after. A push whose outcome never came, or that
 * was under way at the same time as another one of the same persons, makes those persons pending again once all of them have
 * ended, so that a late call can never have the last word.
 */
import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import { changesOf, noteFlow } from './flow.ts';
import type { PendingMember, PushOperation } from './pending.ts';
import { lockTarget } from './target-lock.ts';

/** A push that was written down, or for how long to wait before reading anew what is pending (milliseconds). */
export type StartedPush = { pushId: string } | { busyMs: number };

/**
 * Writes a push down before it is sent. Within `deadlineMs` the call has ended, one way or the other. Times are the ledger's own.
 * Refused while another call to the target may be under way, so that there is never more than one, whatever becomes of workers;
 * and when a member is no longer pending: a worker that slept since it read must not carry whom newer pushes have carried. (One who is
 * pending with a newer decision may go: the newer one goes after it.) And when the target was given up since the call was put together.
 */
export async function startPush(
  connection: LedgerConnection,
  target: TargetRef,
  push: { operation: PushOperation; members: readonly PendingMember[]; deadlineMs: number },
): Promise<StartedPush> {
  const pushId = randomUUID();
  return connection.transaction(async (client) => {
    const locked = lockTarget(client, target);
    const inserted = client.query({
      name: 'start-push',
      text: `insert into pushes (push_id, destination, audience_key, operation, person_ids, revisions, started_at, deadline, changes)
             select $1::uuid, $2, $3, $4, $5::text[], $6::integer[], clock_timestamp(), clock_timestamp() + make_interval(secs => $7::float8 / 1000.0), $8::jsonb
             where not exists (select 1 from pushes where destination = $2 and audience_key = $3 and ${UNDER_WAY})
               and not exists (select 1 from targets where destination = $2 and audience_key = $3 and (life in ('retired', 'kept') or life = 'retiring' and $4 = 'add'))
               and not exists (
                 select 1 from unnest($5::text[]) as r (person_id)
                 left join deliveries d on d.person_id = r.person_id and coalesce(d.destination = $2 and d.audience_key = $3, false)
                 where d.status is distinct from 'pending')`,
      values: [
        pushId,
        target.destination,
        target.audienceKey,
        push.operation,
        push.members.map((member) => member.personId),
        push.members.map((member) => member.revision),
        push.deadlineMs,
        JSON.stringify(changesOf(push.members)),
      ],
    });
    const [, { rowCount }] = await Promise.all([locked, inserted]);
    if (rowCount === 1) return { pushId };
    const { rows } = await client.query<{ ms: number | null }>(
      `select extract(epoch from max(deadline) - clock_timestamp())::float8 * 1000 as ms from pushes where destination = $1 and audience_key = $2 and ${UNDER_WAY}`,
      [target.destination, target.audienceKey],
    );
    return { busyMs: Math.max(1, Math.ceil(rows[0]?.ms ?? 0)) };
  });
}

/** Nobody has said that the call has ended, and it may go on. */
const UNDER_WAY = 'finished_at is null and outcome is null and request_id is null and deadline > clock_timestamp()';

/**
 * Writes down that a call has ended without an answer: it may have been applied, or be applied within `mightForMs`. Its rows stay pending, and are
 * pushed once more after that, also when it was taken for lost before: whoever made it has slept, and its call came later than those that replaced it.
 */
export async function notePushUnanswered(connection: LedgerConnection, pushId: string, mightForMs: number): Promise<void> {
  await connection.use((client) =>
    Promise.all([
      client.query({
        name: 'note-unanswered',
        text: `update pushes set outcome = 'unknown', finished_at = null, deadline = greatest(deadline, clock_timestamp() + make_interval(secs => $2::float8 / 1000.0))
               where push_id = $1`,
        values: [pushId, mightForMs],
      }),
      noteFlow(client, pushId, false),
    ]),
  );
}

/** Writes down that the platform refused a push, so that nothing of it was applied. */
export async function abandonPush(connection: LedgerConnection, pushId: string, reason: string): Promise<void> {
  await connection.use((client) =>
    Promise.all([
      client.query({
        name: 'abandon-push',
        text: 'update pushes set finished_at = clock_timestamp(), outcome = $2 where push_id = $1',
        values: [pushId, reason],
      }),
      noteFlow(client, pushId, false),
    ]),
  );
}

/** What the platform said of one member of a push. */
export interface MemberOutcome {
  personId: string;
  revision: number;
  status: 'accepted' | 'processing' | 'rejected' | 'blocked';
  reason?: string;
}

export interface Push {
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
    await Promise.all([noteSuccess(client, target), noteFlow(client, push.pushId, true)]);
    if (!later) return { again: await closePush(client, target, push, outcomes) };
    await client.query({
      name: 'keep-push-open',
      text: `update pushes set finished_at = null, request_id = $2, next_check_at = clock_timestamp() + make_interval(secs => $3::float8 / 1000.0),
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
  const closed = await client.query<{ carried: number }>({
    name: 'close-push',
    text: `update pushes set finished_at = clock_timestamp(), outcome = 'answered', accepted = $2, rejected = $3 where push_id = $1
           returning cardinality(person_ids) as carried`,
    values: [push.pushId, accepted, outcomes.length - accepted],
  });
  const overlapped = await findOverlapped(client, push.pushId);
  const settled = await settleDeliveries(client, target, outcomes);
  await makePending(client, target, overlapped);
  const removed = push.operation === 'remove' ? outcomes.filter(({ status }) => status === 'accepted').map(({ personId }) => personId) : [];
  const sharing = removed.length > 0 ? await findSharing(client, target, removed) : [];
  await makePending(client, target, sharing);
  const outdated = settled < (closed.rows[0]?.carried ?? 0) ? await findOutdated(client, push.pushId) : [];
  await makePending(client, target, outdated);
  return overlapped.length + sharing.length + outdated.length;
}

/**
 * Who has to be pushed again because a push, which has just ended, carried what was no longer so:
 * - persons whose newer state is settled already: whoever made this call had slept since it read them
 * - those into whom a carried person has been merged since
 * - after an add of somebody who has lost an e-mail since, whoever is out and has that contact: their removal takes it out again
 */
async function findOutdated(client: PoolClient, pushId: string): Promise<string[]> {
  const { rows } = await client.query<{ person_id: string }>({
    name: 'find-outdated',
    text: `with push as materialized (
             select operation, destination, audience_key, person_ids, revisions from pushes where push_id = $1),
           carried as materialized (
             select u.person_id, u.revision, push.operation, d.revision as now, d.status, d.lost_revision
             from push cross join unnest(push.person_ids, push.revisions) as u (person_id, revision)
             left join deliveries d on d.person_id = u.person_id and d.destination = push.destination and d.audience_key = push.audience_key),
           bereft as materialized (
             select person_id from carried where operation = 'add' and revision < lost_revision),
           lost as materialized (
             select array_agg(distinct contact) as contacts from bereft join persons using (person_id), unnest(contacts) as contact)
           select person_id from carried where now > revision and status in ('accepted', 'rejected')
           union
           select p.merged_into from carried join persons p using (person_id) where carried.now is null and p.merged_into is not null
           union
           select p.person_id from lost, push, persons p join deliveries d using (person_id)
           where p.contacts && lost.contacts and p.person_id not in (select person_id from bereft)
             and d.destination = push.destination and d.audience_key = push.audience_key and d.wanted = 'out'`,
    values: [pushId],
  });
  return rows.map((row) => row.person_id);
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

/** Returns how many of the rows were still as the push had read them. */
async function settleDeliveries(client: PoolClient, target: TargetRef, outcomes: readonly MemberOutcome[]): Promise<number> {
  // Without a name, so that it is planned for these rows; and with coalesce, because of a table that it has not analysed yet Postgres
  // guesses that a target has one row, and goes through all outcomes for each. Both take time by the square of a large call.
  const { rowCount } = await client.query({
    text: `update deliveries d set
             status = r.status, reason = r.reason, batch = null, cause = null, settled_at = clock_timestamp(),
             accepted = case when r.status = 'accepted' then d.wanted else d.accepted end,
             accepted_revision = case when r.status = 'accepted' then d.revision else d.accepted_revision end
           from unnest($3::text[], $4::int[], $5::text[], $6::text[]) as r (person_id, revision, status, reason)
           where d.person_id = r.person_id and d.revision = r.revision and coalesce(d.destination = $1 and d.audience_key = $2, false)`,
    values: [
      target.destination,
      target.audienceKey,
      outcomes.map((outcome) => outcome.personId),
      outcomes.map((outcome) => outcome.revision),
      outcomes.map((outcome) => outcome.status),
      outcomes.map((outcome) => outcome.reason ?? null),
    ],
  });
  return rowCount ?? 0;
}

/**
 * Members of the target who are in and have a contact in common with one of these persons, or their customer id in another `people` scope.
 * Of a person who has been merged since, the contacts of then.
 */
async function findSharing(client: PoolClient, target: TargetRef, removed: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ person_id: string }>({
    name: 'find-sharing',
    text: `with gone as materialized (
             select array_agg(distinct contact) as contacts from persons, unnest(contacts) as contact where person_id = any($3)),
           sharing as (
             select p.person_id from persons p, gone where p.contacts && gone.contacts
             union
             select i.person_id from persons p join person_identifiers i on i.kind = 'customer_id' and i.value = p.customer_id
             where p.person_id = any($3))
           select person_id from sharing join deliveries d using (person_id)
           where person_id <> all($3) and d.destination = $1 and d.audience_key = $2
             and d.wanted = 'in' and d.status in ('accepted', 'processing', 'pending')`,
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

/**
 * Pushes that never reported and are past their deadline: whatever they did, their persons are pushed again, and those who shared an
 * identifier with somebody who may have been removed. Where the platform `decidesWithinMs` and not at once, it may have taken such a call
 * in as a request that nobody can ask about: then all of them are pushed once more when it must have been decided.
 */
export async function retryLostPushes(client: PoolClient, target: TargetRef, decidesWithinMs: number): Promise<void> {
  const { rows } = await client.query<{ push_id: string; operation: PushOperation; person_ids: string[] }>({
    name: 'retry-lost-pushes',
    text: `update pushes set outcome = 'unknown', deadline = deadline + make_interval(secs => $3::float8 / 1000.0),
                             finished_at = case when outcome is null and request_id is null and $3 > 0 then null else clock_timestamp() end
           where destination = $1 and audience_key = $2 and finished_at is null and deadline < clock_timestamp()
           returning push_id, operation, person_ids`,
    values: [target.destination, target.audienceKey, decidesWithinMs],
  });
  for (const { push_id: pushId, operation, person_ids: personIds } of rows) {
    const outdated = await findOutdated(client, pushId);
    const sharing = operation === 'remove' ? await findSharing(client, target, personIds) : [];
    await makePending(client, target, [...new Set([...personIds, ...outdated, ...sharing])]);
  }
}

export async function makePending(client: PoolClient, target: TargetRef, personIds: readonly string[]): Promise<void> {
  if (personIds.length === 0) return;
  await client.query({
    name: 'make-pending',
    text: `update deliveries set status = 'pending', revision = revision + 1, reason = null,
                                 cause = case when status in ('pending', 'held') then cause end,
                                 pending_since = case when status = 'pending' then pending_since else clock_timestamp() end
           where destination = $1 and audience_key = $2 and person_id = any($3)`,
    values: [target.destination, target.audienceKey, personIds],
  });
}
