/** Quarantine: bodies that could not be understood or contradict what is known, until a person replays or discards them. */
import type { PoolClient } from 'pg';
import type { KnownEvent } from '../domain/fold-batch.ts';
import { DISCARDED, type KeptPart, type Problem, type QuarantineEntry, type StoredEntry } from '../domain/quarantine.ts';
import { insertAudit, type AuditOf } from './audit.ts';
import type { LedgerConnection } from './connection.ts';
import { loadEvents } from './load-batch.ts';

/** Keeps the entries until a person replays or discards them; one that is kept already, by its key, stays as it is. */
export async function quarantine(connection: LedgerConnection, entries: readonly QuarantineEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await connection.use((client) =>
    client.query({
      name: 'quarantine',
      text: `insert into quarantine (key, source, people, reason, event_id, event_name, audience_key, problems, body, parts, received_at)
             select r.key, r.source, r.people, r.reason, r."eventId", r."eventName", r."audienceKey", r.problems, r.body, r.parts, to_timestamp(r."receivedAt" / 1000.0)
             from json_to_recordset($1) as r (key text, source text, people text, reason text, "eventId" text, "eventName" text, "audienceKey" text,
                                              problems jsonb, body text, parts jsonb, "receivedAt" float8)
             on conflict (key) do nothing`,
      values: [JSON.stringify(entries)],
    }),
  );
}

/** How many entries wait for a person. */
export async function countQuarantined(connection: LedgerConnection): Promise<number> {
  const { rows } = await connection.use((client) =>
    client.query<{ waiting: number }>('select count(*)::int as waiting from quarantine where resolved_at is null'),
  );
  return rows[0]?.waiting ?? 0;
}

/** Which entries are meant; what is undefined does not matter. */
export interface QuarantineFilter {
  reason: QuarantineEntry['reason'] | undefined;
  source: string | undefined;
  /** Received at or after this. */
  since: Date | undefined;
  /** Received before this. */
  until: Date | undefined;
  eventName: string | undefined;
  audienceKey: string | undefined;
  /** Part of a problem, written as `path: message`, in upper or lower case. */
  problem: string | undefined;
}

const STATES = { open: 'resolved_at is null', resolved: 'resolved_at is not null', all: 'true' } as const;
export type QuarantineState = keyof typeof STATES;

/** Takes seven parameters, `filterValues`. */
const MATCHES = `($1::text is null or reason = $1) and ($2::text is null or source = $2)
  and ($3::timestamptz is null or received_at >= $3) and ($4::timestamptz is null or received_at < $4)
  and ($5::text is null or event_name = $5) and ($6::text is null or audience_key = $6)
  and ($7::text is null or exists (select from jsonb_array_elements(problems) p
                                   where strpos(lower(concat(p ->> 'path', ': ', p ->> 'message')), lower($7)) > 0))`;
const filterValues = ({ reason, source, since, until, eventName, audienceKey, problem }: QuarantineFilter): unknown[] =>
  [reason, source, since, until, eventName, audienceKey, problem].map((value) => value ?? null);

/** Entries in `state` that match, the newest first, below the id `before`. */
export async function listQuarantined(connection: LedgerConnection, state: QuarantineState, filter: QuarantineFilter, before: number | undefined, limit: number): Promise<StoredEntry[]> {
  const { rows } = await connection.use((client) =>
    client.query<Row>(`select ${COLUMNS} from quarantine where ${STATES[state]} and ${MATCHES} and ($8::bigint is null or id < $8) order by id desc limit $9`, [
      ...filterValues(filter),
      before ?? null,
      limit,
    ]),
  );
  return rows.map(entryOf);
}

/** How many entries in `state` match, after the id `after`. */
export async function countMatchingQuarantined(connection: LedgerConnection, state: QuarantineState, filter: QuarantineFilter, after: number): Promise<number> {
  const { rows } = await connection.use((client) =>
    client.query<{ matching: number }>(`select count(*)::int as matching from quarantine where ${STATES[state]} and ${MATCHES} and id > $8`, [...filterValues(filter), after]),
  );
  return rows[0]?.matching ?? 0;
}

export async function readQuarantined(connection: LedgerConnection, id: number): Promise<StoredEntry | undefined> {
  const { rows } = await connection.use((client) => client.query<Row>(`select ${COLUMNS} from quarantine where id = $1`, [id]));
  return rows.map(entryOf)[0];
}

/** One entry by its id, or those that wait and match, the oldest first, after the id `after`. */
export type WhichQuarantined = { id: number } | { filter: QuarantineFilter; after: number; limit: number };

