/**
 * Exports of exposures: which rows a warehouse has not got yet, and how far each exporter is. Rows are read in the order
 * (written_by, event_id), and never past a transaction that is still open, whose rows would come before those that were sent.
 */
import { EXPORTED_COLUMNS, type ExportedColumn, type ExportedRow } from '../domain/exported-columns.ts';
import type { SyncState } from '../domain/failures.ts';
import type { LedgerConnection } from './connection.ts';
import type { StandingReport } from './targets.ts';

/** After this row. `writtenBy` is a transaction id, as decimal text. */
export interface ExportPosition {
  writtenBy: string;
  eventId: string;
}

export const EXPORT_BEGINNING: ExportPosition = { writtenBy: '-1', eventId: '' };

/** A row with its place in the order. */
export interface UnsentRow extends ExportedRow {
  writtenBy: string;
}

export interface ParkedExposure {
  eventId: string;
  occurredAt: string;
  reason: string;
}

/** The rows that are rewritten at once after a restore. */
const SLICE = 2_000;

/** Other rows than these are counted by nobody. */
const MOST_COUNTED = 10_000;

const VALUES: Record<ExportedColumn['type'], (name: string) => string> = {
  text: (name) => `e.${name}`,
  boolean: (name) => `e.${name}`,
  time: (name) => `to_char(e.${name} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ${name}`,
  json: (name) => `e.${name}::text as ${name}`,
};
const SELECTED = `e.written_by::text as written_by, ${EXPORTED_COLUMNS.map(({ name, type }) => VALUES[type](name)).join(', ')}`;

/** Transactions that began before all that are still open; their rows are all there. */
const ENDED = 'written_by < pg_snapshot_xmin(pg_current_snapshot())::text::bigint';

type Values = Record<string, string | boolean | null>;

function rowOf({ written_by: writtenBy, ...values }: Values): UnsentRow {
  return { eventId: String(values['event_id']), occurredAt: String(values['occurred_at']), writtenBy: String(writtenBy), values };
}

export interface OpenedExport {
  position: ExportPosition;
  paused: boolean;
  /** The ledger was restored into another Postgres cluster, so the export has begun anew. */
  startedOver: boolean;
}

/**
 * Where an exporter stands; a new one stands at the beginning. Transaction ids of another cluster mean nothing here: when the ledger was
 * restored into a new one, the export starts over (the warehouse's view keeps it one row for each event), and rows that seem to come from
 * the future are moved to the beginning, where the first look finds them.
 */
export async function openExport(connection: LedgerConnection, exporter: string): Promise<OpenedExport> {
  const cluster = await readCluster(connection);
  const { rows } = await connection.use(async (client) => {
    await client.query('insert into exporters (exporter, cluster) values ($1, $2) on conflict (exporter) do nothing', [exporter, cluster]);
    return client.query<{ cluster: string; written_by: string; event_id: string; paused: boolean }>('select cluster, written_by::text, event_id, paused from exporters where exporter = $1', [exporter]);
  });
  const [row] = rows;
  if (!row) throw new Error(`the exporter ${exporter} went away while it was opened`);
  if (row.cluster === cluster) return { position: { writtenBy: row.written_by, eventId: row.event_id }, paused: row.paused, startedOver: false };
  await moveForeignRows(connection);
  await startOver(connection, exporter, cluster);
  return { position: EXPORT_BEGINNING, paused: row.paused, startedOver: true };
}

/** Sends everything again from the beginning. */
export async function restartExport(connection: LedgerConnection, exporter: string): Promise<void> {
  await startOver(connection, exporter, await readCluster(connection));
}

async function readCluster(connection: LedgerConnection): Promise<string> {
  const { rows } = await connection.use((client) => client.query<{ cluster: string }>({ name: 'read-cluster', text: 'select system_identifier::text as cluster from pg_control_system()' }));
  return rows[0]?.cluster ?? '';
}

async function moveForeignRows(connection: LedgerConnection): Promise<void> {
  for (;;) {
    const { rowCount } = await connection.use((client) =>
      client.query(
        `update exposures e set written_by = 0
         from (select event_id, occurred_at from exposures where written_by >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint limit $1) f
         where e.event_id = f.event_id and e.occurred_at = f.occurred_at`,
        [SLICE],
      ),
    );
    if (!rowCount) return;
  }
}

/** Parked rows come again with the others, and are parked again if need be. */
async function startOver(connection: LedgerConnection, exporter: string, cluster: string): Promise<void> {
  await connection.transaction(async (client) => {
    await client.query("update exporters set cluster = $2, written_by = -1, event_id = '', caught_up_at = null where exporter = $1", [exporter, cluster]);
    await client.query('delete from parked_exposures where exporter = $1', [exporter]);
  });
}

