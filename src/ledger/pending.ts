/** What a target still needs: removals before adds, the oldest first. */
import type { PoolClient } from 'pg';
import type { PushOperation } from '../domain/delivery.ts';
import type { Consent } from '../domain/event.ts';
import type { IdentifiersByPlatform } from '../domain/identifiers.ts';
import type { GuardPolicy } from '../domain/guard.ts';
import { holdsEverything, NOTHING_HELD, oldestOf, type HeldPeople, type Hold } from '../domain/holding.ts';
import type { TargetRef } from '../domain/registry.ts';
import { ADDS_KEEP_ONE_IN, gatherFor, mostAdds, RECENT_MS, whoGoesFirst, type RecentCall } from '../domain/turns.ts';
import type { LedgerConnection } from './connection.ts';
import { CHANGES_SOMETHING, holdWaves, readCauses, type NoticedWave } from './guard.ts';
import { waitingOf } from './held.ts';
import { retryLostPushes } from './pushes.ts';

export type { PushOperation } from '../domain/delivery.ts';

export interface PendingMember {
  personId: string;
  revision: number;
  customerId: string | null;
  today: IdentifiersByPlatform;
  former: IdentifiersByPlatform;
  consent: Consent | null;
  /** Carried together with those of the same batch and nobody else (migration 0002). */
  batch: string | null;
  /** What decided it, when the platform has the person otherwise than is wanted; empty: what the guard never holds. Null: it changes nothing. */
  change: string | null;
  /** Milliseconds since the epoch. */
  pendingSince: number;
}

export interface Backlog {
  adds: number;
  removes: number;
  /** Milliseconds since the epoch; null when nothing is pending. */
  oldestPendingAt: number | null;
  /** What is pending besides and not pushed for now, and why; null while this target holds nobody. */
  held: { adds: number; removes: number; because: string; /** No push is made at all. */ everything: boolean } | null;
  /** Removals that the platform refuses for now, and its reason for one of them. */
  blocked: number;
  blockedReason: string | null;
  /** Members of requests that the platform has taken in and not decided. */
  processing: number;
  /** What the guard holds; absent when it holds nothing. `since` in milliseconds since the epoch. */
  guard?: { adds: number; removes: number; since: number };
}

export interface Pending {
  operation: PushOperation | 'none';
  members: PendingMember[];
  /** Adds are pending, and wait so much longer for more of them, in milliseconds. */
  gatherMs: number;
}

export interface PendingOptions {
  /** What stays pending. Default: nothing. */
  hold?: Hold;
  /** One member and no more, at once: the newest, or the one so many places before it; counted round when fewer are pending. */
  onlyOne?: number | undefined;
  /** Calls are scarce, so each carries as much as it can; otherwise calls of adds start small (domain/turns.ts). */
  callsAreScarce?: boolean;
  /** Adds do not wait for more of them. */
  atOnce?: boolean;
  /** Of a platform that decides later: the longest that a request waits for it, in milliseconds. */
  decidesWithinMs?: number | undefined;
  /** Holds waves before it reads what to push; absent: nothing is a wave. */
  guard?: GuardPolicy | undefined;
  /** Told when a wave is held from now on. */
  onWave?: ((wave: NoticedWave) => void) | undefined;
}

/** Reads what to push next, at most `limit` members: removals before adds. Rows of a batch (migration 0002) come by themselves. */
export async function loadPending(connection: LedgerConnection, target: TargetRef, limit: number, options: PendingOptions = {}): Promise<Pending> {
  const { hold = NOTHING_HELD, onlyOne, callsAreScarce = false, atOnce = false, decidesWithinMs = 0, guard, onWave } = options;
  return connection.transaction(async (client) => {
    const [, recent, causes] = await Promise.all([retryLostPushes(client, target, decidesWithinMs), loadRecentCalls(client, target), guard ? readCauses(client, target, guard) : undefined]);
    const waves = guard && causes ? await holdWaves(client, target, guard, causes) : [];
    if (onWave) waves.forEach(onWave);
    const adds = callsAreScarce ? limit : Math.min(limit, mostAdds(recent));
    for (const operation of whoGoesFirst(recent) === 'remove' ? (['remove', 'add'] as const) : (['add', 'remove'] as const)) {
      const held = operation === 'add' ? hold.adds : hold.removals;
      if (held === 'everybody') continue;
      const whose: Whose = { target, wanted: operation === 'add' ? 'in' : 'out', profiles: profilesOf(held, hold) };
      const members = onlyOne === undefined ? await loadOldest(client, whose, operation === 'add' ? adds : limit) : await loadOne(client, whose, onlyOne);
      const gatherMs = operation === 'add' && !atOnce && onlyOne === undefined && members[0]?.batch === null ? gatherFor(recent, members.length) : 0;
      if (members.length > 0 && gatherMs > 0) return { operation: 'none', members: [], gatherMs };
      if (members.length > 0) return { operation, members, gatherMs: 0 };
    }
    return { operation: 'none', members: [], gatherMs: 0 };
  });
}

