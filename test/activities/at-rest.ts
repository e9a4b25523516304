/** What must be so when a sync is at rest, computed from the events by the oracle and from whose names are whose. */
import { expect } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import type { IdentifiersByPlatform } from '../../src/domain/identifiers.ts';
import type { Audience } from '../../src/domain/registry.ts';
import type { TestDatabase } from '../support/database.ts';
import { wantedAt } from '../support/oracle.ts';
import { asText, REASONS, WRONG } from './model-platform.ts';

interface Person {
  person_id: string;
  people: string;
  merged_into: string | null;
  today: IdentifiersByPlatform;
  former: IdentifiersByPlatform;
}

interface Delivery {
  person_id: string;
  audience_key: string;
  wanted: 'in' | 'out';
  status: string;
  reason: string | null;
}

export interface Rested {
  run: string;
  destination: string;
  audiences: readonly Audience[];
  events: readonly HeadgateEvent[];
  now: number;
  /** What the platform holds of an audience. */
  holds: (platformAudienceId: string) => ReadonlySet<string>;
}

/** Every delivery is what the events want, accepted or refused in the platform's words; an identifier is at the platform iff a person who is in has it. */
export async function compareAtRest(rested: Rested, { query }: TestDatabase): Promise<void> {
  const persons = await query<Person>('select person_id, people, merged_into, today, former from persons where people = $1', [rested.run]);
  const deliveries = await query<Delivery>('select person_id, audience_key, wanted, status, reason from deliveries where destination = $1', [rested.destination]);
  const emails = await query<{ value: string; person_id: string }>("select value, person_id from person_identifiers where people = $1 and kind = 'email'", [rested.run]);
  const decided = await query<{ event_id: string; person_id: string }>('select event_id, person_id from events where source = $1', [rested.run]);
  const survivorOf = new Map(persons.map(({ person_id, merged_into }) => [person_id, merged_into ?? person_id]));
  const living = persons.filter(({ merged_into }) => merged_into === null);
  const ownerOf = new Map(emails.map(({ value, person_id }) => [`EMAIL:${value}`, person_id]));
  const personOf = new Map(decided.map(({ event_id, person_id }) => [event_id, survivorOf.get(person_id)]));

  for (const audience of rested.audiences) {
    const held = rested.holds(audience.targets[0]?.platformAudienceId ?? '');
    const allowed = new Set<string>();
    for (const person of living) {
      const delivery = deliveries.find(({ person_id, audience_key }) => person_id === person.person_id && audience_key === audience.key);
      const events = rested.events.filter(({ eventId }) => personOf.get(eventId) === person.person_id);
      const wanted = wantedAt(events, rested.audiences, audience, person.person_id, rested.now);
      const who = `${person.person_id} in ${audience.key}`;
      expect(delivery?.wanted ?? 'out', `wanted of ${who}`).toBe(wanted);
      if (!delivery) continue;
      expect(delivery.status, `status of ${who}`).toMatch(/^(accepted|rejected)$/);
      const isOwn = (identifier: string): boolean => (ownerOf.get(identifier) ?? person.person_id) === person.person_id;
      const today = (person.today['model'] ?? []).map(asText);
      const former = (person.former['model'] ?? []).map(asText);
      if (delivery.status === 'rejected') expect(reasonsFor(wanted, today, former), `why ${who} was rejected`).toContain(delivery.reason);
      expect(today.filter((identifier) => !isOwn(identifier)), `others' names of ${who}`).toEqual([]);
      if (wanted === 'in' && delivery.status === 'accepted') for (const identifier of today) expect(held, `${who} is in`).toContain(identifier);
      if (reasonsFor(wanted, today, former).length > 1) expect(delivery.status, `${who} cannot be taken`).toBe('rejected');
      // Who could not be removed may be there still; who is in may be there by what they went by before.
      if (wanted === 'in' || delivery.status === 'rejected') for (const identifier of [...today, ...former]) if (isOwn(identifier) || delivery.status === 'rejected') allowed.add(identifier);
    }
    expect([...held].filter((identifier) => !allowed.has(identifier)), `at the platform in ${audience.key}, but of nobody who is in`).toEqual([]);
  }
}

/** For what the platform may refuse somebody: at random, and for what is so. */
function reasonsFor(wanted: 'in' | 'out', today: readonly string[], former: readonly string[]): string[] {
  const named = wanted === 'in' ? today : [...today, ...former];
  const isWrong = wanted === 'in' && named.some((identifier) => identifier.includes(WRONG));
  return [REASONS.today, ...(isWrong ? [REASONS.wrong] : []), ...(named.length === 0 ? [REASONS.nothing] : [])];
}
