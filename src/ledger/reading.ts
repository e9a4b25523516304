/** What people and programs may read of the ledger: events, persons, audiences. Never an identifier in the clear. */
import type { PoolClient } from 'pg';
import type { DecisionStatus, JsonObject } from '../domain/event.ts';
import type { DeliveryStatus } from '../domain/delivery.ts';
import type { Arm, MembershipReason, MembershipState } from '../domain/membership.ts';
import type { LedgerConnection } from './connection.ts';

/** How far one platform is with a membership. Times are ISO 8601. */
export interface DeliveryView {
  destination: string;
  audience_key: string;
  wanted: MembershipState;
  status: DeliveryStatus;
  accepted: MembershipState | null;
  reason: string | null;
  pending_since: Date | null;
  settled_at: Date | null;
}

export interface MembershipView {
  audience_key: string;
  state: MembershipState;
  reason: MembershipReason;
  occurred_at: Date;
  event_id: string;
  expires_at: Date | null;
  arm: Arm;
  updated_at: Date;
}

export interface EventView {
  event_id: string;
  source: string;
  name: string;
  audience_key: string | null;
  person_id: string | null;
  occurred_at: Date;
  received_at: Date;
  claimed_at: Date | null;
  status: DecisionStatus;
  audience: MembershipState | null;
  until: Date | null;
  /** Of reports: `email`, `opened`. */
  channel: string | null;
  metric: string | null;
  context: JsonObject | null;
  attributes: JsonObject | null;
}

export interface EventDetails extends EventView {
  membership: MembershipView | null;
  deliveries: DeliveryView[];
}

export interface PersonView {
  person_id: string;
  people: string;
  customer_id: string | null;
  cio_ids: string[];
  email_hashes: string[];
  created_at: Date;
  memberships: MembershipView[];
  deliveries: DeliveryView[];
  events: EventView[];
}

export interface AudienceCounts {
  audience_key: string;
  in: number;
  out: number;
  holdout: number;
  /** Members are yet to be moved to the arm that the shares of now give. */
  rearming: boolean;
  /** Of those who are in, the ones whose window is another one than the registry's. */
  former_window: number;
}

export interface TargetCounts {
  destination: string;
  audience_key: string;
  pending_adds: number;
  pending_removes: number;
  accepted_in: number;
  rejected: number;
  blocked: number;
  processing: number;
  oldest_add: Date | null;
  oldest_removal: Date | null;
}

const EVENT_COLUMNS = `e.event_id, e.source, e.name, e.audience_key, e.person_id, e.occurred_at, e.received_at, e.claimed_at,
  e.status, e.audience, e.until, x.channel, x.metric, x.context, x.attributes`;
const MEMBERSHIP_COLUMNS = 'audience_key, state, reason, occurred_at, event_id, expires_at, arm, updated_at';
const DELIVERY_COLUMNS = `destination, audience_key, wanted, status, accepted, reason,
  case when status = 'pending' then pending_since end as pending_since, settled_at`;

/** Everything about one event, or undefined when the ledger does not know it. */
export async function readEvent(connection: LedgerConnection, eventId: string): Promise<EventDetails | undefined> {
  return connection.use(async (client) => {
    const events = await client.query<EventView>(
      `select ${EVENT_COLUMNS} from events e left join exposures x on x.event_id = e.event_id and x.occurred_at = e.occurred_at where e.event_id = $1`,
      [eventId],
    );
    const [event] = events.rows;
    if (!event) return undefined;
    const person = await readSurvivor(client, event.person_id);
    const memberships = await readMemberships(client, person, event.audience_key);
    const deliveries = await readDeliveries(client, person, event.audience_key);
    return { ...event, membership: memberships[0] ?? null, deliveries };
  });
}

/** Persons that go by this identifier, in every `people` scope (there is one, unless sources are kept apart). */
export async function readPersons(
  connection: LedgerConnection,
  identifier: { kind: 'customer_id' | 'cio_id' | 'email' | 'person_id'; value: string },
  newestEvents: number,
): Promise<PersonView[]> {
  return connection.use(async (client) => {
    const found = await client.query<{ person_id: string; people: string; customer_id: string | null; created_at: Date }>(
      identifier.kind === 'person_id'
        ? `select p.person_id, p.people, p.customer_id, p.created_at from persons given
           join persons p on p.person_id = coalesce(given.merged_into, given.person_id) where given.person_id = $1 and $2 = 'person_id'`
        : `select p.person_id, p.people, p.customer_id, p.created_at from person_identifiers i join persons p using (person_id)
           where i.value = $1 and i.kind = $2`,
      [identifier.value, identifier.kind],
    );
    const views: PersonView[] = [];
    for (const person of found.rows) {
      const aliases = await client.query<{ kind: string; value: string }>(
        `select i.kind, i.value from persons p, unnest(p.contacts) as contact
         join person_identifiers i on i.kind = split_part(contact, ':', 1) and i.value = substr(contact, strpos(contact, ':') + 1)
         where p.person_id = $1 and i.person_id = $1 order by i.kind, i.value`,
        [person.person_id],
      );
      const events = await client.query<EventView>(
        `select ${EVENT_COLUMNS} from events e left join exposures x on x.event_id = e.event_id and x.occurred_at = e.occurred_at
         where e.person_id = $1 or e.person_id in (select person_id from persons where merged_into = $1)
         order by e.occurred_at desc, e.event_id desc limit $2`,
        [person.person_id, newestEvents],
      );
      views.push({
        ...person,
        cio_ids: aliases.rows.filter((alias) => alias.kind === 'cio_id').map((alias) => alias.value),
        email_hashes: aliases.rows.filter((alias) => alias.kind === 'email').map((alias) => alias.value),
        memberships: await readMemberships(client, person.person_id, null),
        deliveries: await readDeliveries(client, person.person_id, null),
        events: events.rows,
      });
    }
    return views;
  });
}

