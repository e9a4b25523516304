/** Stores what a folded batch decided, set by set. Rows go in key order, so that two transactions meet in the same order. */
import type { PoolClient } from 'pg';
import type { Decision, HeadgateEvent } from '../domain/event.ts';
import type { FoldedBatch, LoadedBatch } from '../domain/fold-batch.ts';
import type { IdentityResolution, PersonIdentity } from '../domain/identity.ts';
import { NOBODY } from '../domain/person.ts';
import { PRIORITY, PRIORITY_OF_EVENT } from '../domain/priority.ts';

/** Times travel as milliseconds since the epoch. */
const time = (column: string): string => `to_timestamp(r.${column} / 1000.0)`;

/**
 * Columns of a set, as arrays: a third of the cost of sending JSON and taking it apart in Postgres. `$n` is counted on from
 * `first`.
 */
function unnest(first: number, columns: Record<string, string>): string {
  const arrays = Object.values(columns).map((type, index) => `$${String(first + index)}::${type}[]`);
  return `unnest(${arrays.join(', ')}) as r (${Object.keys(columns).join(', ')})`;
}

const PERSON_COLUMNS = { person_id: 'text', people: 'text', customer_id: 'text', today: 'jsonb', former: 'jsonb', contacts: 'text', consent: 'jsonb', as_of: 'float8' };
const ALIAS_COLUMNS = { kind: 'text', value: 'text', people: 'text', person_id: 'text', claimed_at: 'float8' };
const EVENT_COLUMNS = {
  event_id: 'text',
  source: 'text',
  name: 'text',
  audience_key: 'text',
  person_id: 'text',
  customer_id: 'text',
  occurred_at: 'float8',
  received_at: 'float8',
  claimed_at: 'float8',
  status: 'text',
  audience: 'text',
  until: 'float8',
  campaign_id: 'text',
  campaign_name: 'text',
  journey_id: 'text',
  step_id: 'text',
  message_variant: 'text',
  delivery_id: 'text',
  context: 'jsonb',
  attributes: 'jsonb',
};
const MEMBERSHIP_COLUMNS = {
  person_id: 'text',
  audience_key: 'text',
  state: 'text',
  reason: 'text',
  occurred_at: 'float8',
  removal: 'boolean',
  event_id: 'text',
  expires_at: 'float8',
  arm: 'text',
  revision: 'integer',
};
const DELIVERY_COLUMNS = { person_id: 'text', destination: 'text', audience_key: 'text', wanted: 'text', status: 'text', revision: 'integer' };
const OUTBOX_COLUMNS = { event_id: 'text', action: 'text', priority: 'smallint', payload: 'text' };

const SETS: Record<string, string>[] = [PERSON_COLUMNS, ALIAS_COLUMNS, EVENT_COLUMNS, MEMBERSHIP_COLUMNS, DELIVERY_COLUMNS, OUTBOX_COLUMNS];
/** The set's rows in SQL; the sets' parameters follow each other in the order of SETS. */
const rowsOf = (set: Record<string, string>): string => {
  const before = SETS.slice(0, SETS.indexOf(set)).reduce((count, one) => count + Object.keys(one).length, 0);
  return unnest(before + 1, set);
};

