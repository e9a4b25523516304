/**
 * What the guard (domain/guard.ts) holds. Its rows are `held` in the table, so that no push ever looks at them, and everything that decides anew about
 * a person makes them pending again. Waves are looked for in the transaction that reads what to push, with one more statement and no more round trips.
 */
import type { PoolClient } from 'pg';
import type { PushOperation } from '../domain/delivery.ts';
import { FLOW_STEP_MS, isSuspicious, judgeWave, membersNeeded, shareOf, singlesLeft, YOUNG_MS, type Before, type CauseCount, type GuardHold, type GuardPolicy, type Wave } from '../domain/guard.ts';
import type { TargetRef } from '../domain/registry.ts';
import { insertAudit, type AuditOf } from './audit.ts';
import type { LedgerConnection } from './connection.ts';
import { lockTarget } from './target-lock.ts';

/** Rows that one statement holds or lets go. */
const CHUNK = 20_000;

/** A delivery that lets somebody in or out at the platform, as far as it has told. */
export const CHANGES_SOMETHING = "(wanted = 'in' and accepted is distinct from 'in' or wanted = 'out' and accepted = 'in')";
/** Decided within the guard's time (`$3`): what gathered while a platform was away for longer is no wave. */
const GUARDED = `destination = $1 and audience_key = $2 and status = 'pending' and cause is not null and ${CHANGES_SOMETHING}
  and pending_since > clock_timestamp() - make_interval(secs => $3::float8 / 1000.0)`;
const WANTED = { add: 'in', remove: 'out' } as const;

type CausesByOperation = Record<PushOperation, CauseCount[]>;

/** A wave that was not held before, or has got another cause. */
export interface NoticedWave extends Wave {
  operation: PushOperation;
}

interface CauseRow extends CauseCount {
  operation: PushOperation;
}

/** Changes by cause, let through and waiting; of those that wait so many that it shows whether they are many. */
export async function readCauses(client: PoolClient, target: TargetRef, policy: GuardPolicy): Promise<CausesByOperation> {
  return causesOf(client, target, policy, policy.least + 1);
}

async function causesOf(client: PoolClient, target: TargetRef, policy: GuardPolicy, mostWaiting: number | null): Promise<CausesByOperation> {
  const { rows } = await client.query<CauseRow>({
    name: 'read-causes',
    text: `with flows as (
             select operation, cause, sum(changes)::int as flow,
                    coalesce(sum(changes) filter (where at > clock_timestamp() - make_interval(secs => $5::float8 / 1000.0)), 0)::int as lately
             from target_flow where destination = $1 and audience_key = $2 and at > clock_timestamp() - make_interval(secs => $3::float8 / 1000.0) and cause <> ''
             group by operation, cause),
           waiting as (
             select case wanted when 'in' then 'add' else 'remove' end as operation, cause, count(*)::int as waiting
             from ((select wanted, cause from deliveries where ${GUARDED} and wanted = 'in' limit $4::bigint)
                   union all (select wanted, cause from deliveries where ${GUARDED} and wanted = 'out' limit $4::bigint)) w
             group by 1, cause),
           holds as (
             select operation, cause, bool_or(ended_at is null) as held, bool_and(ended_at is not null) as released
             from guard_holds, unnest(causes) as cause
             where destination = $1 and audience_key = $2 and (ended_at is null or ended_at > clock_timestamp() - make_interval(secs => $3::float8 / 1000.0))
             group by operation, cause)
           select operation, cause, coalesce(flow, 0) as flow, coalesce(lately, 0) as lately, coalesce(waiting, 0) as waiting,
                  coalesce(held, false) as held, coalesce(released, false) as released
           from flows full join waiting using (operation, cause) left join holds using (operation, cause)`,
    values: [target.destination, target.audienceKey, policy.withinMs, mostWaiting, FLOW_STEP_MS],
  });
  const of = (operation: PushOperation): CauseCount[] => rows.filter((row) => row.operation === operation);
  return { add: of('add'), remove: of('remove') };
}

