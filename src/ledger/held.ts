/** What is held at a target: pending, and not pushed for now. Told apart when it is read. */
import type { PoolClient } from 'pg';
import type { IdentifiersByPlatform } from '../domain/identifiers.ts';
import { NOTHING_PENDING, withoutHeld, type Hold, type PendingCounts } from '../domain/holding.ts';
import type { MembershipState } from '../domain/membership.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';

/** `$3` and `$4` say whose adds and removals are held, `$5` who the test profiles are. */
const HELD = `d.destination = $1 and d.audience_key = $2 and d.status = 'pending'
  and (case d.wanted when 'in' then $3 else $4 end = 'everybody'
       or case d.wanted when 'in' then $3 else $4 end = 'others' and not (coalesce(p.customer_id = any($5), false) or p.contacts && $5))`;

/** Of all that is pending at a target, what is not held. */
export async function waitingOf(client: PoolClient, target: TargetRef, all: PendingCounts, hold: Hold): Promise<PendingCounts> {
  const looksAtProfiles = hold.adds === 'others' || hold.removals === 'others';
  return withoutHeld(all, looksAtProfiles ? await countProfiles(client, target, hold.testProfiles) : NOTHING_PENDING, hold);
}

/** The same, for whoever has counted all targets at once. */
export async function readWaiting(connection: LedgerConnection, target: TargetRef, all: PendingCounts, hold: Hold): Promise<PendingCounts> {
  return connection.use((client) => waitingOf(client, target, all, hold));
}

async function countProfiles(client: PoolClient, target: TargetRef, profiles: readonly string[]): Promise<PendingCounts> {
  const { rows } = await client.query<{ wanted: MembershipState; count: number; oldest: Date }>({
    name: 'count-pending-profiles',
    text: `select d.wanted, count(*)::int as count, min(d.pending_since) as oldest from deliveries d join persons p using (person_id)
           where d.destination = $1 and d.audience_key = $2 and d.status = 'pending' and (p.customer_id = any($3) or p.contacts && $3) group by d.wanted`,
    values: [target.destination, target.audienceKey, profiles],
  });
  const of = (wanted: MembershipState): PendingCounts[MembershipState] => {
    const row = rows.find((one) => one.wanted === wanted);
    return { count: row?.count ?? 0, oldestAt: row?.oldest.getTime() ?? null };
  };
  return { in: of('in'), out: of('out') };
}

/** Somebody whose push is held. */
export interface HeldMember {
  personId: string;
  customerId: string | null;
  wanted: MembershipState;
  /** Milliseconds since the epoch. */
  since: number;
  today: IdentifiersByPlatform;
  former: IdentifiersByPlatform;
}

export interface HeldView {
  adds: number;
  removes: number;
  /** Removals first, the oldest first. */
  members: HeldMember[];
}

/** What a target holds, and at most `limit` of the persons. */
export async function readHeld(connection: LedgerConnection, target: TargetRef, hold: Hold, limit: number): Promise<HeldView> {
  const keyed = [target.destination, target.audienceKey, hold.adds, hold.removals, hold.testProfiles];
  return connection.use(async (client) => {
    const counts = await client.query<{ adds: number; removes: number }>(
      `select count(*) filter (where d.wanted = 'in')::int as adds, count(*) filter (where d.wanted = 'out')::int as removes
       from deliveries d join persons p using (person_id) where ${HELD}`,
      keyed,
    );
    const { rows } = await client.query<{ person_id: string; customer_id: string | null; wanted: MembershipState; pending_since: Date; today: IdentifiersByPlatform; former: IdentifiersByPlatform }>(
      `select d.person_id, p.customer_id, d.wanted, d.pending_since, p.today, p.former
       from deliveries d join persons p using (person_id) where ${HELD} order by d.wanted desc, d.pending_since limit $6`,
      [...keyed, limit],
    );
    const members = rows.map((row) => ({
      personId: row.person_id, customerId: row.customer_id, wanted: row.wanted, since: row.pending_since.getTime(), today: row.today, former: row.former,
    }));
    return { adds: counts.rows[0]?.adds ?? 0, removes: counts.rows[0]?.removes ?? 0, members };
  });
}

const GOES_BY = `select array_remove(p.contacts || p.customer_id, null) as goes_by
  from persons given join persons p on p.person_id = coalesce(given.merged_into, given.person_id) where given.person_id = $1`;

/** Customer id and contacts of a person, as test profiles are written; empty when there is no such person. */
export async function readGoesBy(connection: LedgerConnection, personId: string): Promise<string[]> {
  const { rows } = await connection.use((client) => client.query<{ goes_by: string[] }>(GOES_BY, [personId]));
  return rows[0]?.goes_by ?? [];
}
