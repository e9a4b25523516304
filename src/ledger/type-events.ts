/** What workflow types ask of a person's events (src/workflow-types/type-store.ts). The index events_person leads to them: one person has few. */
import type { LedgerConnection } from './connection.ts';

/** After `from`, up to `until`; milliseconds since the epoch. */
export interface EventsOfPerson {
  personId: string;
  event: string;
  /** Of `cio.forward`: only those to this action. */
  action?: string;
  from: number;
  until: number;
}

/** The person as merges left them, first, and all who were merged into them. One whom the ledger does not know is alone. */
const PERSONS = `
  select p.person_id from persons p
  where coalesce(p.merged_into, p.person_id) = coalesce((select coalesce(merged_into, person_id) from persons where person_id = $1), $1)`;
const EVENTS = `
  events e where e.person_id in (${PERSONS}) and e.name = $2 and e.status <> 'test' and ($5::text is null or e.action = $5)
    and e.occurred_at > to_timestamp($3::float8 / 1000.0) and e.occurred_at <= to_timestamp($4::float8 / 1000.0)`;

const valuesOf = ({ personId, event, action, from, until }: EventsOfPerson): unknown[] => [personId, event, from, until, action ?? null];

export async function countEventsOf(connection: LedgerConnection, which: EventsOfPerson): Promise<number> {
  const { rows } = await connection.use((client) => client.query<{ count: number }>({ name: 'count-events-of', text: `select count(*)::int as count from ${EVENTS}`, values: valuesOf(which) }));
  return rows[0]?.count ?? 0;
}

/** Newest first; of equal times the one with the greater id, as everywhere. */
export async function listEventsOf(connection: LedgerConnection, which: EventsOfPerson, most: number): Promise<{ eventId: string; occurredAt: number }[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ event_id: string; occurred_at: Date }>({
      name: 'list-events-of', text: `select e.event_id, e.occurred_at from ${EVENTS} order by e.occurred_at desc, e.event_id desc limit $6`, values: [...valuesOf(which), most],
    }),
  );
  return rows.map(({ event_id: eventId, occurred_at: at }) => ({ eventId, occurredAt: at.getTime() }));
}

/** The first of these events that the ledger knows; null when it knows none. */
export async function findKnown(connection: LedgerConnection, eventIds: readonly string[]): Promise<string | null> {
  const { rows } = await connection.use((client) => client.query<{ event_id: string }>({ name: 'find-known', text: 'select event_id from events where event_id = any($1) limit 1', values: [eventIds] }));
  return rows[0]?.event_id ?? null;
}

export async function personsOf(connection: LedgerConnection, personId: string): Promise<string[]> {
  const { rows } = await connection.use((client) => client.query<{ person_id: string }>({ name: 'persons-of', text: `${PERSONS} order by p.merged_into nulls first, p.person_id`, values: [personId] }));
  return rows.length === 0 ? [personId] : rows.map(({ person_id }) => person_id);
}
