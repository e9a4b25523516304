/** Work that goes on in Temporal and that the ledger knows of: what a Temporal that was lost, or is older, has to be given again. */
import { EVENT_NAMES, type Decision, type DecisionStatus, type EventName, type HeadgateEvent, type JsonObject } from '../domain/event.ts';
import { isBuiltIn, type EventTypes } from '../domain/event-type.ts';
import type { IdentifiersByPlatform } from '../domain/identifiers.ts';
import { PRIORITY } from '../domain/priority.ts';
import { REPORT } from '../domain/report.ts';
import type { LedgerConnection } from './connection.ts';
import { decisionOf } from './load-batch.ts';

/** `windows`: adds whose window is open. `forwards`: events that wait for their action. `own`: events of workflow types that are not Headgate's. */
export type OpenWorkKind = 'windows' | 'forwards' | 'own';

/** The next events with work, and where to go on; null: no more of this kind. */
export interface OpenWork {
  eventIds: string[];
  after: string | null;
}

const HEADGATES: readonly string[] = [...EVENT_NAMES, REPORT];

/** `at` is where the walk is; `$1` where to go on, `$2` how many. */
const NEXT: Record<OpenWorkKind, string> = {
  windows: `select (person_id || E'\\n' || audience_key) as at, event_id from memberships
            where (person_id, audience_key) > (split_part($1, E'\\n', 1), split_part($1, E'\\n', 2)) and state = 'in' and expires_at > clock_timestamp()
            order by person_id, audience_key limit $2`,
  forwards: `select seq::text as at, event_id from forwards where seq > coalesce(nullif($1, ''), '0')::bigint and state = 'waiting' order by seq limit $2`,
  own: `select event_id as at, event_id from events where event_id > $1 and applied_at >= $3 and name <> all($4) and status <> 'test' order by event_id limit $2`,
};

/** Events of a kind whose workflow has something to do, at most `limit` after `after` ('' to begin). @param since of `own`: decided since then, in milliseconds since the epoch */
export async function nextOpenWork(connection: LedgerConnection, kind: OpenWorkKind, after: string, limit: number, since: number): Promise<OpenWork> {
  const { rows } = await connection.use((client) => client.query<{ at: string; event_id: string }>(NEXT[kind], [after, limit, ...(kind === 'own' ? [new Date(since), HEADGATES] : [])]));
  return { eventIds: rows.map((row) => row.event_id), after: rows.length < limit ? null : (rows.at(-1)?.at ?? null) };
}

/** Those of the ids that the ledger has no event for, in their order. */
export async function unknownEvents(connection: LedgerConnection, eventIds: readonly string[]): Promise<string[]> {
  const { rows } = await connection.use((client) => client.query<{ event_id: string }>('select event_id from events where event_id = any($1)', [eventIds]));
  const known = new Set(rows.map((row) => row.event_id));
  return eventIds.filter((id) => !known.has(id));
}

/** Those of the ids that are in quarantine, whatever became of them there. */
export async function findQuarantined(connection: LedgerConnection, eventIds: readonly string[]): Promise<Set<string>> {
  if (eventIds.length === 0) return new Set();
  const { rows } = await connection.use((client) => client.query<{ event_id: string }>('select distinct event_id from quarantine where event_id = any($1)', [eventIds]));
  return new Set(rows.map((row) => row.event_id));
}

interface RebuiltRow {
  event_id: string;
  source: string;
  people: string;
  name: EventName;
  audience_key: string | null;
  action: string | null;
  person_id: string;
  occurred_at: Date;
  received_at: Date;
  claimed_at: Date | null;
  status: DecisionStatus;
  audience: 'in' | 'out' | null;
  until: Date | null;
  customer_id: string | null;
  cio_id: string | null;
  email: string | null;
  today: IdentifiersByPlatform;
  context: JsonObject | null;
  attributes: JsonObject | null;
}

/** The event as far as the ledger has kept it: whose it is by today's names, and what the analyst's row says. */
function rebuild(row: RebuiltRow, types: EventTypes): { event: HeadgateEvent; decision: Decision } | undefined {
  const type = types.get(row.name)?.startOf(row.attributes ?? {});
  // Another process may have the type.
  if (!type && !isBuiltIn(row.name)) return undefined;
  const event: HeadgateEvent = {
    eventId: row.event_id, source: row.source, people: row.people, name: row.name,
    ...(row.audience_key === null ? {} : { audienceKey: row.audience_key }),
    ...(row.action === null ? {} : { action: row.action }),
    occurredAt: row.occurred_at.getTime(), receivedAt: row.received_at.getTime(),
    ...(row.claimed_at === null ? {} : { claimedAt: row.claimed_at.getTime() }),
    person: {
      ...(row.customer_id === null ? {} : { customerId: row.customer_id }),
      ...(row.cio_id === null ? {} : { cioId: row.cio_id }),
      ...(row.email === null ? {} : { emailHash: row.email }),
    },
    identifiers: row.today, context: row.context ?? {}, attributes: row.attributes ?? {},
    ...(type ? { type } : {}),
  };
  return { event, decision: decisionOf(row) };
}

