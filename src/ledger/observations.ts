/** What the monitor sees of the ledger, and the backlogs that it writes down on the way. Each query is bounded by an index. */
import type { PoolClient } from 'pg';
import type { AlertFacts, DestinationFacts, SourceFacts, TargetFacts } from '../domain/alert-facts.ts';
import { NOTHING_PENDING, type Hold, type PendingCounts } from '../domain/holding.ts';
import type { MembershipState } from '../domain/membership.ts';
import { targetKey, type TargetRef } from '../domain/registry.ts';
import { judgeDrift, tooSmallToServe } from '../domain/drift.ts';
import { listSizes } from './audience-sizes.ts';
import type { LedgerConnection } from './connection.ts';
import { listExports } from './exports.ts';
import { readSwings } from './flow.ts';
import { listActions } from './forwards.ts';
import { listGuardHolds } from './guard.ts';
import { waitingOf } from './held.ts';
import { outboxLag } from './outbox.ts';
import { listOpenRestores } from './restores.ts';
import { listTargets, type TargetStanding } from './targets.ts';

export interface Observed {
  targets: readonly TargetRef[];
  audienceKeys: readonly string[];
  sources: readonly string[];
  exporters: readonly string[];
  actions: readonly string[];
  /** How often each target's size is read, in milliseconds. */
  sizesEveryMs: number;
  /** The least size of an audience that its platform serves; null: not known. */
  leastToServe: (target: TargetRef) => number | null;
  /** What each target holds by its mode. */
  holdOf: (target: TargetRef, standing: TargetStanding | undefined) => Hold;
}

/** A window that ended less long ago is not overdue: its workflow is on its way. Milliseconds. */
const EXPIRY_GRACE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Fewer changes in a day are not looked at. */
const LEAST_SWINGING = 1_000;
const WEEKS = [1, 2, 3, 4];
const DAYS = [1, 2, 3, 4, 5, 6, 7];
/** Backlogs are known without gaps since the monitor last rested for longer. Minutes. */
const LONGEST_GAP_MIN = 10;
/** A channel that failed so often counts as failing. */
const FAILING_ATTEMPTS = 3;
/** Outcomes of calls that went wrong as a whole, and not because of a row or the account's budget. */
const FAILED = ['unavailable', 'timed_out', 'unknown', 'unauthorised', 'needs_person', 'misconfigured', 'rejected_request'];

/** Reads everything that the alert rules look at. */
export async function observe(connection: LedgerConnection, observed: Observed): Promise<AlertFacts> {
  const standings = await listTargets(connection);
  const exporters = await listExports(connection);
  const outbox = await outboxLag(connection);
  const restores = await listOpenRestores(connection);
  const watched = await readWatched(connection, observed);
  return connection.use(async (client) => {
    const targets = await readTargets(client, observed, standings);
    return {
      now: await readClock(client),
      targets,
      destinations: await readCalls(client, observed.targets, targets),
      overdue: await readOverdue(client, observed.audienceKeys),
      sources: await readSources(client, observed.sources),
      exporters: exporters.filter(({ exporter }) => observed.exporters.includes(exporter)),
      ...watched,
      outbox,
      restores,
      registries: await countRegistries(client),
      channels: await readFailingChannels(client),
    };
  });
}

/** What others have judged or counted already. */
async function readWatched(connection: LedgerConnection, { targets, actions, sizesEveryMs, leastToServe }: Observed): Promise<Pick<AlertFacts, 'actions' | 'waves' | 'drifts' | 'swings' | 'tooSmall'>> {
  const own = new Set(targets.map(targetKey));
  const isOwn = (target: TargetRef): boolean => own.has(targetKey(target));
  const sizes = (await listSizes(connection)).filter(([newest]) => newest && isOwn(newest));
  const listed = await listActions(connection);
  return {
    actions: listed.filter(({ action }) => actions.includes(action)).map((row) => ({
      action: row.action, state: row.state, since: row.since.getTime(), paused: row.paused, cause: row.cause, cure: row.cure, waiting: row.waiting, oldestWaitingAt: row.oldest_waiting?.getTime() ?? null,
    })),
    waves: (await listGuardHolds(connection)).filter(isOwn),
    drifts: sizes.flatMap((readings) => judgeDrift(readings, { now: Date.now(), everyMs: sizesEveryMs }) ?? []),
    swings: (await readSwings(connection, DAY_MS, LEAST_SWINGING)).filter(isOwn),
    tooSmall: sizes.flatMap(([newest]) => {
      const why = newest ? tooSmallToServe(newest, leastToServe(newest)) : null;
      return newest && why !== null ? [{ destination: newest.destination, audienceKey: newest.audienceKey, why }] : [];
    }),
  };
}

