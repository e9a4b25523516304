/** Stores what a folded batch decided, set by set. Rows go in key order, so that two transactions meet in the same order. */
import type { PoolClient } from 'pg';
import type { Decision, HeadgateEvent } from '../domain/event.ts';
import type { BroughtAbout } from '../domain/exposure.ts';
import { deliveryKey, membershipKey, type DecidedEvent, type FoldedBatch, type LoadedBatch } from '../domain/fold-batch.ts';
import { forwardFields } from '../domain/forward.ts';
import type { IdentityResolution, PersonIdentity } from '../domain/identity.ts';
import { NOBODY, type KnownPerson } from '../domain/person.ts';
import { PRIORITY, priorityOfEvent } from '../domain/priority.ts';
import { ColumnSet, type Column } from './column-set.ts';

/** Times travel as milliseconds since the epoch. */
const time = (column: string): string => `to_timestamp(r.${column} / 1000.0)`;

interface StoredPerson extends KnownPerson {
  personId: string;
  people: string;
  customerId: string | null;
}
type StoredAlias = IdentityResolution['changedAliases'][number];
interface OutboxItem {
  eventId: string;
  action: 'start' | 'end';
  priority: number;
  payload: { event: HeadgateEvent; decision: Decision } | null;
}

const PERSONS = new ColumnSet<StoredPerson>({
  person_id: ['text', (person) => person.personId],
  people: ['text', (person) => person.people],
  customer_id: ['text', (person) => person.customerId],
  today: ['jsonb', (person) => person.today],
  former: ['jsonb', (person) => person.former],
  contacts: ['text', (person) => person.contacts.join('\u001f')],
  consent: ['jsonb', (person) => person.consent],
  as_of: ['float8', (person) => person.asOf],
});
const ALIASES = new ColumnSet<StoredAlias>({
  kind: ['text', (alias) => alias.kind],
  value: ['text', (alias) => alias.value],
  people: ['text', (alias) => alias.scope],
  person_id: ['text', (alias) => alias.personId],
  claimed_at: ['float8', (alias) => alias.claimedAt],
});
const EVENT_COLUMNS: Readonly<Record<string, Column<DecidedEvent>>> = {
  event_id: ['text', ({ event }) => event.eventId],
  source: ['text', ({ event }) => event.source],
  name: ['text', ({ event }) => event.name],
  audience_key: ['text', ({ event }) => event.audienceKey],
  action: ['text', ({ event }) => event.action],
  person_id: ['text', ({ decision }) => decision.personId],
  customer_id: ['text', ({ event }) => event.person.customerId],
  occurred_at: ['float8', ({ event }) => event.occurredAt],
  received_at: ['float8', ({ event }) => event.receivedAt],
  claimed_at: ['float8', ({ event }) => event.claimedAt],
  status: ['text', ({ decision }) => decision.status],
  audience: ['text', ({ decision }) => decision.audience],
  until: ['float8', ({ decision }) => decision.until],
  outcome: ['text', ({ exposed }) => exposed.outcome],
  reason: ['text', ({ exposed }) => exposed.reason],
  arm: ['text', ({ exposed }) => exposed.arm],
  cio_id: ['text', ({ event }) => event.person.cioId],
  metric: ['text', ({ event }) => event.report?.metric ?? event.exposure ?? event.action],
  campaign_id: ['text', ({ event }) => event.context['campaign_id']],
  campaign_name: ['text', ({ event }) => event.context['campaign_name']],
  journey_id: ['text', ({ event }) => event.context['journey_id']],
  step_id: ['text', ({ event }) => event.context['step_id']],
  message_variant: ['text', ({ event }) => event.context['message_variant']],
  delivery_id: ['text', ({ event }) => event.context['delivery_id']],
  context: ['jsonb', ({ event }) => event.context],
  attributes: ['jsonb', ({ event }) => event.attributes],
};
const EVENTS = new ColumnSet(EVENT_COLUMNS);
/** What the reporting feed says besides. */
const REPORT_COLUMNS: Readonly<Record<string, Column<DecidedEvent>>> = {
  channel: ['text', ({ event }) => event.report?.channel],
  broadcast_id: ['text', ({ event }) => event.report?.broadcastId],
  newsletter_id: ['text', ({ event }) => event.report?.newsletterId],
  transactional_message_id: ['text', ({ event }) => event.report?.transactionalMessageId],
  trigger_id: ['text', ({ event }) => event.report?.triggerId],
  trigger_event_id: ['text', ({ event }) => event.report?.triggerEventId],
  parent_step_id: ['text', ({ event }) => event.report?.parentStepId],
  content_id: ['text', ({ event }) => event.report?.contentId],
  link_id: ['text', ({ event }) => event.report?.linkId],
  link_url: ['text', ({ event }) => event.report?.linkUrl],
  failure_reason: ['text', ({ event }) => event.report?.failureReason],
  machine: ['boolean', ({ event }) => event.report?.machine],
  imported_from: ['text', ({ event }) => event.importedFrom],
};
const REPORTS = new ColumnSet({ ...EVENT_COLUMNS, ...REPORT_COLUMNS });
const BROUGHT_ABOUT = new ColumnSet<BroughtAbout>({
  event_id: ['text', (row) => row.exposureId],
  caused_by: ['text', (row) => row.causedBy],
  source: ['text', (row) => row.source],
  name: ['text', (row) => row.name],
  person_id: ['text', (row) => row.personId],
  audience_key: ['text', (row) => row.audienceKey],
  occurred_at: ['float8', (row) => row.occurredAt],
  received_at: ['float8', (row) => row.receivedAt],
  outcome: ['text', (row) => row.outcome],
  reason: ['text', (row) => row.reason],
  arm: ['text', (row) => row.arm],
  attributes: ['jsonb', (row) => row.attributes ?? {}],
});
/** What an action may send of the event; see domain/forward.ts. */
const FORWARDS = new ColumnSet<DecidedEvent>({
  event_id: ['text', ({ event }) => event.eventId],
  action: ['text', ({ event }) => event.action],
  person_id: ['text', ({ decision }) => decision.personId],
  fields: ['jsonb', ({ event, decision }) => forwardFields(event, decision.personId)],
});
const MEMBERSHIPS = new ColumnSet<FoldedBatch['memberships'][number]>({
  person_id: ['text', (membership) => membership.personId],
  audience_key: ['text', (membership) => membership.audienceKey],
  state: ['text', (membership) => membership.state],
  reason: ['text', (membership) => membership.reason],
  occurred_at: ['float8', (membership) => membership.occurredAt],
  removal: ['boolean', (membership) => membership.removal],
  event_id: ['text', (membership) => membership.eventId],
  expires_at: ['float8', (membership) => membership.expiresAt],
  arm: ['text', (membership) => membership.arm],
  revision: ['integer', (membership) => membership.revision],
});
const DELIVERIES = new ColumnSet<FoldedBatch['deliveries'][number]>({
  person_id: ['text', (delivery) => delivery.personId],
  destination: ['text', (delivery) => delivery.target.destination],
  audience_key: ['text', (delivery) => delivery.target.audienceKey],
  wanted: ['text', (delivery) => delivery.wanted],
  status: ['text', (delivery) => delivery.status],
  revision: ['integer', (delivery) => delivery.revision],
  cause: ['text', (delivery) => delivery.cause],
});
const OUTBOX = new ColumnSet<OutboxItem>({
  event_id: ['text', (entry) => entry.eventId],
  action: ['text', (entry) => entry.action],
  priority: ['smallint', (entry) => entry.priority],
  payload: ['json', (entry) => entry.payload],
});