/** Holds what is a wave by now. Returns the waves that were not held before. */
export async function holdWaves(client: PoolClient, target: TargetRef, policy: GuardPolicy, seen: CausesByOperation): Promise<NoticedWave[]> {
  const suspicious = (['remove', 'add'] as const).filter((operation) => shareOf(policy, operation) !== null && isSuspicious(seen[operation], policy));
  if (suspicious.length === 0) return [];
  // A push is written down under the same lock: whichever is second knows of the first.
  await lockTarget(client, target);
  const all = await causesOf(client, target, policy, null);
  const noticed: NoticedWave[] = [];
  for (const operation of suspicious) {
    const causes = all[operation];
    const wave = judgeWave(operation, causes, policy, await readBefore(client, target, membersNeeded(operation, causes, policy)));
    const isNew = wave?.causes.some((cause) => !causes.some((one) => one.cause === cause && one.held)) ?? false;
    if (wave && isNew) {
      await openHold(client, target, operation, wave, policy);
      noticed.push({ operation, ...wave });
    }
    const held = causes.filter((one) => one.held || (wave?.causes.includes(one.cause) ?? false));
    for (const one of held) if (one.waiting > singlesLeft(one, policy)) await holdCause(client, target, operation, one.cause, singlesLeft(one, policy), policy);
  }
  return noticed;
}

/** Members of the audience, counted no further than `needed`; and whether the target has been called for a day. */
async function readBefore(client: PoolClient, { destination, audienceKey }: TargetRef, needed: number): Promise<Before> {
  const { rows } = await client.query<Before>({
    name: 'read-before-wave',
    text: `select (select count(*)::int from (select 1 from memberships where audience_key = $2 and state = 'in' limit $3) m) as members,
                  not exists (select 1 from target_flow where destination = $1 and audience_key = $2 and cause = '' and at < clock_timestamp() - make_interval(secs => $4::float8 / 1000.0))
                  or exists (select 1 from targets where destination = $1 and audience_key = $2 and (fill <> 'done' or life_since > clock_timestamp() - make_interval(secs => $4::float8 / 1000.0))) as young`,
    values: [destination, audienceKey, needed, YOUNG_MS],
  });
  return rows[0] ?? { members: 0, young: true };
}

async function openHold(client: PoolClient, target: TargetRef, operation: PushOperation, wave: Wave, policy: GuardPolicy): Promise<void> {
  await client.query(
    `insert into guard_holds (destination, audience_key, operation, causes, noticed, audience_size, most, within_ms, let_go_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + make_interval(secs => $9::float8 / 1000.0))
     on conflict (destination, audience_key, operation) where ended_at is null do update set
       causes = (select array_agg(distinct cause) from unnest(guard_holds.causes || excluded.causes) as cause), noticed = excluded.noticed, audience_size = excluded.audience_size, most = excluded.most`,
    [target.destination, target.audienceKey, operation, wave.causes, wave.noticed, wave.audienceSize, wave.most, policy.withinMs, operation === 'remove' ? policy.letGoAfterMs : null],
  );
}

/** Rows that are being decided anew right now are left to the next look. */
async function holdCause(client: PoolClient, target: TargetRef, operation: PushOperation, cause: string, singles: number, { withinMs }: GuardPolicy): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query(
      `update deliveries d set status = 'held' from (
         select person_id from deliveries where ${GUARDED} and wanted = $4 and cause = $5
         and person_id not in (select person_id from deliveries where ${GUARDED} and wanted = $4 and cause = $5 order by pending_since limit $6)
         order by pending_since limit $7 for update skip locked) wave
       where d.person_id = wave.person_id and d.destination = $1 and d.audience_key = $2`,
      [target.destination, target.audienceKey, withinMs, WANTED[operation], cause, singles, CHUNK],
    );
    if ((rowCount ?? 0) < CHUNK) return;
  }
}

