/** What happened, the newest first and over time: for people who look. Each reading goes by an index and is bounded, however many rows there are. */
import type { PoolClient } from 'pg';
import type { DecisionStatus } from '../domain/event.ts';
import type { ExposureOutcome } from '../domain/exposure.ts';
import type { Arm, MembershipReason } from '../domain/membership.ts';
import type { LedgerConnection } from './connection.ts';
import { countDeliveries, type TargetCounts } from './reading.ts';

/** An event as it came in. */
export interface ArrivedEvent {
  event_id: string;
  source: string;
  name: string;
  channel: string | null;
  metric: string | null;
  audience_key: string | null;
  person_id: string | null;
  occurred_at: Date;
  received_at: Date;
  status: DecisionStatus;
  outcome: ExposureOutcome | null;
}

const ARRIVED = 'event_id, source, name, channel, metric, audience_key, person_id, occurred_at, received_at, status, outcome';

/**
 * The events that were decided last, by the time of receipt: of the newest `limit` rows of `exposures`, in the order in which they were written, and of the test
 * events of the last day, which have no row there. Rows with the transaction number of another cluster (a ledger that was restored) are passed over where
 * they would stand before all new ones.
 */
export async function listArrivedEvents(connection: LedgerConnection, limit: number): Promise<ArrivedEvent[]> {
  const { rows } = await connection.use((client) =>
    client.query<ArrivedEvent>({
      name: 'list-arrived-events',
      text: `select * from (
               (select ${ARRIVED} from (
                  select * from exposures where written_by < (pg_snapshot_xmax(pg_current_snapshot())::text)::bigint order by written_by desc, event_id desc limit $1
                ) newest where caused_by is null and imported_from is null and source is not null)
               union all
               (select event_id, source, name, null, null, audience_key, person_id, occurred_at, received_at, status, null from events
                where event_id >= 'test~' collate "C" and event_id < 'test' || chr(127) collate "C" and status = 'test' and received_at > now() - interval '1 day'
                order by received_at desc limit $1)
             ) arrived order by received_at desc, event_id limit $1`,
      values: [limit],
    }),
  );
  return rows;
}

/** Whether any event has ever come. */
export async function hasEvents(connection: LedgerConnection): Promise<boolean> {
  const { rows } = await connection.use((client) => client.query<{ any: boolean }>('select exists (select 1 from events) as any'));
  return rows[0]?.any ?? false;
}

/** How much there was in each of `buckets` stretches of time of `stepMs`, up to now; the oldest first. */
export interface Stretches {
  stepMs: number;
  buckets: number;
}

interface Bucket {
  bucket: number;
  count: number;
}

const spread = (rows: readonly Bucket[], { buckets }: Stretches): number[] => {
  const counts = Array.from({ length: buckets }, () => 0);
  for (const { bucket, count } of rows) if (bucket >= 0 && bucket < buckets) counts[bucket] = (counts[bucket] ?? 0) + count;
  return counts;
};

/** Number of the stretch that a time lies in; `$1` is the step in seconds, `$2` how many there are. */
const bucketOf = (column: string): string => `($2::int - 1 - floor(extract(epoch from now() - ${column}) / $1::float8))::int`;
const START = 'now() - make_interval(secs => $1::float8 * $2::int)';

/** No more entries of the quarantine are looked at. */
const MOST_QUARANTINED = 10_000;

export async function countQuarantinedOverTime(connection: LedgerConnection, stretches: Stretches): Promise<number[]> {
  const { rows } = await connection.use((client) =>
    client.query<Bucket>(
      `select ${bucketOf('received_at')} as bucket, count(*)::int as count
       from (select received_at from quarantine order by id desc limit ${String(MOST_QUARANTINED)}) newest where received_at > ${START} group by 1`,
      [stretches.stepMs / 1_000, stretches.buckets],
    ),
  );
  return spread(rows, stretches);
}

export interface CallsOverTime {
  all: number[];
  /** Without an answer, or refused as a whole. */
  failed: number[];
}

/** Calls to platforms that have ended. */
export async function countCallsOverTime(connection: LedgerConnection, stretches: Stretches): Promise<CallsOverTime> {
  const { rows } = await connection.use((client) =>
    client.query<Bucket & { failed: number }>(
      `select ${bucketOf('p.finished_at')} as bucket, count(*)::int as count, (count(*) filter (where p.outcome is distinct from 'answered'))::int as failed
       from targets t join pushes p using (destination, audience_key) where p.finished_at > ${START} group by 1`,
      [stretches.stepMs / 1_000, stretches.buckets],
    ),
  );
  return { all: spread(rows, stretches), failed: spread(rows.map(({ bucket, failed }) => ({ bucket, count: failed })), stretches) };
}

/** Who is in an audience. Each number stops at one more than the most that is counted. */
export interface Inside {
  in: number;
  /** Of those, who is held out. */
  holdout: number;
}

const upTo = (what: string): string => `(select ${what} from memberships m where m.audience_key = a.audience_key and m.state = 'in' limit $2::int + 1) members`;