const INSERTED = [PERSONS, ALIASES, EVENTS, MEMBERSHIPS, DELIVERIES, OUTBOX] as const;
const UPDATED = [PERSONS, MEMBERSHIPS, DELIVERIES] as const;

type Rows = Pick<ColumnSet<never>, 'width' | 'rows'>;

/** A set's rows in a statement whose parameters are those of `sets`, one after the other. */
function rowsOf(set: Rows, sets: readonly Rows[]): string {
  return set.rows(1 + sets.slice(0, sets.indexOf(set)).reduce((count, one) => count + one.width, 0));
}
const inserted = (set: (typeof INSERTED)[number]): string => rowsOf(set, INSERTED);
const updated = (set: (typeof UPDATED)[number]): string => rowsOf(set, UPDATED);

/** What an event's own row in `exposures` takes from it. */
const EXPOSURE = {
  columns: `event_id, source, name, person_id, customer_id, cio_id, audience_key, occurred_at, received_at, status, outcome, reason, arm, metric,
    campaign_id, campaign_name, journey_id, step_id, message_variant, delivery_id, context, attributes`,
  values: `r.event_id, r.source, r.name, r.person_id, r.customer_id, r.cio_id, r.audience_key, ${time('occurred_at')}, ${time('received_at')}, r.status, r.outcome, r.reason, r.arm, r.metric,
    r.campaign_id, r.campaign_name, r.journey_id, r.step_id, r.message_variant, r.delivery_id, r.context, r.attributes`,
};
const reportColumns = Object.keys(REPORT_COLUMNS);
const INSERT_REPORTS = `
insert into exposures (${EXPOSURE.columns}, ${reportColumns.join(', ')})
select ${EXPOSURE.values}, ${reportColumns.map((column) => `r.${column}`).join(', ')} from ${REPORTS.rows(1)}`;
/** One row for each end of a membership and each merger, guarded by the lock on the person. */
const INSERT_BROUGHT_ABOUT = `
insert into exposures (event_id, caused_by, source, name, person_id, audience_key, occurred_at, received_at, status, outcome, reason, arm, attributes)
select r.event_id, r.caused_by, r.source, r.name, r.person_id, r.audience_key, ${time('occurred_at')}, ${time('received_at')}, 'applied', r.outcome, r.reason, r.arm, r.attributes
from ${BROUGHT_ABOUT.rows(1)} on conflict do nothing`;

