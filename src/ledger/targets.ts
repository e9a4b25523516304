/** How the sync of each target stands, for the API, the wakers and whoever asks SQL. Written by the sync's activities. */
import type { SyncState } from '../domain/failures.ts';
import type { TargetLife } from '../domain/holding.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import { LEDGER_IS_OLD } from './restores.ts';

export interface TargetStanding extends TargetRef {
  state: SyncState;
  paused: boolean;
  cause: string | null;
  cure: string | null;
  failures: number;
  /** Milliseconds since the epoch. */
  since: number;
  retryAt: number | null;
  lastSuccessAt: number | null;
  /** The platform's word on how many of the people it knows. */
  matchRate: string | null;
  life: TargetLife;
}

export interface StandingReport {
  state: SyncState;
  cause?: string;
  cure?: string;
  failures: number;
  /** Milliseconds from now until the sync tries again. */
  retryInMs?: number;
}

/** What a turn that was under way reports may come after the pause. */
const STATE_NOW = `case when targets.paused then 'paused' else excluded.state end`;

/** Writes down how a sync stands; a paused target stays `paused`. `since` keeps its time while the state stays the same. */
export async function reportTarget(connection: LedgerConnection, target: TargetRef, report: StandingReport): Promise<void> {
  await connection.use((client) =>
    client.query({
      name: 'report-target',
      text: `insert into targets (destination, audience_key, state, cause, cure, failures, retry_at)
             values ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7::float8 / 1000.0))
             on conflict (destination, audience_key) do update set
               since = case when targets.state = ${STATE_NOW} then targets.since else clock_timestamp() end,
               state = ${STATE_NOW}, cause = excluded.cause, cure = excluded.cure, failures = excluded.failures,
               retry_at = excluded.retry_at`,
      values: [
        target.destination,
        target.audienceKey,
        report.state,
        report.cause ?? null,
        report.cure ?? null,
        report.failures,
        report.retryInMs ?? null,
      ],
    }),
  );
}

/** Pauses or resumes a target; a paused target keeps what is pending. */
export async function setTargetPaused(connection: LedgerConnection, target: TargetRef, paused: boolean): Promise<void> {
  await connection.use((client) =>
    client.query(
      `insert into targets (destination, audience_key, paused, state) values ($1, $2, $3, case when $3 then 'paused' else 'ok' end)
       on conflict (destination, audience_key) do update set paused = excluded.paused, state = excluded.state, since = clock_timestamp()`,
      [target.destination, target.audienceKey, paused],
    ),
  );
}

export interface TargetRest {
  paused: boolean;
  /** For how many more milliseconds the sync rests. */
  restMs: number;
  /** A push is looking for pending members right now, so the sync needs no waking. */
  attended: boolean;
  life: TargetLife;
  /** The platform's audience that the deliveries are about; null while no process has said so. */
  platformAudienceId: string | null;
  /** The ledger was restored and is not reconciled yet. */
  ledgerIsOld: boolean;
}

/** Whether waking the sync of a target, or pushing, would do anything. */
export async function readTargetRest(connection: LedgerConnection, target: TargetRef): Promise<TargetRest> {
  const { rows } = await connection.use((client) =>
    client.query<{ paused: boolean | null; rest_ms: number | null; attended: boolean | null; life: TargetLife | null; platform_audience_id: string | null; ledger_is_old: boolean }>({
      name: 'read-target-rest',
      text: `select paused, extract(epoch from retry_at - clock_timestamp())::float8 * 1000 as rest_ms, attended_until > clock_timestamp() as attended,
                    life, platform_audience_id, ledger_is_old
             from (select ${LEDGER_IS_OLD} as ledger_is_old) r left join targets on destination = $1 and audience_key = $2`,
      values: [target.destination, target.audienceKey],
    }),
  );
  const [row] = rows;
  return {
    paused: row?.paused ?? false,
    restMs: Math.max(0, row?.rest_ms ?? 0),
    attended: row?.attended ?? false,
    life: row?.life ?? 'active',
    platformAudienceId: row?.platform_audience_id ?? null,
    ledgerIsOld: row?.ledger_is_old ?? false,
  };
}

/**
 * Says that a push looks for pending members again and again for the next `ms`, or (null) that it has stopped. Whoever stops must
 * look once more afterwards: what was decided in between was not told to the sync.
 */
export async function attendTarget(connection: LedgerConnection, target: TargetRef, ms: number | null): Promise<void> {
  await connection.use((client) =>
    client.query({
      name: 'attend-target',
      text: `insert into targets (destination, audience_key, attended_until) values ($1, $2, clock_timestamp() + make_interval(secs => $3::float8 / 1000.0))
             on conflict (destination, audience_key) do update set attended_until = excluded.attended_until`,
      values: [target.destination, target.audienceKey, ms],
    }),
  );
}

/** Every target whose sync has reported. */
export async function listTargets(connection: LedgerConnection): Promise<TargetStanding[]> {
  const { rows } = await connection.use((client) =>
    client.query<{
      destination: string;
      audience_key: string;
      state: SyncState;
      paused: boolean;
      cause: string | null;
      cure: string | null;
      failures: number;
      since: Date;
      retry_at: Date | null;
      last_success_at: Date | null;
      match_rate: string | null;
      life: TargetLife;
    }>('select * from targets order by audience_key, destination'),
  );
  return rows.map((row) => ({
    destination: row.destination,
    audienceKey: row.audience_key,
    // A report of an older version may have come after the pause.
    state: row.paused ? 'paused' : row.state,
    paused: row.paused,
    cause: row.cause,
    cure: row.cure,
    failures: row.failures,
    since: row.since.getTime(),
    retryAt: row.retry_at?.getTime() ?? null,
    lastSuccessAt: row.last_success_at?.getTime() ?? null,
    matchRate: row.match_rate,
    life: row.life,
  }));
}