/**
 * Puts the events into the outbox again, behind everything else, so that the relay starts their workflows at its own pace. One that is in it already, whose person was
 * erased, or that Temporal has after all, does no harm.
 * @param types of this process' headgate.yaml; an event of another one stays as it is
 * @returns how many were put there
 */
export async function enqueueAgain(connection: LedgerConnection, eventIds: readonly string[], types: EventTypes = new Map()): Promise<number> {
  return connection.transaction(async (client) => {
    const { rows } = await client.query<RebuiltRow>(
      `select e.event_id, e.source, p.people, e.name, e.audience_key, e.action, e.person_id, e.occurred_at, e.received_at, e.claimed_at, e.status, e.audience, e.until,
              p.customer_id, x.cio_id, p.today, x.context, x.attributes,
              (select i.value from person_identifiers i where i.person_id = p.person_id and i.kind = 'email' order by i.claimed_at desc limit 1) as email
       from events e join surviving_persons s on s.person_id = e.person_id join persons p on p.person_id = s.survivor_id
         left join exposures x on x.event_id = e.event_id and x.occurred_at = e.occurred_at
       where e.event_id = any($1) and not exists (select 1 from outbox o where o.event_id = e.event_id and o.action = 'start')`,
      [eventIds],
    );
    const rebuilt = rows.flatMap((row) => rebuild(row, types) ?? []);
    const { rowCount } = await client.query(
      `insert into outbox (event_id, action, priority, payload) select r.event_id, 'start', $3, r.payload from unnest($1::text[], $2::json[]) as r (event_id, payload)`,
      [rebuilt.map(({ event }) => event.eventId), rebuilt.map((one) => JSON.stringify(one)), PRIORITY.end],
    );
    return rowCount ?? 0;
  });
}

/** Erasures that are not finished. */
export async function listOpenErasures(connection: LedgerConnection): Promise<string[]> {
  const { rows } = await connection.use((client) => client.query<{ erasure_id: string }>('select erasure_id from erasures where finished_at is null order by requested_at'));
  return rows.map((row) => row.erasure_id);
}

/**
 * Writes down an erasure that was asked for after the backup, so that it can be done again.
 * @returns whether it is to be done: the ledger does not know it, and has one of the persons
 */
export async function takeUpErasure(connection: LedgerConnection, erasureId: string, personIds: readonly string[]): Promise<boolean> {
  const { rowCount } = await connection.use((client) =>
    client.query(
      `insert into erasures (erasure_id, person_ids, requested_by, because)
       select $1, array_agg(person_id order by person_id), 'headgate reconcile', 'was asked for after the backup that the ledger was restored from'
       from persons where person_id = any($2) or merged_into = any($2) having count(*) > 0
       on conflict (erasure_id) do nothing`,
      [erasureId, personIds],
    ),
  );
  return (rowCount ?? 0) > 0;
}

/** Those of the ids that the ledger has no erasure for. */
export async function unknownErasures(connection: LedgerConnection, erasureIds: readonly string[]): Promise<string[]> {
  const { rows } = await connection.use((client) => client.query<{ erasure_id: string }>('select erasure_id from erasures where erasure_id = any($1)', [erasureIds]));
  const known = new Set(rows.map((row) => row.erasure_id));
  return erasureIds.filter((id) => !known.has(id));
}

/** Targets whose platform may hold people of whom the ledger says nothing: it gets a removal for each of them. */
export async function ensureDeliveries(connection: LedgerConnection, pairs: readonly { eventId: string; audienceKey: string; destinations: readonly string[] }[]): Promise<number> {
  const rows = pairs.flatMap(({ eventId, audienceKey, destinations }) => destinations.map((destination) => ({ eventId, audienceKey, destination })));
  if (rows.length === 0) return 0;
  const { rowCount } = await connection.use((client) =>
    client.query(
      `insert into deliveries (person_id, destination, audience_key, wanted, status, revision, pending_since)
       select distinct s.survivor_id, r.destination, r.audience_key, 'out', 'pending', 1, clock_timestamp()
       from unnest($1::text[], $2::text[], $3::text[]) as r (event_id, destination, audience_key)
         join events e on e.event_id = r.event_id join surviving_persons s on s.person_id = e.person_id
       on conflict do nothing`,
      [rows.map((row) => row.eventId), rows.map((row) => row.destination), rows.map((row) => row.audienceKey)],
    ),
  );
  return rowCount ?? 0;
}