async function readClock(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ now: Date }>('select clock_timestamp() as now');
  return rows[0]?.now.getTime() ?? Date.now();
}

const namesOf = (targets: readonly TargetRef[]): [string[], string[]] => [targets.map(({ destination }) => destination), targets.map(({ audienceKey }) => audienceKey)];
const keyOf = (row: { destination: string; audience_key: string }): string => targetKey({ destination: row.destination, audienceKey: row.audience_key });

async function readTargets(client: PoolClient, { targets, holdOf }: Observed, standings: readonly TargetStanding[]): Promise<TargetFacts[]> {
  const standing = new Map(standings.map((one) => [targetKey(one), one]));
  const pending = await readPending(client);
  const blocked = await readBlocked(client);
  const said = await readLastHour(client, targets);
  const found: TargetFacts[] = [];
  for (const target of targets) {
    const key = targetKey(target);
    const own = standing.get(key);
    const all = pending.get(key) ?? { counts: NOTHING_PENDING, stillTargeted: 0 };
    const waiting = await waitingOf(client, target, all.counts, holdOf(target, own));
    found.push({
      ...target,
      state: own?.state ?? 'ok',
      since: own?.since ?? 0,
      cause: own?.cause ?? null,
      cure: own?.cure ?? null,
      paused: own?.paused ?? false,
      waiting,
      held: all.counts.in.count + all.counts.out.count - waiting.in.count - waiting.out.count,
      blocked: { count: blocked.get(key)?.count ?? 0, oldestAt: blocked.get(key)?.oldestAt ?? null },
      stillTargeted: all.stillTargeted + (blocked.get(key)?.stillTargeted ?? 0),
      lastHour: said.get(key) ?? { accepted: 0, rejected: 0 },
      pendingBefore: null,
    });
  }
  return withBacklogs(client, found);
}

async function readPending(client: PoolClient): Promise<Map<string, { counts: PendingCounts; stillTargeted: number }>> {
  const { rows } = await client.query<{ destination: string; audience_key: string; wanted: MembershipState; pending: number; oldest: Date; still_targeted: number }>(
    `select destination, audience_key, wanted, count(*)::int as pending, min(pending_since) as oldest, count(*) filter (where wanted = 'out' and accepted = 'in')::int as still_targeted
     from deliveries where status = 'pending' group by destination, audience_key, wanted`,
  );
  const found = new Map<string, { counts: PendingCounts; stillTargeted: number }>();
  for (const row of rows) {
    const own = found.get(keyOf(row)) ?? { counts: { ...NOTHING_PENDING }, stillTargeted: 0 };
    own.counts[row.wanted] = { count: row.pending, oldestAt: row.oldest.getTime() };
    found.set(keyOf(row), { counts: own.counts, stillTargeted: own.stillTargeted + row.still_targeted });
  }
  return found;
}

async function readBlocked(client: PoolClient): Promise<Map<string, { count: number; oldestAt: number | null; stillTargeted: number }>> {
  const { rows } = await client.query<{ destination: string; audience_key: string; count: number; oldest: Date | null; still_targeted: number }>(
    `select destination, audience_key, count(*)::int as count, min(pending_since) as oldest, count(*) filter (where accepted = 'in')::int as still_targeted
     from deliveries where status = 'blocked' group by destination, audience_key`,
  );
  return new Map(rows.map((row) => [keyOf(row), { count: row.count, oldestAt: row.oldest?.getTime() ?? null, stillTargeted: row.still_targeted }]));
}

async function readLastHour(client: PoolClient, targets: readonly TargetRef[]): Promise<Map<string, TargetFacts['lastHour']>> {
  const { rows } = await client.query<{ destination: string; audience_key: string; accepted: number; rejected: number }>(
    `select t.destination, t.audience_key, coalesce(sum(p.accepted), 0)::int as accepted, coalesce(sum(p.rejected), 0)::int as rejected
     from unnest($1::text[], $2::text[]) as t (destination, audience_key)
     join pushes p on p.destination = t.destination and p.audience_key = t.audience_key and p.finished_at > clock_timestamp() - interval '1 hour'
     group by t.destination, t.audience_key`,
    namesOf(targets),
  );
  return new Map(rows.map((row) => [keyOf(row), { accepted: row.accepted, rejected: row.rejected }]));
}