/** What becomes of an entry. */
export interface Resolution {
  id: number;
  resolution: string;
  replayedAs?: string;
}

/** The same entries as `resolveQuarantined` would hand out, without holding them. */
export async function peekQuarantined(connection: LedgerConnection, which: WhichQuarantined): Promise<StoredEntry[]> {
  return connection.use((client) => take(client, which, ''));
}

/**
 * Hands the entries to `resolve` and writes down what it says of them; what it does not name waits on. The entries are held
 * meanwhile, and those that somebody else holds are passed over, so that no entry is replayed twice at once or discarded while
 * it is replayed. When this process dies they are free again; what `resolve` has applied by then is known by its `event_id`.
 * An entry that was discarded is handed out by its id, as long as it is kept.
 */
export async function resolveQuarantined(
  connection: LedgerConnection,
  which: WhichQuarantined,
  signature: { by: string; because: string },
  resolve: (entries: StoredEntry[]) => Promise<Resolution[]>,
  audit?: AuditOf<Resolution[]>,
): Promise<void> {
  await connection.transaction(async (client, last) => {
    const entries = await take(client, which, 'for update skip locked');
    const resolutions = entries.length === 0 ? [] : await resolve(entries);
    if (resolutions.length > 0) last(writeDown(client, resolutions, signature));
    if (resolutions.length > 0 && audit) last(insertAudit(client, audit(resolutions)));
  });
}

async function take(client: PoolClient, which: WhichQuarantined, locking: string): Promise<StoredEntry[]> {
  const { rows } = await ('id' in which
    ? client.query<Row>(`select ${COLUMNS} from quarantine where id = $1 and (resolved_at is null or resolution = $2) ${locking}`, [which.id, DISCARDED])
    : client.query<Row>(`select ${COLUMNS} from quarantine where ${STATES.open} and ${MATCHES} and id > $8 order by id limit $9 ${locking}`, [
        ...filterValues(which.filter),
        which.after,
        which.limit,
      ]));
  return rows.map(entryOf);
}

async function writeDown(client: PoolClient, resolutions: readonly Resolution[], { by, because }: { by: string; because: string }): Promise<void> {
  await client.query(
    `update quarantine q set resolved_at = clock_timestamp(), resolution = r.resolution, replayed_as = r."replayedAs", resolved_by = nullif($2, ''), resolved_because = nullif($3, '')
     from json_to_recordset($1) as r (id bigint, resolution text, "replayedAs" text) where q.id = r.id`,
    [JSON.stringify(resolutions), by, because],
  );
}

/** The first decisions on those of the events that the ledger knows. */
export async function findKnownEvents(connection: LedgerConnection, eventIds: readonly string[]): Promise<Map<string, KnownEvent>> {
  return connection.use((client) => loadEvents(client, [...eventIds]));
}

/** Deletes entries that were resolved more than `days` ago. Those that wait for a person are kept. */
export async function forgetResolvedQuarantine(connection: LedgerConnection, days: number): Promise<void> {
  await connection.use((client) => client.query('delete from quarantine where resolved_at < now() - make_interval(days => $1)', [days]));
}

const COLUMNS = `id, source, people, reason, event_id, event_name, audience_key, problems, body, parts, received_at,
  resolved_at, resolution, resolved_by, resolved_because, replayed_as`;

interface Row {
  /** A bigint, which pg hands over as text. */
  id: string;
  source: string;
  people: string | null;
  reason: QuarantineEntry['reason'];
  event_id: string | null;
  event_name: string | null;
  audience_key: string | null;
  problems: Problem[];
  body: string;
  parts: KeptPart[] | null;
  received_at: Date;
  resolved_at: Date | null;
  resolution: string | null;
  resolved_by: string | null;
  resolved_because: string | null;
  replayed_as: string | null;
}

const entryOf = (row: Row): StoredEntry => ({
  id: Number(row.id),
  source: row.source,
  ...(row.people === null ? {} : { people: row.people }),
  receivedAt: row.received_at.getTime(),
  reason: row.reason,
  ...(row.event_id === null ? {} : { eventId: row.event_id }),
  ...(row.event_name === null ? {} : { eventName: row.event_name }),
  ...(row.audience_key === null ? {} : { audienceKey: row.audience_key }),
  problems: row.problems,
  body: row.body,
  ...(row.parts === null ? {} : { parts: row.parts }),
  resolved: row.resolved_at && {
    at: row.resolved_at.getTime(),
    resolution: row.resolution ?? '',
    by: row.resolved_by,
    because: row.resolved_because,
    replayedAs: row.replayed_as,
  },
});
