/** Giving up: targets that are emptied or left as they are, and audiences with all of theirs. */
import type { PoolClient } from 'pg';
import type { Expiry } from '../domain/fold-batch.ts';
import type { TargetLife } from '../domain/holding.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import { letGo } from './guard.ts';
import { lockTarget } from './target-lock.ts';
import { readSlice, SLICE, type FoundMember, type Slice } from './slices.ts';

/** What is given up: some targets of an audience, or the audience with all of them. */
export interface GivenUp {
  audienceKey: string;
  destinations: readonly string[];
  wholeAudience: boolean;
}

/**
 * Gives up. From now on the targets get no adds; with `keep` nothing is pushed there any more. What is over already stays as it is.
 * @returns how each target stands now
 */
export async function giveUp(connection: LedgerConnection, { audienceKey, destinations, wholeAudience }: GivenUp, keep: boolean): Promise<{ destination: string; life: TargetLife }[]> {
  const life = keep ? 'kept' : 'retiring';
  return connection.transaction(async (client) => {
    // A push is written down under the same lock: whichever is second knows of the first.
    for (const destination of destinations.toSorted()) await lockTarget(client, { destination, audienceKey });
    if (wholeAudience) await giveUpAudience(client, audienceKey, life);
    await client.query(
      `insert into targets as t (destination, audience_key, life, life_since) select destination, $2, $3, clock_timestamp() from unnest($1::text[]) as destination
       on conflict (destination, audience_key) do update set life = excluded.life, life_since = excluded.life_since
         where t.life not in ('retired', 'kept') and t.life <> excluded.life`,
      [destinations, audienceKey, life],
    );
    for (const destination of destinations) await letGo(client, { destination, audienceKey }, { by: 'headgate', because: `the target is ${life}` });
    const { rows } = await client.query<{ destination: string; life: TargetLife }>(
      'select destination, life from targets where audience_key = $2 and destination = any($1) order by destination',
      [destinations, audienceKey],
    );
    return rows;
  });
}

async function giveUpAudience(client: PoolClient, audienceKey: string, life: 'retiring' | 'retired' | 'kept'): Promise<void> {
  await client.query(
    `insert into audiences as a (audience_key, life, life_since) values ($1, $2, clock_timestamp())
     on conflict (audience_key) do update set life = excluded.life, life_since = excluded.life_since where a.life not in ('retired', 'kept') and a.life <> excluded.life`,
    [audienceKey, life],
  );
}

/** Everybody who is in. */
export function nextMembers(connection: LedgerConnection, audienceKey: string, after: string): Promise<Slice<FoundMember>> {
  return readSlice(
    connection,
    'next-members',
    `select person_id, event_id, state = 'in' as found from memberships where audience_key = $1 and person_id > $2 order by person_id limit $3`,
    [audienceKey, after],
  );
}

/**
 * People (`d`) who are wanted in a target (`t`) that is being retired, and may be in it. Not who came since, because nobody is added
 * any more, nor who came back after a removal that was accepted since.
 */
const MAY_BE_IN = `(d.wanted = 'in' and not coalesce(d.status = 'pending' and (
    d.revision = 1 and d.pending_since >= t.life_since
    or d.accepted = 'out' and d.accepted_revision = d.revision - 1 and d.settled_at >= t.life_since), false))`;

export function nextToWithdraw(connection: LedgerConnection, { destination, audienceKey }: TargetRef, after: string): Promise<Slice<FoundMember>> {
  return readSlice(
    connection,
    'next-to-withdraw',
    `select d.person_id, '' as event_id, ${MAY_BE_IN} as found
     from (select * from deliveries where destination = $1 and audience_key = $2 and person_id > $3 order by person_id limit $4) d
     join targets t using (destination, audience_key) order by d.person_id`,
    [destination, audienceKey, after],
  );
}

/** Forgets a slice of a target's deliveries: who is there stays there. Returns where the next one begins; null at the end. */
export async function forgetNextDeliveries(connection: LedgerConnection, { destination, audienceKey }: TargetRef, after: string): Promise<{ forgotten: number; last: string | null }> {
  const { rows } = await connection.use((client) =>
    client.query<{ forgotten: number; last: string | null }>(
      `with slice as (select person_id from deliveries where destination = $1 and audience_key = $2 and person_id > $3 order by person_id limit $4),
            gone as (delete from deliveries d using slice where d.person_id = slice.person_id and d.destination = $1 and d.audience_key = $2)
       select count(*)::int as forgotten, max(person_id) as last from slice`,
      [destination, audienceKey, after, SLICE],
    ),
  );
  const { forgotten = 0, last = null } = rows[0] ?? {};
  return { forgotten, last: forgotten < SLICE ? null : last };
}