/** In order of arrival; persons are locked, so the order of one person's rows is the order in which their events were accepted. */
const INSERT_FORWARDS = `
insert into forwards (event_id, action, person_id, fields)
select r.event_id, r.action, r.person_id, r.fields from ${FORWARDS.rows(1)}`;

/** Plain inserts: `on conflict` looks up each index twice and writes more. */
const INSERT_BATCH = `
with incoming as materialized (
  select * from ${inserted(EVENTS)}
), new_persons as (
  insert into persons (person_id, people, customer_id, today, former, contacts, consent, as_of)
  select r.person_id, r.people, r.customer_id, r.today, r.former, string_to_array(r.contacts, E'\\x1f'), r.consent, ${time('as_of')}
  from ${inserted(PERSONS)}
), new_aliases as (
  insert into person_identifiers (kind, value, people, person_id, claimed_at)
  select r.kind, r.value, r.people, r.person_id, ${time('claimed_at')} from ${inserted(ALIASES)}
), new_events as (
  insert into events (event_id, source, name, audience_key, action, person_id, occurred_at, received_at, claimed_at, status, audience, until)
  select r.event_id, r.source, r.name, r.audience_key, r.action, r.person_id, ${time('occurred_at')}, ${time('received_at')}, ${time('claimed_at')},
         r.status, r.audience, ${time('until')}
  from incoming r
), new_exposures as (
  insert into exposures (${EXPOSURE.columns})
  select ${EXPOSURE.values}
  from incoming r where r.status <> 'test' and r.name <> 'cio.report'
), new_memberships as (
  insert into memberships (person_id, audience_key, state, reason, occurred_at, removal, event_id, expires_at, arm, revision)
  select r.person_id, r.audience_key, r.state, r.reason, ${time('occurred_at')}, r.removal, r.event_id, ${time('expires_at')}, r.arm, r.revision
  from ${inserted(MEMBERSHIPS)}
), new_deliveries as (
  insert into deliveries (person_id, destination, audience_key, wanted, status, revision, cause, pending_since)
  select r.person_id, r.destination, r.audience_key, r.wanted, r.status, r.revision, r.cause, clock_timestamp() from ${inserted(DELIVERIES)}
)
insert into outbox (event_id, action, priority, payload)
select r.event_id, r.action, r.priority, r.payload from ${inserted(OUTBOX)}`;

