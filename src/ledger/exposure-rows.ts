/** Rows of `exposures` out to files in the order of time, and in from files. */
import type { PoolClient } from 'pg';
import { EXPOSURE_COLUMNS, type ExposureColumn, type ExposureRow } from '../domain/exposure-columns.ts';
import { ColumnSet, type Column } from './column-set.ts';
import type { LedgerConnection } from './connection.ts';
import { loadEvents } from './load-batch.ts';

/** A place in the order of time: that of this row. */
export interface ExposurePlace {
  /** ISO 8601 to the microsecond, as Postgres keeps it. */
  occurredAt: string;
  eventId: string;
}

/** Rows with `since` ≤ `occurred_at` < `until` that come behind `after`, up to `upTo`. */
export interface ExposureRange {
  since: Date;
  until: Date;
  after: ExposurePlace | undefined;
  upTo?: ExposurePlace | undefined;
}

/** `occurred_at` is bounded once more below, because a comparison of pairs leaves out no part of the table. */
const IN_RANGE = `occurred_at >= $1 and occurred_at < $2
  and ($3::timestamptz is null or (occurred_at >= $3 and (occurred_at, event_id) > ($3, $4::text collate "C")))
  and ($5::timestamptz is null or (occurred_at <= $5 and (occurred_at, event_id) <= ($5, $6::text collate "C")))`;
const utc = (column: string, fraction: string): string => `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.${fraction}"Z"')`;
const PLACE = `${utc('occurred_at', 'US')} as "occurredAt", event_id as "eventId"`;
const AS_JSON = `(select row_to_json(r) from (select ${Object.entries(EXPOSURE_COLUMNS)
  .map(([column, type]) => (type === 'time' ? `${utc(`e.${column}`, 'MS')} as ${column}` : `e.${column}`))
  .join(', ')}) r)::text`;

const valuesOf = ({ since, until, after, upTo }: ExposureRange): unknown[] => [
  since, until, after?.occurredAt ?? null, after?.eventId ?? null, upTo?.occurredAt ?? null, upTo?.eventId ?? null,
];

/** On a table without statistics Postgres would rather read and sort everything that is left of the range, for each page anew. */
const inOrder = <T>(connection: LedgerConnection, work: (client: PoolClient) => Promise<T>): Promise<T> =>
  connection.transaction(async (client) => {
    await client.query('set local enable_sort = off');
    return work(client);
  });

/** The place of the `count`-th row of the range, undefined when it has fewer rows or no more than that: read to there, and go on behind it. */
export async function findExposurePlace(connection: LedgerConnection, range: ExposureRange, count: number): Promise<ExposurePlace | undefined> {
  return inOrder(connection, async (client) => {
    const { rows } = await client.query<ExposurePlace>(`select ${PLACE} from exposures where ${IN_RANGE} order by occurred_at, event_id offset $7 limit 2`, [...valuesOf(range), count - 1]);
    return rows.length === 2 ? rows[0] : undefined;
  });
}

/** Rows as JSON texts, in the order of time, with the place of the last of them; none when the range has no more. */
export async function readExposures(connection: LedgerConnection, range: ExposureRange, limit: number): Promise<{ rows: string[]; last: ExposurePlace | undefined }> {
  return inOrder(connection, async (client) => {
    const { rows } = await client.query<ExposurePlace & { row: string }>(`select ${PLACE}, ${AS_JSON} as row from exposures e where ${IN_RANGE} order by occurred_at, event_id limit $7`, [...valuesOf(range), limit]);
    const last = rows.at(-1);
    return { rows: rows.map(({ row }) => row), last: last && { occurredAt: last.occurredAt, eventId: last.eventId } };
  });
}

const IN_SQL = { text: 'text', time: 'timestamptz', boolean: 'boolean', json: 'jsonb' } as const;
const ROWS = new ColumnSet<ExposureRow>(
  Object.fromEntries(Object.entries(EXPOSURE_COLUMNS).map(([column, type]): [string, Column<ExposureRow>] => [column, [IN_SQL[type], (row) => row[column as ExposureColumn]]])),
);
const COLUMNS = Object.keys(EXPOSURE_COLUMNS);

