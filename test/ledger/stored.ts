/** What the ledger holds of a run, and whether that is what follows from the set of events alone. */
import { expect } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import type { IdentifiersByPlatform } from '../../src/domain/identifiers.ts';
import type { TestDatabase } from '../support/database.ts';
import { isAskedToLeave, isHeldOut, membershipsOf, wantedAt } from '../support/oracle.ts';
import { END, type World } from '../support/stories.ts';
import { asText, identifiersAt, nameOf, platformOf } from './telling.ts';

export interface StoredPerson {
  person_id: string;
  people: string;
  customer_id: string | null;
  merged_into: string | null;
  today: IdentifiersByPlatform;
  former: IdentifiersByPlatform;
  contacts: string[];
}

export interface Stored {
  persons: StoredPerson[];
  events: { event_id: string; person_id: string }[];
  exposures: { event_id: string }[];
  starts: { event_id: string }[];
  aliases: { kind: string; value: string; people: string; person_id: string }[];
  memberships: { person_id: string; audience_key: string; state: string; reason: string; event_id: string; occurred_at: Date; expires_at: Date | null; arm: string }[];
  deliveries: { person_id: string; destination: string; audience_key: string; wanted: string; status: string }[];
}

/** Everything that the ledger holds of one run. */
export async function readStored({ query }: TestDatabase, world: World): Promise<Stored> {
  const ofPersons = 'person_id in (select person_id from persons where people = any($1))';
  const [persons, events, exposures, starts, aliases, memberships, deliveries] = await Promise.all([
    query<StoredPerson>('select person_id, people, customer_id, merged_into, today, former, contacts from persons where people = any($1)', [world.scopes]),
    query<Stored['events'][number]>('select event_id, person_id from events where starts_with(event_id, $1)', [`${world.run}-`]),
    query<Stored['exposures'][number]>('select event_id from exposures where caused_by is null and starts_with(event_id, $1)', [`${world.run}-`]),
    query<Stored['starts'][number]>("select event_id from outbox where action = 'start' and starts_with(event_id, $1)", [`${world.run}-`]),
    query<Stored['aliases'][number]>('select kind, value, people, person_id from person_identifiers where people = any($1)', [world.scopes]),
    query<Stored['memberships'][number]>(`select * from memberships where ${ofPersons}`, [world.scopes]),
    query<Stored['deliveries'][number]>(`select * from deliveries where ${ofPersons}`, [world.scopes]),
  ]);
  return { persons, events, exposures, starts, aliases, memberships, deliveries };
}

/** A person who was not merged into another one, with the events that are theirs. */
export interface Living {
  person: StoredPerson;
  events: HeadgateEvent[];
}

/** Compares all that holds whoever is who, and returns the living persons. `platforms`: what each target holds, at rest. */
export function compareStored(stored: Stored, world: World, events: readonly HeadgateEvent[], platforms: ReadonlyMap<string, { identifiers: Set<string> }>): Living[] {
  const ids = events.map(({ eventId }) => eventId).toSorted();
  for (const rows of [stored.events, stored.exposures, stored.starts]) expect(rows.map(({ event_id }) => event_id).toSorted()).toEqual(ids);
  const persons = personsOf(stored, events);
  for (const living of persons) {
    comparePerson(living);
    compareDecisions(stored, world, living);
  }
  for (const target of world.targets) comparePlatform(stored, target, platforms.get(nameOf(target))?.identifiers ?? new Set());
  return persons;
}

/** Whose each event is today. Merged persons point to a living one and have nothing left. */
function personsOf(stored: Stored, events: readonly HeadgateEvent[]): Living[] {
  const byId = new Map(stored.persons.map((person) => [person.person_id, person]));
  const living = stored.persons.filter(({ merged_into }) => merged_into === null);
  const isLiving = new Set(living.map(({ person_id }) => person_id));
  for (const { merged_into } of stored.persons) expect(merged_into === null || isLiving.has(merged_into)).toBe(true);
  for (const { person_id } of [...stored.memberships, ...stored.deliveries, ...stored.aliases]) expect(isLiving).toContain(person_id);
  const survivorOf = new Map(stored.events.map(({ event_id, person_id }) => [event_id, byId.get(person_id)?.merged_into ?? person_id]));
  return living.map((person) => ({ person, events: events.filter(({ eventId }) => survivorOf.get(eventId) === person.person_id) }));
}