/** Members of each audience. @param audiences with their windows in milliseconds; null: none */
export async function countMembers(connection: LedgerConnection, audiences: readonly { key: string; windowMs: number | null }[]): Promise<AudienceCounts[]> {
  const { rows } = await connection.use((client) =>
    client.query<AudienceCounts>(
      `select m.audience_key, count(*) filter (where state = 'in')::int as in, count(*) filter (where state = 'out')::int as out,
              count(*) filter (where state = 'in' and arm = 'holdout')::int as holdout,
              count(*) filter (where state = 'in' and expires_at is distinct from occurred_at + make_interval(secs => a.window_ms / 1000.0))::int as former_window,
              coalesce(bool_or(known.rearm_after is not null), false) as rearming
       from unnest($1::text[], $2::float8[]) as a (audience_key, window_ms) join memberships m using (audience_key) left join audiences known using (audience_key) group by m.audience_key`,
      [audiences.map(({ key }) => key), audiences.map(({ windowMs }) => windowMs)],
    ),
  );
  return rows;
}

/** Deliveries at each target, counted. */
export async function countDeliveries(connection: Pick<LedgerConnection, 'use'>, audienceKeys: readonly string[]): Promise<TargetCounts[]> {
  const { rows } = await connection.use((client) =>
    client.query<TargetCounts>(
      `select destination, audience_key,
              count(*) filter (where status = 'pending' and wanted = 'in')::int as pending_adds,
              count(*) filter (where status = 'pending' and wanted = 'out')::int as pending_removes,
              count(*) filter (where accepted = 'in')::int as accepted_in,
              count(*) filter (where status = 'rejected')::int as rejected,
              count(*) filter (where status = 'blocked')::int as blocked,
              count(*) filter (where status = 'processing')::int as processing,
              min(pending_since) filter (where status = 'pending' and wanted = 'in') as oldest_add,
              min(pending_since) filter (where status = 'pending' and wanted = 'out') as oldest_removal
       from deliveries where audience_key = any($1) group by destination, audience_key`,
      [audienceKeys],
    ),
  );
  return rows;
}

/** Removals that platforms refuse for now. */
export async function countBlocked(connection: LedgerConnection): Promise<{ destination: string; audience_key: string; blocked: number }[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ destination: string; audience_key: string; blocked: number }>(
      `select destination, audience_key, count(*)::int as blocked from deliveries where status = 'blocked' group by destination, audience_key`,
    ),
  );
  return rows;
}

/** Pending deliveries only: cheap enough to ask at each scrape of the metrics. */
export async function countPending(
  connection: LedgerConnection,
): Promise<{ destination: string; audience_key: string; wanted: MembershipState; pending: number; oldest: Date }[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ destination: string; audience_key: string; wanted: MembershipState; pending: number; oldest: Date }>(
      `select destination, audience_key, wanted, count(*)::int as pending, min(pending_since) as oldest
       from deliveries where status = 'pending' group by destination, audience_key, wanted`,
    ),
  );
  return rows;
}

async function readSurvivor(client: PoolClient, personId: string | null): Promise<string | null> {
  if (personId === null) return null;
  const { rows } = await client.query<{ survivor: string }>(
    'select coalesce(merged_into, person_id) as survivor from persons where person_id = $1',
    [personId],
  );
  return rows[0]?.survivor ?? personId;
}

async function readMemberships(client: PoolClient, personId: string | null, audienceKey: string | null): Promise<MembershipView[]> {
  const { rows } = await client.query<MembershipView>({
    name: 'read-memberships',
    text: `select ${MEMBERSHIP_COLUMNS} from memberships where person_id = $1 and ($2::text is null or audience_key = $2) order by audience_key`,
    values: [personId, audienceKey],
  });
  return rows;
}

async function readDeliveries(client: PoolClient, personId: string | null, audienceKey: string | null): Promise<DeliveryView[]> {
  const { rows } = await client.query<DeliveryView>({
    name: 'read-deliveries',
    text: `select ${DELIVERY_COLUMNS} from deliveries where person_id = $1 and ($2::text is null or audience_key = $2)
           order by audience_key, destination`,
    values: [personId, audienceKey],
  });
  return rows;
}