const STORE_BATCH = `
with incoming as materialized (
  select * from ${rowsOf(EVENT_COLUMNS)}
), stored_persons as (
  insert into persons (person_id, people, customer_id, today, former, contacts, consent, as_of)
  select r.person_id, r.people, r.customer_id, r.today, r.former, string_to_array(r.contacts, ' '), r.consent, ${time('as_of')}
  from ${rowsOf(PERSON_COLUMNS)}
  on conflict (person_id) do update set
    customer_id = coalesce(excluded.customer_id, persons.customer_id),
    today = excluded.today, former = excluded.former, contacts = excluded.contacts, consent = excluded.consent, as_of = excluded.as_of
), new_aliases as (
  insert into person_identifiers (kind, value, people, person_id, claimed_at)
  select r.kind, r.value, r.people, r.person_id, ${time('claimed_at')}
  from ${rowsOf(ALIAS_COLUMNS)}
  on conflict do nothing returning 1
), new_events as (
  insert into events (event_id, source, name, audience_key, person_id, occurred_at, received_at, claimed_at, status, audience, until)
  select r.event_id, r.source, r.name, r.audience_key, r.person_id, ${time('occurred_at')}, ${time('received_at')}, ${time('claimed_at')},
         r.status, r.audience, ${time('until')}
  from incoming r
  on conflict do nothing returning 1
), new_exposures as (
  insert into exposures (event_id, source, name, person_id, customer_id, audience_key, occurred_at, received_at, status,
                         campaign_id, campaign_name, journey_id, step_id, message_variant, delivery_id, context, attributes)
  select r.event_id, r.source, r.name, r.person_id, r.customer_id, r.audience_key, ${time('occurred_at')}, ${time('received_at')}, r.status,
         r.campaign_id, r.campaign_name, r.journey_id, r.step_id, r.message_variant, r.delivery_id, r.context, r.attributes
  from incoming r
  where r.status <> 'test'
  on conflict do nothing
), stored_memberships as (
  insert into memberships (person_id, audience_key, state, reason, occurred_at, removal, event_id, expires_at, arm, revision)
  select r.person_id, r.audience_key, r.state, r.reason, ${time('occurred_at')}, r.removal, r.event_id, ${time('expires_at')}, r.arm, r.revision
  from ${rowsOf(MEMBERSHIP_COLUMNS)}
  on conflict (person_id, audience_key) do update set
    state = excluded.state, reason = excluded.reason, occurred_at = excluded.occurred_at, removal = excluded.removal,
    event_id = excluded.event_id, expires_at = excluded.expires_at, arm = excluded.arm, revision = excluded.revision, updated_at = now()
), stored_deliveries as (
  insert into deliveries (person_id, destination, audience_key, wanted, status, revision, pending_since)
  select r.person_id, r.destination, r.audience_key, r.wanted, r.status, r.revision, clock_timestamp()
  from ${rowsOf(DELIVERY_COLUMNS)}
  on conflict (person_id, destination, audience_key) do update set
    wanted = excluded.wanted, status = excluded.status, revision = excluded.revision, reason = null,
    pending_since = case when deliveries.status = 'pending' and deliveries.wanted = excluded.wanted
                         then deliveries.pending_since else excluded.pending_since end
), new_outbox as (
  insert into outbox (event_id, action, priority, payload)
  select r.event_id, r.action, r.priority, r.payload
  from ${rowsOf(OUTBOX_COLUMNS)}
)
select (select count(*) from new_aliases)::int as aliases, (select count(*) from new_events)::int as events`;

type Row = Readonly<Record<string, unknown>>;

/** The parameters of a set: one array per column. Objects travel as JSON. */
function parameters(set: Record<string, string>, rows: readonly Row[]): unknown[][] {
  return Object.keys(set).map((column) =>
    rows.map((row) => {
      const value = row[column];
      return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value ?? null);
    }),
  );
}

/**
 * Returns false when another transaction has inserted one of the events or aliases in the meantime: this one must then be
 * rolled back and start over.
 */
export async function storeBatch(
  client: PoolClient,
  identities: IdentityResolution,
  loaded: Pick<LoadedBatch, 'persons'>,
  folded: FoldedBatch,
): Promise<boolean> {
  const aliases = identities.changedAliases.filter((alias) => alias.created).map(aliasRow).sort(byKey);
  const events = folded.decided.map(eventRow).sort((a, b) => (a.event_id < b.event_id ? -1 : 1));
  const { rows } = await client.query<{ aliases: number; events: number }>({
    name: 'store-batch',
    text: STORE_BATCH,
    values: [
      ...parameters(PERSON_COLUMNS, personRows(identities, loaded, folded)),
      ...parameters(ALIAS_COLUMNS, aliases),
      ...parameters(EVENT_COLUMNS, events),
      ...parameters(MEMBERSHIP_COLUMNS, folded.memberships.map(membershipRow)),
      ...parameters(DELIVERY_COLUMNS, folded.deliveries.map(deliveryRow)),
      ...parameters(OUTBOX_COLUMNS, outboxRows(folded)),
    ],
  });
  const [stored] = rows;
  return stored?.aliases === aliases.length && stored.events === events.length;
}

/** Inserts bare persons, who are about to be merged with stored ones. */
export async function storePersons(client: PoolClient, persons: readonly PersonIdentity[]): Promise<void> {
  await client.query('insert into persons (person_id, people, customer_id) select * from unnest($1::text[], $2::text[], $3::text[])', [
    persons.map((person) => person.personId),
    persons.map((person) => person.people),
    persons.map((person) => person.customerId),
  ]);
}

