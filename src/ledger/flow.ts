/** What calls carried to each target, in steps of five minutes (`target_flow`): for the guard, swings, and what it costs. */
import type { PoolClient } from 'pg';
import type { PushOperation } from '../domain/delivery.ts';
import { FLOW_STEP_MS } from '../domain/guard.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import type { PendingMember } from './pending.ts';

/** Whom a call lets in or out: all of them, and those whom the guard counts by cause and time of the decision, `[cause, step, members]`. */
interface Changes {
  all: number;
  by: [cause: string, at: number, members: number][];
}

export function changesOf(members: readonly Pick<PendingMember, 'change' | 'pendingSince'>[]): Changes {
  const by = new Map<string, Changes['by'][number]>();
  let all = 0;
  for (const { change, pendingSince } of members) {
    if (change === null) continue;
    all++;
    if (change === '') continue;
    const at = Math.floor(pendingSince / FLOW_STEP_MS) * FLOW_STEP_MS;
    const counted = by.get(`${String(at)} ${change}`) ?? [change, at, 0];
    counted[2]++;
    by.set(`${String(at)} ${change}`, counted);
  }
  return { all, by: [...by.values()] };
}

/**
 * Adds a call that has ended, or was taken in for later. What it carried stands at the empty cause and the time of the call; what the guard counts, at
 * the time of the decision, so that what has waited for a platform is not taken for a wave when it goes.
 * @param answered false: nobody knows that it changed anything
 */
export function noteFlow(client: PoolClient, pushId: string, answered: boolean): Promise<unknown> {
  return client.query({
    name: 'note-flow',
    text: `insert into target_flow (destination, audience_key, at, operation, cause, calls, members, changes)
           select p.destination, p.audience_key, to_timestamp(c.at), p.operation, c.cause, c.calls, c.members, c.changes
           from pushes p cross join lateral (
             select '' as cause, floor(extract(epoch from clock_timestamp()) * 1000 / $3) * $3 / 1000 as at, 1 as calls, cardinality(p.person_ids) as members,
                    case when $2 then coalesce((p.changes ->> 'all')::int, 0) else 0 end as changes
             union all select one ->> 0, (one ->> 1)::float8 / 1000, 0, 0, (one ->> 2)::int from jsonb_array_elements(p.changes -> 'by') as one where $2) c
           where p.push_id = $1
           on conflict (destination, audience_key, at, operation, cause) do update set
             calls = target_flow.calls + excluded.calls, members = target_flow.members + excluded.members, changes = target_flow.changes + excluded.changes`,
    values: [pushId, answered, FLOW_STEP_MS],
  });
}

export async function forgetOldFlow(connection: LedgerConnection, days: number): Promise<void> {
  await connection.use((client) => client.query('delete from target_flow where at < now() - make_interval(days => $1)', [days]));
}

/** What calls carried to one target. */
export interface Traffic extends TargetRef {
  operation: PushOperation;
  calls: number;
  members: number;
  /** Members whom they let in or out. */
  changes: number;
  /** Milliseconds since the epoch: of the first one, not before the time asked for. */
  since: number;
}

/** Calls of the last `withinMs` to the targets of an audience, by direction. */
export async function readTraffic(connection: LedgerConnection, audienceKey: string, destinations: readonly string[], withinMs: number): Promise<Traffic[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ destination: string; operation: PushOperation; calls: number; members: number; changes: number; since: Date }>(
      `select destination, operation, sum(calls)::int as calls, sum(members)::int as members, sum(changes)::int as changes, min(at) as since from target_flow
       where destination = any($1) and audience_key = $2 and cause = '' and at > clock_timestamp() - make_interval(secs => $3::float8 / 1000.0) group by destination, operation`,
      [destinations, audienceKey, withinMs],
    ),
  );
  return rows.map(({ since, ...row }) => ({ ...row, audienceKey, since: since.getTime() }));
}

/** How much of a target was let in and out within a time. */
export interface Swing extends TargetRef {
  adds: number;
  removes: number;
  /** Members that the platform has now. */
  size: number;
}

/** For an alert on audiences that swing (domain/drift.ts judges it): targets with at least `leastChanges` within the time. */
export async function readSwings(connection: LedgerConnection, withinMs: number, leastChanges: number): Promise<Swing[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ destination: string; audience_key: string; adds: number; removes: number; size: number }>(
      `select f.*, s.size from (
         select destination, audience_key, (coalesce(sum(changes) filter (where operation = 'add'), 0))::int as adds, (coalesce(sum(changes) filter (where operation = 'remove'), 0))::int as removes
         from target_flow where cause = '' and at > clock_timestamp() - make_interval(secs => $1::float8 / 1000.0) group by destination, audience_key having sum(changes) >= $2) f
       cross join lateral (select count(*)::int as size from memberships m where m.audience_key = f.audience_key and m.state = 'in' and m.arm = 'treatment') s`,
      [withinMs, leastChanges],
    ),
  );
  return rows.map((row) => ({ destination: row.destination, audienceKey: row.audience_key, adds: row.adds, removes: row.removes, size: row.size }));
}