/** How many are in each of the audiences, with those who are held out. Reads the index alone. */
export async function countInside(connection: LedgerConnection, audienceKeys: readonly string[], most: number): Promise<Map<string, number>> {
  const { rows } = await connection.use((client) =>
    client.query<{ audience_key: string; in: number }>(
      `select a.audience_key, c.* from unnest($1::text[]) as a (audience_key), lateral (select count(*)::int as in from ${upTo('1')}) c`,
      [audienceKeys, most],
    ),
  );
  return new Map(rows.map((row) => [row.audience_key, row.in]));
}

export async function countInsideByArm(connection: LedgerConnection, audienceKey: string, most: number): Promise<Inside> {
  const { rows } = await connection.use((client) =>
    client.query<Inside>(
      `select c.* from (select $1::text as audience_key) a, lateral (select count(*)::int as in, (count(*) filter (where arm = 'holdout'))::int as holdout from ${upTo('arm')}) c`,
      [audienceKey, most],
    ),
  );
  return rows[0] ?? { in: 0, holdout: 0 };
}

/** What became of people in an audience in one day (UTC). */
export interface AudienceDay {
  /** `2026-11-29`. */
  day: string;
  entered: number;
  renewed: number;
  left: number;
  expired: number;
  held_out: number;
  superseded: number;
  /** By how many the members who are not held out grew. */
  growth: number;
}

export interface AudienceHistory {
  days: AudienceDay[];
  /** There were more rows than are read: the days begin later. */
  cut: boolean;
}

/** A window that ended, not an add whose window was over when it came. */
const ENDED = `outcome = 'left' or (outcome = 'expired' and name = 'headgate.left')`;

/** The last `days` days of an audience, from its exposures; from no more than the newest `most` of them. */
export async function readAudienceHistory(connection: LedgerConnection, audienceKey: string, days: number, most: number): Promise<AudienceHistory> {
  const { rows } = await connection.use((client) =>
    client.query<AudienceDay & { rows: number }>(
      `select to_char(occurred_at at time zone 'utc', 'YYYY-MM-DD') as day, count(*)::int as rows,
              (count(*) filter (where outcome = 'entered' and name <> 'headgate.rearmed'))::int as entered, (count(*) filter (where outcome = 'renewed'))::int as renewed,
              (count(*) filter (where outcome = 'left'))::int as left, (count(*) filter (where outcome = 'expired' and name = 'headgate.left'))::int as expired,
              (count(*) filter (where outcome = 'held_out'))::int as held_out, (count(*) filter (where outcome = 'superseded'))::int as superseded,
              ((count(*) filter (where outcome = 'entered')) - (count(*) filter (where (${ENDED}) and arm is distinct from 'holdout'))
               - (count(*) filter (where outcome = 'held_out' and name = 'headgate.rearmed')))::int as growth
       from (select occurred_at, outcome, name, arm from exposures
             where audience_key = $1 and occurred_at > date_trunc('day', now() at time zone 'utc') at time zone 'utc' - make_interval(days => $2::int - 1) and occurred_at <= now() + interval '10 minutes'
             order by occurred_at desc limit $3) e
       group by 1 order by 1`,
      [audienceKey, days, most],
    ),
  );
  const seen = rows.reduce((sum, row) => sum + row.rows, 0);
  return { days: rows, cut: seen >= most };
}

/** Something that happened to a person: an event, or what an event or the time brought about. */
export interface TimelineRow {
  event_id: string;
  caused_by: string | null;
  name: string;
  channel: string | null;
  metric: string | null;
  audience_key: string | null;
  occurred_at: Date;
  received_at: Date;
  status: DecisionStatus;
  outcome: ExposureOutcome | null;
  reason: MembershipReason | null;
  arm: Arm | null;
  campaign_name: string | null;
}

/** The newest first, also of persons who turned out to be this one. */
export async function readTimeline(connection: LedgerConnection, personId: string, limit: number): Promise<TimelineRow[]> {
  const { rows } = await connection.use((client) =>
    client.query<TimelineRow>(
      `select event_id, caused_by, name, channel, metric, audience_key, occurred_at, received_at, status, outcome, reason, arm, campaign_name from exposures
       where person_id = any(array(select person_id from persons where person_id = $1 union all select person_id from persons where merged_into = $1))
       order by occurred_at desc, event_id desc limit $2`,
      [personId, limit],
    ),
  );
  return rows;
}

/** Postgres' code for a statement that took too long. */
const CANCELLED = '57014';

/** Deliveries of one audience, counted, unless that takes longer than `ms`: then undefined. */
export async function countDeliveriesWithin(connection: LedgerConnection, audienceKey: string, ms: number): Promise<TargetCounts[] | undefined> {
  return connection.transaction(async (client: PoolClient) => {
    await client.query(`set local statement_timeout = ${String(Math.round(ms))}`);
    try {
      return await countDeliveries({ use: (work) => work(client) }, [audienceKey]);
    } catch (error) {
      if ((error as { code?: unknown }).code === CANCELLED) return undefined;
      throw error;
    }
  });
}