/** A push may have made a delivery pending since it was read, so its revision may be a later one. */
const UPDATE_BATCH = `
with changed_persons as (
  update persons p set customer_id = coalesce(r.customer_id, p.customer_id), today = r.today, former = r.former,
    contacts = string_to_array(r.contacts, E'\\x1f'), consent = r.consent, as_of = ${time('as_of')}
  from ${updated(PERSONS)} where p.person_id = r.person_id
), changed_memberships as (
  update memberships m set state = r.state, reason = r.reason, occurred_at = ${time('occurred_at')}, removal = r.removal,
    event_id = r.event_id, expires_at = ${time('expires_at')}, arm = r.arm, revision = r.revision, updated_at = now()
  from ${updated(MEMBERSHIPS)} where m.person_id = r.person_id and m.audience_key = r.audience_key
)
update deliveries d set wanted = r.wanted, status = r.status, revision = greatest(r.revision, d.revision + 1), cause = r.cause, reason = null, batch = null,
  pending_since = case when d.status = 'pending' and d.wanted = r.wanted then d.pending_since else clock_timestamp() end
from ${updated(DELIVERIES)}
where d.person_id = r.person_id and d.destination = r.destination and d.audience_key = r.audience_key`;

/**
 * Sends the batch's writes, all before it returns, so that the commit can follow at once. Fails with a unique violation when
 * another transaction has inserted one of the events or aliases in the meantime: this one must then start over. Persons are
 * locked or new, so nobody else touches their rows.
 * @param isStored whether the ledger has a row of this person
 */
export function storeBatch(
  client: PoolClient,
  identities: IdentityResolution,
  isStored: (personId: string) => boolean,
  loaded: LoadedBatch,
  folded: FoldedBatch,
): Promise<unknown> {
  const persons = split(storedPersons(identities, loaded, folded), (person) => isStored(person.personId));
  const memberships = split(folded.memberships, (one) => loaded.memberships.has(membershipKey(one.personId, one.audienceKey)));
  const deliveries = split(folded.deliveries, (one) => loaded.deliveries.has(deliveryKey(one.personId, one.target)));
  const aliases = split(identities.changedAliases.sort(byKey), (alias) => !alias.created);
  const outbox = outboxItems(folded);
  const writes: Promise<unknown>[] = [];
  if (persons.fresh.length + memberships.fresh.length + deliveries.fresh.length + folded.decided.length + outbox.length > 0) {
    const values = [
      ...PERSONS.parameters(persons.fresh),
      ...ALIASES.parameters(aliases.fresh),
      ...EVENTS.parameters(folded.decided.toSorted((a, b) => (a.event.eventId < b.event.eventId ? -1 : 1))),
      ...MEMBERSHIPS.parameters(memberships.fresh),
      ...DELIVERIES.parameters(deliveries.fresh),
      ...OUTBOX.parameters(outbox),
    ];
    writes.push(client.query({ name: 'insert-batch', text: INSERT_BATCH, values }));
  }
  if (persons.known.length + memberships.known.length + deliveries.known.length > 0) {
    const values = [...PERSONS.parameters(persons.known), ...MEMBERSHIPS.parameters(memberships.known), ...DELIVERIES.parameters(deliveries.known)];
    writes.push(client.query({ name: 'update-batch', text: UPDATE_BATCH, values }));
  }
  const reports = folded.decided.filter(({ event }) => event.report);
  if (reports.length > 0) writes.push(client.query({ name: 'insert-reports', text: INSERT_REPORTS, values: REPORTS.parameters(reports) }));
  const forwards = folded.decided.filter(({ event, decision }) => event.action !== undefined && decision.status !== 'test');
  if (forwards.length > 0) writes.push(client.query({ name: 'insert-forwards', text: INSERT_FORWARDS, values: FORWARDS.parameters(forwards) }));
  if (folded.broughtAbout.length > 0) writes.push(client.query({ name: 'insert-brought-about', text: INSERT_BROUGHT_ABOUT, values: BROUGHT_ABOUT.parameters(folded.broughtAbout) }));
  writes.push(...storeAliasChanges(client, aliases.known, identities.personsWhoLostAnAlias));
  if (folded.outdated.length > 0) writes.push(noteOutdated(client, folded.outdated));
  return Promise.all(writes);
}