/** Updates aliases that were seen again or went to another person. */
export async function storeAliasChanges(client: PoolClient, identities: IdentityResolution): Promise<void> {
  const changed = identities.changedAliases.filter((alias) => !alias.created).map(aliasRow).sort(byKey);
  if (changed.length === 0) return;
  await client.query({
    name: 'store-alias-changes',
    text: `update person_identifiers i set person_id = r.person_id, claimed_at = ${time('claimed_at')}
           from ${unnest(1, ALIAS_COLUMNS)} where (i.kind, i.value, i.people) = (r.kind, r.value, r.people)`,
    values: parameters(ALIAS_COLUMNS, changed),
  });
  const bereft = identities.personsWhoLostAnAlias;
  if (bereft.length === 0) return;
  await client.query('update persons set identity_revision = identity_revision + 1 where person_id = any($1)', [bereft]);
}

type AliasRow = {
  kind: string;
  value: string;
  people: string;
  person_id: string;
  claimed_at: number;
};

const aliasRow = (alias: IdentityResolution['changedAliases'][number]): AliasRow => ({
  kind: alias.kind,
  value: alias.value,
  people: alias.scope,
  person_id: alias.personId,
  claimed_at: alias.claimedAt,
});

const byKey = (a: AliasRow, b: AliasRow): number => {
  const [left, right] = [`${a.kind}\n${a.value}\n${a.people}`, `${b.kind}\n${b.value}\n${b.people}`];
  return left < right ? -1 : left > right ? 1 : 0;
};

const eventRow = ({ event, decision }: { event: HeadgateEvent; decision: Decision }) => ({
  event_id: event.eventId,
  source: event.source,
  name: event.name,
  audience_key: event.audienceKey,
  person_id: decision.personId,
  customer_id: event.person.customerId,
  occurred_at: event.occurredAt,
  received_at: event.receivedAt,
  claimed_at: event.claimedAt,
  status: decision.status,
  audience: decision.audience,
  until: decision.until,
  campaign_id: event.context['campaign_id'],
  campaign_name: event.context['campaign_name'],
  journey_id: event.context['journey_id'],
  step_id: event.context['step_id'],
  message_variant: event.context['message_variant'],
  delivery_id: event.context['delivery_id'],
  context: event.context,
  attributes: event.attributes,
});

const membershipRow = (membership: FoldedBatch['memberships'][number]) => ({
  person_id: membership.personId,
  audience_key: membership.audienceKey,
  state: membership.state,
  reason: membership.reason,
  occurred_at: membership.occurredAt,
  removal: membership.removal,
  event_id: membership.eventId,
  expires_at: membership.expiresAt,
  arm: membership.arm,
  revision: membership.revision,
});

const deliveryRow = (delivery: FoldedBatch['deliveries'][number]) => ({
  person_id: delivery.personId,
  destination: delivery.target.destination,
  audience_key: delivery.target.audienceKey,
  wanted: delivery.wanted,
  status: delivery.status,
  revision: delivery.revision,
});

/** New persons, persons who got their customer id, and persons of whom something new is known. */
function personRows(identities: IdentityResolution, loaded: Pick<LoadedBatch, 'persons'>, folded: FoldedBatch): Row[] {
  const identified = new Map([...identities.createdPersons, ...identities.namedPersons].map((person) => [person.personId, person]));
  const ids = [...new Set([...identified.keys(), ...folded.persons.keys()])].sort();
  return ids.map((personId) => {
    const known = folded.persons.get(personId) ?? loaded.persons.get(personId) ?? NOBODY;
    return {
      person_id: personId,
      people: identified.get(personId)?.people ?? '',
      customer_id: identified.get(personId)?.customerId,
      today: known.today,
      former: known.former,
      contacts: known.contacts.join(' '),
      consent: known.consent,
      as_of: known.asOf,
    };
  });
}

type OutboxRow = {
  event_id: string;
  action: 'start' | 'end';
  priority: number;
  payload: { event: HeadgateEvent; decision: Decision } | null;
};

/** One workflow for each event; adds that were replaced are told last that they may end, which is best effort. */
function outboxRows(folded: FoldedBatch): OutboxRow[] {
  const starts = folded.decided
    .filter(({ decision }) => decision.status !== 'test')
    .map((decided): OutboxRow => ({
      event_id: decided.event.eventId,
      action: 'start',
      priority: PRIORITY_OF_EVENT[decided.event.name],
      payload: decided,
    }));
  const ends = folded.ended.map((eventId): OutboxRow => ({ event_id: eventId, action: 'end', priority: PRIORITY.end, payload: null }));
  return [...starts, ...ends];
}