/** The next rows after a position, at most `limit`. */
export async function readUnsent(connection: LedgerConnection, { writtenBy, eventId }: ExportPosition, limit: number): Promise<UnsentRow[]> {
  const { rows } = await connection.use((client) =>
    client.query<Values>({
      name: 'read-unsent',
      text: `select ${SELECTED} from exposures e where (e.written_by, e.event_id) > ($1::bigint, $2::text collate "C") and e.${ENDED} order by e.written_by, e.event_id limit $3`,
      values: [writtenBy, eventId, limit],
    }),
  );
  return rows.map(rowOf);
}

/** Parked rows that somebody wants to be tried again, at most `limit`. Those that are no longer in the ledger are forgotten. */
export async function readParkedToRetry(connection: LedgerConnection, exporter: string, limit: number): Promise<UnsentRow[]> {
  return connection.transaction(async (client) => {
    await client.query('delete from parked_exposures p where exporter = $1 and retry and not exists (select 1 from exposures e where e.event_id = p.event_id and e.occurred_at = p.occurred_at)', [exporter]);
    const { rows } = await client.query<Values>(
      `select ${SELECTED} from parked_exposures p join exposures e on e.event_id = p.event_id and e.occurred_at = p.occurred_at where p.exporter = $1 and p.retry order by p.event_id limit $2`,
      [exporter, limit],
    );
    return rows.map(rowOf);
  });
}

/** Writes down what became of rows that were parked and tried again. */
export async function settleParked(connection: LedgerConnection, exporter: string, eventIds: readonly string[], parked: readonly ParkedExposure[]): Promise<void> {
  await connection.transaction(async (client) => {
    await client.query('delete from parked_exposures where exporter = $1 and event_id = any($2)', [exporter, eventIds]);
    await client.query(PARK, [exporter, ...parkedColumns(parked)]);
    await client.query('update exporters set exported_rows = exported_rows + $2, last_success_at = clock_timestamp() where exporter = $1', [exporter, eventIds.length - parked.length]);
  });
}

const parkedColumns = (parked: readonly ParkedExposure[]): string[][] => [parked.map((one) => one.eventId), parked.map((one) => one.occurredAt), parked.map((one) => one.reason)];
const PARK = `insert into parked_exposures (exporter, event_id, occurred_at, reason) select $1, r.* from unnest($2::text[], $3::timestamptz[], $4::text[]) as r (event_id, occurred_at, reason)
  on conflict (exporter, event_id) do update set reason = excluded.reason, parked_at = clock_timestamp(), retry = false`;

/**
 * Moves an exporter past rows that the warehouse has, and parks those that it refuses.
 * @returns `moved`: false when the exporter no longer stands where these rows began: another worker has moved it, or it was started over
 */
export async function settleExport(connection: LedgerConnection, exporter: string, from: ExportPosition, to: ExportPosition, { rows, parked }: { rows: number; parked: readonly ParkedExposure[] }): Promise<{ moved: boolean; paused: boolean }> {
  return connection.transaction(async (client, last) => {
    const { rows: [moved] } = await client.query<{ paused: boolean }>({
      name: 'move-exporter',
      text: `update exporters set written_by = $4, event_id = $5, exported_rows = exported_rows + $6, last_success_at = clock_timestamp()
             where exporter = $1 and written_by = $2 and event_id = $3 returning paused`,
      values: [exporter, from.writtenBy, from.eventId, to.writtenBy, to.eventId, rows],
    });
    if (!moved) return { moved: false, paused: false };
    if (parked.length > 0) last(client.query(PARK, [exporter, ...parkedColumns(parked)]));
    return { moved: true, paused: moved.paused };
  });
}

/** Nothing was left to send. */
export async function noteCaughtUp(connection: LedgerConnection, exporter: string): Promise<void> {
  await connection.use((client) => client.query('update exporters set caught_up_at = clock_timestamp(), last_success_at = clock_timestamp() where exporter = $1', [exporter]));
}

/** How many rows a warehouse refuses, and what it said last. */
export async function countParked(connection: LedgerConnection, exporter: string): Promise<{ parked: number; reason: string | null }> {
  const { rows } = await connection.use((client) =>
    client.query<{ parked: number; reason: string | null }>('select count(*)::int as parked, (array_agg(reason order by parked_at desc))[1] as reason from parked_exposures where exporter = $1', [exporter]),
  );
  return rows[0] ?? { parked: 0, reason: null };
}