/** Calls that carried an older revision than that of now may have named an e-mail that the person has lost. */
function noteOutdated(client: PoolClient, outdated: FoldedBatch['outdated']): Promise<unknown> {
  return client.query(
    `update deliveries d set lost_revision = d.revision from unnest($1::text[], $2::text[], $3::text[]) as r (person_id, destination, audience_key)
     where (d.person_id, d.destination, d.audience_key) = (r.person_id, r.destination, r.audience_key)`,
    [outdated.map((one) => one.personId), outdated.map((one) => one.destination), outdated.map((one) => one.audienceKey)],
  );
}

function split<T>(items: readonly T[], isKnown: (item: T) => boolean): { fresh: T[]; known: T[] } {
  const parts = { fresh: [] as T[], known: [] as T[] };
  for (const item of items) (isKnown(item) ? parts.known : parts.fresh).push(item);
  return parts;
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
function storeAliasChanges(client: PoolClient, changed: readonly StoredAlias[], bereft: readonly string[]): Promise<unknown>[] {
  if (changed.length === 0) return [];
  const update = client.query({
    name: 'store-alias-changes',
    text: `update person_identifiers i set person_id = r.person_id, claimed_at = greatest(i.claimed_at, ${time('claimed_at')})
           from ${ALIASES.rows(1)} where (i.kind, i.value, i.people) = (r.kind, r.value, r.people)`,
    values: ALIASES.parameters(changed),
  });
  if (bereft.length === 0) return [update];
  return [update, client.query('update persons set identity_revision = identity_revision + 1 where person_id = any($1)', [bereft])];
}

const byKey = (a: StoredAlias, b: StoredAlias): number => {
  const [left, right] = [`${a.kind}\n${a.value}\n${a.scope}`, `${b.kind}\n${b.value}\n${b.scope}`];
  return left < right ? -1 : left > right ? 1 : 0;
};

/** New persons, persons who got their customer id, and persons of whom something new is known. */
function storedPersons(identities: IdentityResolution, loaded: Pick<LoadedBatch, 'persons'>, folded: FoldedBatch): StoredPerson[] {
  const identified = new Map([...identities.createdPersons, ...identities.namedPersons].map((person) => [person.personId, person]));
  const ids = [...new Set([...identified.keys(), ...folded.persons.keys()])].sort();
  return ids.map((personId) => {
    const known = folded.persons.get(personId) ?? loaded.persons.get(personId) ?? NOBODY;
    const { people = '', customerId = null } = identified.get(personId) ?? {};
    return { ...known, personId, people, customerId };
  });
}

/** One workflow for each event, but for reports of a source that wants none where nothing is to be done; adds that were replaced are told last that they may end, which is best effort. */
function outboxItems(folded: FoldedBatch): OutboxItem[] {
  const changing = new Set(folded.broughtAbout.map(({ causedBy }) => causedBy));
  const starts = folded.decided
    .filter(({ event, decision }) => decision.status !== 'test' && (event.rowOnly === undefined || changing.has(event.eventId)))
    .map(({ event, decision }): OutboxItem => ({ eventId: event.eventId, action: 'start', priority: priorityOfEvent(event.name), payload: { event, decision } }));
  const ends = folded.ended.map((eventId): OutboxItem => ({ eventId, action: 'end', priority: PRIORITY.end, payload: null }));
  return [...starts, ...ends];
}
