/** Reads what a batch of events touches. Each function is one statement for the whole batch. */
import type { PoolClient } from 'pg';
import type { Decision, DecisionStatus } from '../domain/event.ts';
import type { Delivery, DeliveryStatus } from '../domain/delivery.ts';
import { deliveryKey, membershipKey, type KnownEvent, type LoadedBatch } from '../domain/fold-batch.ts';
import { aliasKey, type Alias, type AliasKind, type AliasOwner, type PersonIdentity } from '../domain/identity.ts';
import type { IdentifiersByPlatform } from '../domain/identifiers.ts';
import type { Arm, Membership, MembershipReason, MembershipState } from '../domain/membership.ts';
import type { KnownConsent, KnownPerson } from '../domain/person.ts';

interface EventRow {
  event_id: string;
  name: string;
  source: string;
  audience_key: string | null;
  action: string | null;
  person_id: string | null;
  status: DecisionStatus;
  audience: MembershipState | null;
  until: Date | null;
}

/** Returns the first decision on each of the events that the ledger knows. */
export async function loadEvents(client: PoolClient, eventIds: string[]): Promise<Map<string, KnownEvent>> {
  if (eventIds.length === 0) return new Map();
  const { rows } = await client.query<EventRow>({
    name: 'load-events',
    text: 'select event_id, name, source, audience_key, action, person_id, status, audience, until from events where event_id = any($1)',
    values: [eventIds],
  });
  return new Map(rows.map((row) => [row.event_id, { name: row.name, source: row.source, audienceKey: row.audience_key, action: row.action, decision: decisionOf(row) }]));
}

export function decisionOf(row: Pick<EventRow, 'status' | 'person_id' | 'audience' | 'until'>): Decision {
  const decision: Decision = { status: row.status, personId: row.person_id };
  if (row.audience) decision.audience = row.audience;
  if (row.until) decision.until = row.until.getTime();
  return decision;
}

/** An alias' owner, with the revision of that person when the alias was read. */
export type FoundOwner = AliasOwner & { identityRevision: number };

export async function loadAliases(client: PoolClient, aliases: readonly Alias[]): Promise<Map<string, FoundOwner>> {
  if (aliases.length === 0) return new Map();
  const { rows } = await client.query<{
    kind: AliasKind;
    value: string;
    people: string;
    person_id: string;
    claimed_at: Date;
    identity_revision: number;
  }>({
    name: 'load-aliases',
    text: `select i.kind, i.value, i.people, i.person_id, i.claimed_at, p.identity_revision
           from unnest($1::text[], $2::text[], $3::text[]) as a (kind, value, people)
           join person_identifiers i using (kind, value, people)
           join persons p using (person_id)`,
    values: [aliases.map((alias) => alias.kind), aliases.map((alias) => alias.value), aliases.map((alias) => alias.scope)],
  });
  return new Map(
    rows.map((row) => [
      aliasKey({ kind: row.kind, value: row.value, scope: row.people }),
      { personId: row.person_id, claimedAt: row.claimed_at.getTime(), identityRevision: row.identity_revision },
    ]),
  );
}

export type LockedPerson = PersonIdentity & { mergedInto: string | null; identityRevision: number };

/** Locks the persons in key order until the transaction ends, and reads who they are now. */
export async function lockPersons(client: PoolClient, personIds: string[]): Promise<Map<string, LockedPerson>> {
  if (personIds.length === 0) return new Map();
  const { rows } = await client.query<{
    person_id: string;
    people: string;
    customer_id: string | null;
    merged_into: string | null;
    identity_revision: number;
  }>({
    name: 'lock-persons',
    text: `select person_id, people, customer_id, merged_into, identity_revision
           from persons where person_id = any($1) order by person_id for no key update`,
    values: [personIds],
  });
  return new Map(
    rows.map((row) => [
      row.person_id,
      { personId: row.person_id, people: row.people, customerId: row.customer_id, mergedInto: row.merged_into, identityRevision: row.identity_revision },
    ]),
  );
}

/** Those of the ids that a person has, or had before they turned out to be somebody else. */
export async function findPersons(client: PoolClient, personIds: string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ person_id: string }>('select person_id from persons where person_id = any($1)', [personIds]);
  return new Set(rows.map((row) => row.person_id));
}

interface MembershipRow {
  person_id: string;
  audience_key: string;
  state: MembershipState;
  reason: MembershipReason;
  occurred_at: Date;
  removal: boolean;
  event_id: string;
  expires_at: Date | null;
  arm: Arm;
  revision: number;
}

export const membershipOf = (row: MembershipRow): Membership => ({
  state: row.state,
  reason: row.reason,
  occurredAt: row.occurred_at.getTime(),
  removal: row.removal,
  eventId: row.event_id,
  expiresAt: row.expires_at?.getTime() ?? null,
  arm: row.arm,
  revision: row.revision,
});

interface DeliveryRow {
  person_id: string;
  destination: string;
  audience_key: string;
  wanted: MembershipState;
  status: DeliveryStatus;
  revision: number;
  cause: string | null;
}

interface PersonRow {
  person_id: string;
  today: IdentifiersByPlatform;
  former: IdentifiersByPlatform;
  contacts: string[];
  consent: KnownConsent | null;
  as_of: Date;
}

export function knownPersonOf(row: PersonRow): KnownPerson {
  const known: KnownPerson = { today: row.today, former: row.former, contacts: row.contacts, asOf: row.as_of.getTime() };
  if (row.consent) known.consent = row.consent;
  return known;
}

/** Follows merges: which person each of these is today. Persons who are gone stay themselves. */
export async function loadSurvivors(client: PoolClient, personIds: string[]): Promise<Map<string, string>> {
  if (personIds.length === 0) return new Map();
  const { rows } = await client.query<{ person_id: string; survivor: string }>({
    name: 'load-survivors',
    text: 'select person_id, coalesce(merged_into, person_id) as survivor from persons where person_id = any($1)',
    values: [personIds],
  });
  return new Map(rows.map((row) => [row.person_id, row.survivor]));
}

/** Reads everything that is decided on the persons, who must be locked. */
export async function loadStates(client: PoolClient, personIds: string[]): Promise<Omit<LoadedBatch, 'events'>> {
  if (personIds.length === 0) return { memberships: new Map(), deliveries: new Map(), persons: new Map() };
  const [memberships, deliveries, persons] = await Promise.all([
    client.query<MembershipRow>({
      name: 'load-memberships',
      text: `select person_id, audience_key, state, reason, occurred_at, removal, event_id, expires_at, arm, revision
             from memberships where person_id = any($1)`,
      values: [personIds],
    }),
    client.query<DeliveryRow>({
      name: 'load-deliveries',
      text: 'select person_id, destination, audience_key, wanted, status, revision, cause from deliveries where person_id = any($1)',
      values: [personIds],
    }),
    client.query<PersonRow>({
      name: 'load-persons',
      text: 'select person_id, today, former, contacts, consent, as_of from persons where person_id = any($1)',
      values: [personIds],
    }),
  ]);
  return {
    memberships: new Map(memberships.rows.map((row) => [membershipKey(row.person_id, row.audience_key), membershipOf(row)])),
    deliveries: new Map(
      deliveries.rows.map((row): [string, Delivery] => [
        deliveryKey(row.person_id, { destination: row.destination, audienceKey: row.audience_key }),
        { wanted: row.wanted, status: row.status, revision: row.revision, cause: row.cause },
      ]),
    ),
    persons: new Map(persons.rows.map((row) => [row.person_id, knownPersonOf(row)])),
  };
}