/** Who is to go and may still be in. */
const LEAVING = "(wanted = 'out' and (status in ('pending', 'processing', 'blocked', 'held') or status = 'rejected' and accepted = 'in'))";

/** How far a target is that is being retired. */
export interface Leaving {
  life: TargetLife;
  /** Removals that the platform has yet to accept. */
  waiting: number;
  /** Of them, those that it refuses for now, and its reason for one of them. */
  blocked: number;
  /** People who were in and whose removal the platform refused for good, or who cannot be named to it. */
  refused: number;
  reason: string | null;
}

export async function readLeaving(connection: LedgerConnection, { destination, audienceKey }: TargetRef): Promise<Leaving> {
  const { rows } = await connection.use((client) =>
    client.query<Leaving>(
      `select coalesce((select life from targets where destination = $1 and audience_key = $2), 'active') as life,
              count(*) filter (where status <> 'rejected')::int as waiting, count(*) filter (where status = 'blocked')::int as blocked,
              count(*) filter (where status = 'rejected')::int as refused, max(reason) filter (where status in ('blocked', 'rejected')) as reason
       from deliveries where destination = $1 and audience_key = $2 and ${LEAVING}`,
      [destination, audienceKey],
    ),
  );
  return rows[0] ?? { life: 'active', waiting: 0, blocked: 0, refused: 0, reason: null };
}

/**
 * Ends a target that is being retired, when nobody can be in it and no call is under way. One that was never called is empty,
 * whatever is pending. Returns whether it is retired now.
 */
export async function finishRetiring(connection: LedgerConnection, { destination, audienceKey }: TargetRef): Promise<boolean> {
  const { rowCount } = await connection.use((client) =>
    client.query(
      `update targets t set life = 'retired', life_since = clock_timestamp()
       where destination = $1 and audience_key = $2 and life = 'retiring'
         and not exists (select 1 from pushes where destination = $1 and audience_key = $2 and finished_at is null)
         and (last_success_at is null and not exists (select 1 from pushes where destination = $1 and audience_key = $2)
              or not exists (select 1 from deliveries d where d.destination = $1 and d.audience_key = $2 and (${LEAVING} or ${MAY_BE_IN})))`,
      [destination, audienceKey],
    ),
  );
  return rowCount === 1;
}

/** Nobody asks any more what became of a kept target's requests. */
export async function forgetPushes(connection: LedgerConnection, { destination, audienceKey }: TargetRef): Promise<void> {
  await connection.use((client) =>
    client.query("update pushes set finished_at = clock_timestamp(), outcome = 'forgotten' where destination = $1 and audience_key = $2 and finished_at is null", [destination, audienceKey]),
  );
}

/** Ends an audience whose members are gone. Who enters it after this is taken out again by the sweep. */
export async function finishRetiringAudience(connection: LedgerConnection, audienceKey: string): Promise<void> {
  await connection.use((client) =>
    client.query("update audiences set life = 'retired', life_since = clock_timestamp() where audience_key = $1 and life = 'retiring'", [audienceKey]),
  );
}

/** Who is in an audience that was given up, at most `limit`. */
export async function findMembersGivenUp(connection: LedgerConnection, limit: number): Promise<Expiry[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ person_id: string; audience_key: string; event_id: string; now: Date }>(
      `select m.person_id, m.audience_key, m.event_id, clock_timestamp() as now
       from audiences a join memberships m on m.audience_key = a.audience_key and m.state = 'in' where a.life in ('retired', 'kept') limit $1`,
      [limit],
    ),
  );
  return rows.map((row) => ({ personId: row.person_id, audienceKey: row.audience_key, eventId: row.event_id, at: row.now.getTime() }));
}

/** Whether an audience was given up, so that the registry need not have it. */
export async function isAudienceOver(connection: LedgerConnection, audienceKey: string): Promise<boolean> {
  const { rowCount } = await connection.use((client) => client.query("select 1 from audiences where audience_key = $1 and life in ('retired', 'kept')", [audienceKey]));
  return rowCount === 1;
}