/** What is held now, the oldest first. One row for each target and direction. */
export async function listGuardHolds(connection: LedgerConnection, audienceKey?: string): Promise<GuardHold[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ hold_id: string; destination: string; audience_key: string; operation: PushOperation; causes: string[]; since: Date; held: number; noticed: number; audience_size: number; most: number; within_ms: string; let_go_at: Date | null }>(
      `select h.*, d.held from guard_holds h cross join lateral (
         select count(*)::int as held from deliveries where destination = h.destination and audience_key = h.audience_key
         and wanted = case h.operation when 'add' then 'in' else 'out' end and status = 'held') d
       where h.ended_at is null and d.held > 0 and ($1::text is null or h.audience_key = $1) order by h.since`,
      [audienceKey ?? null],
    ),
  );
  return rows.map((row) => ({
    holdId: row.hold_id, destination: row.destination, audienceKey: row.audience_key, operation: row.operation, causes: row.causes, since: row.since.getTime(), held: row.held,
    noticed: row.noticed, audienceSize: row.audience_size, most: row.most, withinMs: Number(row.within_ms), letGoAt: row.let_go_at?.getTime() ?? null,
  }));
}

export interface ReleasedWave extends TargetRef {
  operation: PushOperation;
  /** How many are pending now. */
  members: number;
}

export interface Release {
  /** Absent: both. */
  operation?: PushOperation | undefined;
  by: string;
  because?: string | null | undefined;
}

/** Lets go what is held at a target. For the time of the guard its causes are no wave there, so that the rest of it may follow. */
export async function releaseHolds(connection: LedgerConnection, target: TargetRef, release: Release, audit?: AuditOf<ReleasedWave[]>): Promise<ReleasedWave[]> {
  return connection.transaction(async (client, last) => {
    const released = await letGo(client, target, release);
    if (audit) last(insertAudit(client, audit(released)));
    return released;
  });
}

/** The same within somebody's transaction. */
export async function letGo(client: PoolClient, target: TargetRef, { operation, by, because }: Release): Promise<ReleasedWave[]> {
  await lockTarget(client, target);
  const released: ReleasedWave[] = [];
  for (const one of operation ? [operation] : (['remove', 'add'] as const)) {
    const members = await makeHeldPending(client, target, one);
    const { rowCount } = await client.query(
      `update guard_holds set ended_at = clock_timestamp(), ended_by = $4, ended_because = $5, let_go = $6
       where destination = $1 and audience_key = $2 and operation = $3 and ended_at is null`,
      [target.destination, target.audienceKey, one, by, because ?? null, members],
    );
    if (members > 0 || (rowCount ?? 0) > 0) released.push({ ...target, operation: one, members });
  }
  return released;
}

async function makeHeldPending(client: PoolClient, { destination, audienceKey }: TargetRef, operation: PushOperation): Promise<number> {
  for (let members = 0; ; ) {
    const { rowCount } = await client.query(
      `update deliveries d set status = 'pending', cause = null, pending_since = clock_timestamp() from (
         select person_id from deliveries where destination = $1 and audience_key = $2 and wanted = $3 and status = 'held' limit $4) h
       where d.person_id = h.person_id and d.destination = $1 and d.audience_key = $2 and d.status = 'held'`,
      [destination, audienceKey, WANTED[operation], CHUNK],
    );
    members += rowCount ?? 0;
    if ((rowCount ?? 0) < CHUNK) return members;
  }
}

/** Lets go what nobody has released in time, and ends holds of which nobody is left. For the sweep. */
export async function letGoWaves(connection: LedgerConnection): Promise<ReleasedWave[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ destination: string; audience_key: string; operation: PushOperation; overdue: boolean }>(
      `select destination, audience_key, operation, coalesce(let_go_at <= clock_timestamp(), false) as overdue from guard_holds h
       where ended_at is null and (let_go_at <= clock_timestamp() or since < clock_timestamp() - make_interval(secs => within_ms / 1000.0) and not exists (
         select 1 from deliveries where destination = h.destination and audience_key = h.audience_key and wanted = case h.operation when 'add' then 'in' else 'out' end and status = 'held'))`,
    ),
  );
  const released: ReleasedWave[] = [];
  for (const row of rows) {
    const because = row.overdue ? 'nobody released or corrected them in time, and among them may be buyers' : 'nobody of it is held any more';
    released.push(...(await releaseHolds(connection, { destination: row.destination, audienceKey: row.audience_key }, { operation: row.operation, by: 'headgate', because })));
  }
  return released.filter(({ members }) => members > 0);
}