/** The event's id alone says whether it is known, as at the door. What was decided on its membership is not in the row. */
const INSERT_EVENTS = `
insert into events (event_id, source, name, audience_key, person_id, occurred_at, received_at, status)
select r.event_id, r.source, r.name, r.audience_key, r.person_id, r.occurred_at, r.received_at, r.status from ${ROWS.rows(1)}
on conflict (event_id) do nothing returning event_id`;
const INSERT_ROWS = `insert into exposures (${COLUMNS.join(', ')}) select ${COLUMNS.map((column) => `r.${column}`).join(', ')} from ${ROWS.rows(1)} on conflict do nothing`;

export type ImportedRow = 'imported' | 'duplicate' | 'conflict';

/** One import at a time, so that two cannot both find that a row without an event is new. */
const IMPORT_LOCK = 'headgate import';

/**
 * Takes rows in as they are: nothing is decided, no workflow is started. An event's own row counts once by its event, as everywhere; a row that
 * an event or the time brought about (`caused_by`) has no event of its own, and counts once by its id in `exposures`.
 * @param rows at most some hundreds
 * @returns what became of each, in order. `conflict`: its id was used for another name or audience
 */
export async function importExposures(connection: LedgerConnection, rows: readonly ExposureRow[]): Promise<ImportedRow[]> {
  if (rows.length === 0) return [];
  return connection.transaction(async (client) => {
    await client.query('select pg_advisory_xact_lock(hashtext($1))', [IMPORT_LOCK]);
    const first = new Map<string, ExposureRow>();
    for (const row of rows) if (!first.has(row.event_id)) first.set(row.event_id, row);
    // In key order, so that two transactions meet in the same order.
    const distinct = [...first.values()].sort((a, b) => (a.event_id < b.event_id ? -1 : 1));
    const own = distinct.filter((row) => row.caused_by === null);
    const broughtAbout = distinct.filter((row) => row.caused_by !== null);
    const { rows: inserted } = await client.query<{ event_id: string }>(INSERT_EVENTS, ROWS.parameters(own));
    const fresh = new Set(inserted.map((row) => row.event_id));
    const known = await knownRows(client, broughtAbout);
    for (const row of broughtAbout) if (!known.has(row.event_id)) fresh.add(row.event_id);
    const conflicting = await conflicts(client, rows.filter((row) => row.caused_by === null && !(fresh.has(row.event_id) && first.get(row.event_id) === row)));
    await client.query(INSERT_ROWS, ROWS.parameters(distinct.filter((row) => fresh.has(row.event_id))));
    return rows.map((row): ImportedRow => (conflicting.has(row) ? 'conflict' : fresh.has(row.event_id) && first.get(row.event_id) === row ? 'imported' : 'duplicate'));
  });
}

async function knownRows(client: PoolClient, rows: readonly ExposureRow[]): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  const { rows: known } = await client.query<{ event_id: string }>('select event_id from exposures where event_id = any($1)', [rows.map((row) => row.event_id)]);
  return new Set(known.map((row) => row.event_id));
}

async function conflicts(client: PoolClient, rows: readonly ExposureRow[]): Promise<Set<ExposureRow>> {
  const known = await loadEvents(client, rows.map((row) => row.event_id));
  return new Set(rows.filter((row) => {
    const event = known.get(row.event_id);
    return event !== undefined && (event.name !== row.name || event.audienceKey !== row.audience_key);
  }));
}

/** Of these pairs of a delivery and a metric, those that the reporting feed or an import has told of, as `<delivery>\n<metric>`. */
export async function findReported(connection: LedgerConnection, pairs: readonly { deliveryId: string; metric: string }[]): Promise<Set<string>> {
  if (pairs.length === 0) return new Set();
  return connection.use(async (client) => {
    const { rows } = await client.query<{ key: string }>(
      `select distinct e.delivery_id || E'\\n' || e.metric as key from unnest($1::text[], $2::text[]) as p (delivery_id, metric)
       join exposures e on e.delivery_id = p.delivery_id and e.metric = p.metric`,
      [pairs.map(({ deliveryId }) => deliveryId), pairs.map(({ metric }) => metric)],
    );
    return new Set(rows.map(({ key }) => key));
  });
}