/** Writes down what is pending, each five minutes, and says what was pending before. */
async function withBacklogs(client: PoolClient, targets: readonly TargetFacts[]): Promise<TargetFacts[]> {
  const waiting = targets.filter(({ waiting: { in: adds, out }, stillTargeted }) => adds.count + out.count + stillTargeted > 0);
  await client.query(
    `insert into backlogs (destination, audience_key, at, adds, removes, still_targeted)
     select t.destination, t.audience_key, date_bin('5 minutes', clock_timestamp(), 'epoch'), t.adds, t.removes, t.still_targeted
     from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[]) as t (destination, audience_key, adds, removes, still_targeted) on conflict do nothing`,
    [...namesOf(waiting), waiting.map((one) => one.waiting.in.count), waiting.map((one) => one.waiting.out.count), waiting.map((one) => one.stillTargeted)],
  );
  const { rows: looked } = await client.query<{ long: boolean }>("select at < clock_timestamp() - interval '65 minutes' as long from watch where name = 'monitor_since'");
  if (looked[0]?.long !== true) return [...targets];
  const { rows } = await client.query<{ destination: string; audience_key: string; an_hour: number | null; half_an_hour: number | null }>(
    `select destination, audience_key,
            max(adds + removes) filter (where at <= clock_timestamp() - interval '60 minutes') as an_hour,
            max(adds + removes) filter (where at > clock_timestamp() - interval '35 minutes' and at <= clock_timestamp() - interval '30 minutes') as half_an_hour
     from backlogs where at > clock_timestamp() - interval '65 minutes' group by destination, audience_key`,
  );
  const before = new Map(rows.map((row) => [keyOf(row), { anHour: row.an_hour ?? 0, halfAnHour: row.half_an_hour ?? 0 }]));
  return targets.map((target) => ({ ...target, pendingBefore: before.get(targetKey(target)) ?? { anHour: 0, halfAnHour: 0 } }));
}

async function readCalls(client: PoolClient, targets: readonly TargetRef[], facts: readonly TargetFacts[]): Promise<DestinationFacts[]> {
  const { rows } = await client.query<{ destination: string; calls: number; failed: number; failed_lately: number; failing_since: Date | null }>(
    `select t.destination, count(*)::int as calls, count(*) filter (where p.outcome = any($3))::int as failed,
            count(*) filter (where p.outcome = any($3) and p.started_at > clock_timestamp() - interval '2 minutes')::int as failed_lately, min(p.started_at) filter (where p.outcome = any($3)) as failing_since
     from unnest($1::text[], $2::text[]) as t (destination, audience_key)
     join pushes p on p.destination = t.destination and p.audience_key = t.audience_key and p.started_at > clock_timestamp() - interval '15 minutes'
     where p.outcome is not null or p.finished_at is not null group by t.destination`,
    [...namesOf(targets), FAILED],
  );
  return rows.map((row) => ({
    destination: row.destination,
    calls: row.calls,
    failed: row.failed,
    failedLately: row.failed_lately,
    failingSince: row.failing_since?.getTime() ?? null,
    stillTargeted: facts.filter(({ destination }) => destination === row.destination).reduce((all, one) => all + one.stillTargeted, 0),
  }));
}

async function readOverdue(client: PoolClient, audienceKeys: readonly string[]): Promise<AlertFacts['overdue']> {
  const { rows } = await client.query<{ audience_key: string; count: number; oldest: Date }>(
    `select audience_key, count(*)::int as count, min(expires_at) as oldest from memberships
     where state = 'in' and audience_key = any($1) and expires_at <= clock_timestamp() - make_interval(secs => $2::float8 / 1000.0) group by audience_key`,
    [audienceKeys, EXPIRY_GRACE_MS],
  );
  return rows.map((row) => ({ audienceKey: row.audience_key, count: row.count, oldestAt: row.oldest.getTime() }));
}