/** A person is one customer of one scope, and goes by all that their events said. */
function comparePerson({ person, events }: Living): void {
  expect(new Set(events.map(({ people }) => people))).toEqual(new Set([person.people]));
  const customers = new Set(events.flatMap(({ person: { customerId } }) => customerId ?? []));
  expect([...customers]).toEqual(person.customer_id === null ? [] : [person.customer_id]);
  const contacts = events.flatMap(({ person: { cioId, emailHash, phoneHash } }) =>
    Object.entries({ cio_id: cioId, email: emailHash, phone: phoneHash }).flatMap(([kind, value]) => (value === undefined ? [] : [`${kind}:${value}`])),
  );
  expect(new Set(person.contacts)).toEqual(new Set(contacts));
  for (const platform of ['meta', 'google']) {
    const known = [...(person.today[platform] ?? []), ...(person.former[platform] ?? [])].map(asText);
    expect(known.toSorted()).toEqual([...new Set(events.flatMap(({ identifiers }) => identifiers[platform] ?? []).map(asText))].toSorted());
  }
}

function compareDecisions(stored: Stored, world: World, { person: { person_id: personId }, events }: Living): void {
  const memberships = stored.memberships.filter((membership) => membership.person_id === personId);
  const expected = membershipsOf(events, world.audiences, END);
  expect(memberships.map(({ audience_key }) => audience_key).toSorted()).toEqual([...expected.keys()].toSorted());
  for (const audience of world.audiences) {
    const membership = memberships.find(({ audience_key }) => audience_key === audience.key);
    if (membership) {
      const { state, reason, event_id, occurred_at, expires_at, arm } = membership;
      const found = { state, reason, eventId: event_id, occurredAt: occurred_at.getTime(), expiresAt: expires_at?.getTime() ?? null };
      expect(found).toEqual(expected.get(audience.key));
      expect(arm).toBe(isHeldOut(audience, personId) ? 'holdout' : 'treatment');
    }
    const wanted = wantedAt(events, world.audiences, audience, personId, END);
    for (const target of audience.targets) {
      const delivery = stored.deliveries.find((one) => one.person_id === personId && one.destination === target.destination && one.audience_key === audience.key);
      if (wanted === 'in' || isAskedToLeave(events, audience.key)) expect(delivery?.wanted).toBe(wanted);
      else expect(delivery?.wanted ?? 'out').toBe('out');
      expect(delivery?.status ?? 'accepted').toMatch(/accepted|rejected/);
    }
  }
}

/** An identifier is in the target iff a person who is in has it. */
function comparePlatform(stored: Stored, target: { destination: string; audienceKey: string }, held: ReadonlySet<string>): void {
  const owned = new Set<string>();
  for (const { person_id } of stored.deliveries.filter((one) => one.destination === target.destination && one.audience_key === target.audienceKey && one.wanted === 'in')) {
    const person = stored.persons.find((one) => one.person_id === person_id)!;
    const today = identifiersAt(target, [person.today]);
    for (const identifier of today) {
      expect(isOthers(stored, person, identifier), `${person_id} goes by ${identifier}, which belongs to somebody else`).toBe(false);
      expect(held, `${person_id} is in, but ${identifier} is not in ${nameOf(target)}`).toContain(identifier);
    }
    for (const identifier of identifiersAt(target, [person.today, person.former])) if (!isOthers(stored, person, identifier)) owned.add(identifier);
  }
  for (const identifier of held) expect(owned, `nobody who is in has ${identifier}, but ${nameOf(target)} holds it (${platformOf(target)})`).toContain(identifier);
}

/** True for an e-mail that went to another customer. */
function isOthers({ aliases }: Stored, person: StoredPerson, identifier: string): boolean {
  const [type = '', value] = identifier.split(':');
  const owner = /email/i.test(type) && aliases.find((alias) => alias.kind === 'email' && alias.people === person.people && alias.value === value);
  return owner !== undefined && owner !== false && owner.person_id !== person.person_id;
}

/** As `namesOf` of the oracle writes it. */
export const nameOfAlias = ({ people, kind, value }: Stored['aliases'][number]): string => `${people} ${kind} ${value}`;