/** The events that decided where these people are now. For traces. */
export async function findDecidingEvents(connection: LedgerConnection, audienceKey: string, personIds: readonly string[]): Promise<string[]> {
  const { rows } = await connection.use((client) => client.query<{ event_id: string }>('select event_id from memberships where audience_key = $1 and person_id = any($2)', [audienceKey, personIds]));
  return rows.map((row) => row.event_id);
}

/** Whether a call would find anything to carry. */
export async function hasPending(connection: LedgerConnection, target: TargetRef, { hold = NOTHING_HELD }: Pick<PendingOptions, 'hold'> = {}): Promise<boolean> {
  const goes = [...(hold.adds === 'everybody' ? [] : ['in']), ...(hold.removals === 'everybody' ? [] : ['out'])];
  const { rows } = await connection.use((client) =>
    client.query<{ pending: boolean }>({
      name: 'has-pending',
      text: `select exists (select 1 from deliveries where destination = $1 and audience_key = $2 and wanted = any($3) and status = 'pending' and ${PROFILES('$4')}) as pending`,
      values: [target.destination, target.audienceKey, goes, profilesOf(hold.adds, hold)],
    }),
  );
  return rows[0]?.pending ?? false;
}

/** Whom a hold lets through; null lets everybody. */
const profilesOf = (held: HeldPeople, hold: Hold): readonly string[] | null => (held === 'others' ? hold.testProfiles : null);

/** Profiles that are null let everybody through. */
const PROFILES = (parameter: string): string =>
  `(${parameter}::text[] is null or person_id in (select person_id from persons where customer_id = any(${parameter}) or contacts && ${parameter}))`;

/** The last calls that were started for the target, the newest first. */
async function loadRecentCalls(client: PoolClient, target: TargetRef): Promise<RecentCall[]> {
  const { rows } = await client.query<RecentCall>({
    name: 'load-recent-calls',
    text: `select operation, cardinality(person_ids) as members, extract(epoch from clock_timestamp() - started_at)::float8 * 1000 as "ageMs" from pushes
           where destination = $1 and audience_key = $2 and started_at > clock_timestamp() - make_interval(secs => $3::float8 / 1000.0)
           order by started_at desc limit $4`,
    values: [target.destination, target.audienceKey, RECENT_MS, ADDS_KEEP_ONE_IN - 1],
  });
  return rows;
}

interface Whose {
  target: TargetRef;
  wanted: 'in' | 'out';
  /** Null: everybody's. */
  profiles: readonly string[] | null;
}
interface MemberRow {
  person_id: string;
  revision: number;
  customer_id: string | null;
  today: IdentifiersByPlatform;
  former: IdentifiersByPlatform;
  consent: Consent | null;
  batch: string | null;
  change: string | null;
  pending_since: Date;
}

const PENDING = `destination = $1 and audience_key = $2 and wanted = $3 and status = 'pending' and ${PROFILES('$4')}`;
const MEMBER = 'd.person_id, d.revision, d.batch, d.change, d.pending_since, p.customer_id, p.today, p.former, p.consent';
const CHANGE = `case when ${CHANGES_SOMETHING} then coalesce(cause, '') end as change`;