async function readSources(client: PoolClient, sources: readonly string[]): Promise<SourceFacts[]> {
  const { rows: answers } = await client.query<{ source: string; answer: string; hour: number; quarter: number }>(
    `select source, answer, sum(count)::int as hour, coalesce(sum(count) filter (where at > clock_timestamp() - interval '15 minutes'), 0)::int as quarter
     from door_counts where source = any($1) and at > clock_timestamp() - interval '1 hour' group by source, answer`,
    [sources],
  );
  const { rows: last } = await client.query<{ source: string; at: Date | null }>(
    `select s.source, (select max(d.at) from door_counts d where d.source = s.source and d.feed = 'webhooks' and d.answer <> 'unauthorised') as at from unnest($1::text[]) as s (source)`,
    [sources],
  );
  const { rows: volumes } = await client.query<{ source: string; days: number; count: number }>(
    `with first as (select min(at) as at from door_counts)
     select s.source, o.days, coalesce((select sum(d.count) from door_counts d where d.source = s.source and d.feed = 'webhooks' and d.answer <> 'unauthorised'
              and d.at > clock_timestamp() - make_interval(days => o.days, hours => 1) and d.at <= clock_timestamp() - make_interval(days => o.days)), 0)::int as count
     from unnest($1::text[]) as s (source), unnest($2::int[]) as o (days), first where first.at <= clock_timestamp() - make_interval(days => o.days, hours => 1) or o.days = 0`,
    [sources, [0, ...new Set([...DAYS, ...WEEKS.map((week) => week * 7)])]],
  );
  const { rows: quarantined } = await client.query<{ source: string; open: number; last_hour: number }>(
    `select source, count(*)::int as open, count(*) filter (where received_at > clock_timestamp() - interval '1 hour')::int as last_hour
     from quarantine where resolved_at is null and source = any($1) group by source`,
    [sources],
  );
  return sources.map((source) => {
    const own = answers.filter((row) => row.source === source);
    const volume = new Map(volumes.filter((row) => row.source === source).map(({ days, count }) => [days, count]));
    const earlier = (offsets: readonly number[]): number[] => offsets.flatMap((days) => volume.get(days) ?? []);
    const kept = quarantined.find((row) => row.source === source);
    return {
      source,
      quarter: Object.fromEntries(own.filter((row) => row.quarter > 0).map((row) => [row.answer, row.quarter])),
      hour: Object.fromEntries(own.map((row) => [row.answer, row.hour])),
      lastAt: last.find((row) => row.source === source)?.at?.getTime() ?? null,
      volume: { now: volume.get(0) ?? 0, weeks: earlier(WEEKS.map((week) => week * 7)), days: earlier(DAYS) },
      quarantine: { open: kept?.open ?? 0, lastHour: kept?.last_hour ?? 0 },
    };
  });
}

async function countRegistries(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ registries: number }>("select count(distinct registry_hash)::int as registries from processes where seen_at > now() - interval '3 minutes'");
  return rows[0]?.registries ?? 0;
}

async function readFailingChannels(client: PoolClient): Promise<AlertFacts['channels']> {
  const { rows } = await client.query<{ owner: string; channel: string; since: Date; error: string | null; attempts: number }>(
    `select owner, channel, min(created_at) as since, max(last_error) as error, max(attempts) as attempts
     from alert_messages where sent_at is null and dropped_at is null and attempts >= $1 group by owner, channel`,
    [FAILING_ATTEMPTS],
  );
  return rows.map((row) => ({ owner: row.owner, channel: row.channel, failingSince: row.since.getTime(), error: row.error ?? '', attempts: row.attempts }));
}

export async function forgetOldBacklogs(connection: LedgerConnection, days: number): Promise<void> {
  await connection.use((client) => client.query('delete from backlogs where at < now() - make_interval(days => $1)', [days]));
}

/** Says that the monitor has looked, and since when it has looked without a long gap. */
export async function noteMonitored(connection: LedgerConnection): Promise<void> {
  await connection.use((client) =>
    client.query(
      `with before as (select at from watch where name = 'monitor'),
            now as (insert into watch (name, at) values ('monitor', clock_timestamp()) on conflict (name) do update set at = excluded.at)
       insert into watch (name, at) values ('monitor_since', clock_timestamp())
       on conflict (name) do update set at = case when (select at from before) > clock_timestamp() - make_interval(mins => $1) then watch.at else excluded.at end`,
      [LONGEST_GAP_MIN],
    ),
  );
}

/** How long ago the monitor last looked, in milliseconds; null when it never has. */
export async function monitorAge(connection: LedgerConnection): Promise<number | null> {
  const { rows } = await connection.use((client) => client.query<{ ms: number }>("select extract(epoch from clock_timestamp() - at)::float8 * 1000 as ms from watch where name = 'monitor'"));
  return rows[0]?.ms ?? null;
}