/** Has every parked row tried again with the next turn. Returns how many there are. */
export async function retryParked(connection: LedgerConnection, exporter: string): Promise<number> {
  const { rowCount } = await connection.use((client) => client.query('update parked_exposures set retry = true where exporter = $1', [exporter]));
  return rowCount ?? 0;
}

/** The oldest parked rows, at most `limit`. */
export async function listParked(connection: LedgerConnection, exporter: string, limit: number): Promise<(ParkedExposure & { parkedAt: number })[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ event_id: string; occurred_at: Date; reason: string; parked_at: Date }>('select event_id, occurred_at, reason, parked_at from parked_exposures where exporter = $1 order by parked_at, event_id limit $2', [exporter, limit]),
  );
  return rows.map((row) => ({ eventId: row.event_id, occurredAt: row.occurred_at.toISOString(), reason: row.reason, parkedAt: row.parked_at.getTime() }));
}

/** A paused exporter keeps its place. */
export async function setExportPaused(connection: LedgerConnection, exporter: string, paused: boolean): Promise<void> {
  await connection.use((client) => client.query('update exporters set paused = $2 where exporter = $1', [exporter, paused]));
}

/** Writes down how an export stands. `since` keeps its time while the state stays the same. */
export async function reportExport(connection: LedgerConnection, exporter: string, report: StandingReport): Promise<void> {
  await connection.use((client) =>
    client.query(
      `update exporters set since = case when state = $2 then since else clock_timestamp() end, state = $2, cause = $3, cure = $4, failures = $5,
              retry_at = clock_timestamp() + make_interval(secs => $6::float8 / 1000.0) where exporter = $1`,
      [exporter, report.state, report.cause ?? null, report.cure ?? null, report.failures, report.retryInMs ?? null],
    ),
  );
}

/** Times in milliseconds since the epoch. */
export interface ExportStandingRow {
  exporter: string;
  state: SyncState;
  paused: boolean;
  cause: string | null;
  cure: string | null;
  failures: number;
  since: number;
  lastSuccessAt: number | null;
  caughtUpAt: number | null;
  exportedRows: number;
  parked: number;
  /** Rows that the warehouse has not got, counted up to 10,000. */
  unsent: number;
  /** When the oldest of them was received. */
  oldestUnsentAt: number | null;
}

/** Every exporter that has run, and how much it has yet to send. */
export async function listExports(connection: LedgerConnection): Promise<ExportStandingRow[]> {
  const { rows } = await connection.use((client) =>
    client.query<Record<'since' | 'last_success_at' | 'caught_up_at' | 'oldest', Date | null> & Record<'failures' | 'parked' | 'unsent', number> & Record<'cause' | 'cure', string | null> & { exporter: string; state: SyncState; paused: boolean; exported_rows: string }>({
      name: 'list-exports',
      text: `select x.exporter, x.state, x.paused, x.cause, x.cure, x.failures, x.since, x.last_success_at, x.caught_up_at, x.exported_rows, u.unsent, u.oldest,
                    (select count(*)::int from parked_exposures p where p.exporter = x.exporter) as parked
             from exporters x, lateral (
               select count(*)::int as unsent, min(received_at) as oldest
               from (select received_at from exposures e where (e.written_by, e.event_id) > (x.written_by, x.event_id) order by e.written_by, e.event_id limit $1) f
             ) u order by x.exporter`,
      values: [MOST_COUNTED],
    }),
  );
  const time = (date: Date | null): number | null => date?.getTime() ?? null;
  return rows.map((row) => ({
    exporter: row.exporter, state: row.state, paused: row.paused, cause: row.cause, cure: row.cure, failures: row.failures, since: time(row.since) ?? 0,
    lastSuccessAt: time(row.last_success_at), caughtUpAt: time(row.caught_up_at), exportedRows: Number(row.exported_rows), parked: row.parked, unsent: row.unsent, oldestUnsentAt: time(row.oldest),
  }));
}

/** The open transaction that keeps rows back which were written after it began; null when there is none. */
export async function readHolder(connection: LedgerConnection): Promise<{ pid: number; application: string; since: number } | null> {
  const { rows } = await connection.use((client) =>
    client.query<{ pid: number; application_name: string; xact_start: Date }>(
      "select pid, application_name, xact_start from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid() and xact_start < clock_timestamp() - interval '1 minute' order by xact_start limit 1",
    ),
  );
  const [row] = rows;
  return row ? { pid: row.pid, application: row.application_name, since: row.xact_start.getTime() } : null;
}