async function loadOldest(client: PoolClient, { target, wanted, profiles }: Whose, limit: number): Promise<PendingMember[]> {
  const { rows } = await client.query<MemberRow>({
    name: 'load-pending',
    text: `with first as materialized (select batch from deliveries where ${PENDING} order by pending_since limit 1)
           select ${MEMBER}
           from (select person_id, revision, pending_since, deliveries.batch, ${CHANGE} from deliveries, first
                 where ${PENDING} and deliveries.batch is not distinct from first.batch
                 order by pending_since limit $5) d
           join persons p using (person_id)
           order by d.pending_since`,
    values: [target.destination, target.audienceKey, wanted, profiles, limit],
  });
  return rows.map(memberOf);
}

async function loadOne(client: PoolClient, { target, wanted, profiles }: Whose, place: number): Promise<PendingMember[]> {
  const { rows } = await client.query<MemberRow>(
    `select ${MEMBER}
     from (select person_id, revision, batch, pending_since, ${CHANGE} from deliveries where ${PENDING}
           order by pending_since desc limit 1 offset $5::int % greatest(1, (select count(*) from deliveries where ${PENDING}))) d
     join persons p using (person_id)`,
    [target.destination, target.audienceKey, wanted, profiles, place],
  );
  return rows.map(memberOf);
}

const memberOf = (row: MemberRow): PendingMember => ({
  personId: row.person_id,
  revision: row.revision,
  customerId: row.customer_id,
  today: row.today,
  former: row.former,
  consent: row.consent,
  batch: row.batch,
  change: row.change,
  pendingSince: row.pending_since.getTime(),
});

/** Counts what a target needs: for people, not for each call. */
export async function readBacklog(connection: LedgerConnection, target: TargetRef, hold: Hold = NOTHING_HELD): Promise<Backlog> {
  return connection.use(async (client) => {
    const { rows } = await client.query<{ adds: number; removes: number; oldest_add: Date | null; oldest_removal: Date | null; blocked: number; blocked_reason: string | null; processing: number; guarded_adds: number; guarded_removes: number; guarded_since: Date | null }>({
      name: 'read-backlog',
      text: `select p.*, b.*, r.*, g.* from
               (select count(*) filter (where wanted = 'in')::int as adds, count(*) filter (where wanted = 'out')::int as removes,
                       min(pending_since) filter (where wanted = 'in') as oldest_add, min(pending_since) filter (where wanted = 'out') as oldest_removal
                from deliveries where destination = $1 and audience_key = $2 and status = 'pending') p,
               (select count(*)::int as blocked, max(reason) as blocked_reason
                from deliveries where destination = $1 and audience_key = $2 and status = 'blocked') b,
               (select coalesce(sum(cardinality(person_ids)), 0)::int as processing
                from pushes where destination = $1 and audience_key = $2 and finished_at is null and request_id is not null) r,
               (select count(*) filter (where wanted = 'in')::int as guarded_adds, count(*) filter (where wanted = 'out')::int as guarded_removes,
                       (select min(since) from guard_holds where destination = $1 and audience_key = $2 and ended_at is null) as guarded_since
                from deliveries where destination = $1 and audience_key = $2 and status = 'held') g`,
      values: [target.destination, target.audienceKey],
    });
    const [row] = rows;
    const all = {
      in: { count: row?.adds ?? 0, oldestAt: row?.oldest_add?.getTime() ?? null },
      out: { count: row?.removes ?? 0, oldestAt: row?.oldest_removal?.getTime() ?? null },
    };
    const waiting = await waitingOf(client, target, all, hold);
    return {
      adds: waiting.in.count,
      removes: waiting.out.count,
      oldestPendingAt: oldestOf(waiting),
      held: hold.because === null ? null : { adds: all.in.count - waiting.in.count, removes: all.out.count - waiting.out.count, because: hold.because, everything: holdsEverything(hold) },
      blocked: row?.blocked ?? 0,
      blockedReason: row?.blocked_reason ?? null,
      processing: row?.processing ?? 0,
      ...(row?.guarded_since && row.guarded_adds + row.guarded_removes > 0 ? { guard: { adds: row.guarded_adds, removes: row.guarded_removes, since: row.guarded_since.getTime() } } : {}),
    };
  });
}
