/** The pure rules, told the same stories as the ledger (test/ledger/order.property.test.ts): the order of arrival does not matter. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aliasesOf, aliasKey, IdentityResolution, type AliasOwner, type PersonIdentity } from '../../src/domain/identity.ts';
import { deliveryKey, foldBatch, membershipKey, type BatchItem, type LoadedBatch } from '../../src/domain/fold-batch.ts';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { holdoutPosition } from '../../src/ledger/holdout-position.ts';
import { loadedAfter, makeLoaded } from '../support/events.ts';
import { claimantOf, isAskedToLeave, linked, membershipsOf, namesOf, wantedAt } from '../support/oracle.ts';
import { holds, PATIENCE_MS } from '../support/property.ts';
import { END, policiesOf, roundsOf, stories, timeOf, World, type Story } from '../support/stories.ts';

const RUNS = 300;
const world = new World('r0');
const policies = policiesOf(new Map(world.audiences.map((audience) => [audience.key, audience])));

const eventsOf = (story: Story): HeadgateEvent[] => story.planned.map((planned) => world.event(planned));
const batchesOf = (story: Story, events: readonly HeadgateEvent[]): HeadgateEvent[][] => roundsOf(story).flatMap((round) => round.map((batch) => batch.flatMap((index) => events[index] ?? [])));

/** Folds the story's batches, with timers that fire early, late and twice in between; all of them fire in the end. */
function tell(story: Story, personOf: (event: HeadgateEvent) => string): LoadedBatch {
  const events = eventsOf(story);
  let loaded = makeLoaded();
  const fold = (items: BatchItem[]): void => {
    loaded = loadedAfter(loaded, foldBatch(items, loaded, policies, holdoutPosition));
  };
  const expiry = (event: HeadgateEvent, at: number): BatchItem => ({ kind: 'expire', personId: personOf(event), audienceKey: event.audienceKey ?? '', eventId: event.eventId, at });
  for (const [number, batch] of batchesOf(story, events).entries()) {
    const timers = (story.actions[number % story.actions.length] ?? []).flatMap((action) => (action.do === 'expire' ? [expiry(events[action.event % events.length]!, timeOf(action.at))] : []));
    fold([...batch.map((event): BatchItem => ({ kind: 'event', event, personId: personOf(event) })), ...timers]);
  }
  fold(events.map((event) => expiry(event, END)));
  return loaded;
}

test('any order, repetition and cut into batches ends with the memberships and wishes that follow from the set of events', async () => {
  await holds(fc.property(stories('own names'), (story) => {
    const groups = linked(eventsOf(story));
    const ids = new Map(groups.flatMap((group, index) => group.map(({ eventId }) => [eventId, `p${String(index)}`])));
    const loaded = tell(story, ({ eventId }) => ids.get(eventId)!);
    expect([...loaded.events.keys()].toSorted()).toEqual([...ids.keys()].toSorted());
    for (const [index, events] of groups.entries()) {
      const personId = `p${String(index)}`;
      const expected = membershipsOf(events, world.audiences, END);
      for (const audience of world.audiences) {
        const found = loaded.memberships.get(membershipKey(personId, audience.key));
        expect(found && { state: found.state, reason: found.reason, eventId: found.eventId, occurredAt: found.occurredAt, expiresAt: found.expiresAt }).toEqual(expected.get(audience.key));
        for (const target of audience.targets) {
          const wanted = loaded.deliveries.get(deliveryKey(personId, target))?.wanted;
          if (isAskedToLeave(events, audience.key)) expect(wanted).toBeDefined();
          expect(wanted ?? 'out').toBe(wantedAt(events, world.audiences, audience, personId, END));
        }
      }
    }
  }), RUNS);
}, PATIENCE_MS);

/** Resolves the story's batches, remembering in between what a ledger would. Returns whose each event is in the end, and each alias. */
function resolve(story: Story): { events: Map<HeadgateEvent, string>; aliases: Map<string, string>; customers: Map<string, string | null> } {
  let owners = new Map<string, AliasOwner>();
  const persons = new Map<string, PersonIdentity>();
  const survivors = new Map<string, string>();
  const survivorOf = (id: string): string => (survivors.has(id) ? survivorOf(survivors.get(id)!) : id);
  const personOf = new Map<HeadgateEvent, string>();
  let count = 0;
  for (const batch of batchesOf(story, eventsOf(story))) {
    const identity = new IdentityResolution({ owners, persons, newPersonId: () => `p${String(++count).padStart(3, '0')}` });
    for (const event of batch) {
      if (!personOf.has(event)) personOf.set(event, identity.resolve(aliasesOf(event.person, event.people), event.occurredAt).personId);
    }
    for (const { loser, survivor } of identity.merges) {
      survivors.set(loser, survivor);
      persons.delete(loser);
    }
    for (const person of [...identity.createdPersons, ...identity.namedPersons]) persons.set(person.personId, person);
    owners = new Map([...owners].map(([key, owner]) => [key, { ...owner, personId: survivorOf(owner.personId) }]));
    for (const { personId, claimedAt, ...alias } of identity.changedAliases) owners.set(aliasKey(alias), { personId, claimedAt });
  }
  return {
    events: new Map([...personOf].map(([event, person]) => [event, survivorOf(person)])),
    aliases: new Map([...owners].map(([key, { personId }]) => [key.replace(/^(.*)\n(.*)\n(.*)$/, '$2 $1 $3'), survivorOf(personId)])),
    customers: new Map([...persons.values()].map(({ personId, customerId }) => [personId, customerId])),
  };
}

test('any order of links ends with the same persons, where nobody uses the names of another customer', async () => {
  await holds(fc.property(stories('own names'), (story) => {
    const { events, aliases } = resolve(story);
    const groups = Map.groupBy([...events.keys()], (event) => events.get(event));
    const idsOf = (of: readonly (readonly HeadgateEvent[])[]): string[] => of.map((group) => group.map(({ eventId }) => eventId).toSorted().join(' ')).toSorted();
    expect(idsOf([...groups.values()])).toEqual(idsOf(linked([...events.keys()])));
    for (const [event, person] of events) for (const name of namesOf(event)) expect(aliases.get(name)).toBe(person);
  }), RUNS);
}, PATIENCE_MS);

test('an event with a customer id is always that customer\'s, and a name ends with the customer who used it last', async () => {
  await holds(fc.property(stories('shared names'), (story) => {
    const { events, aliases, customers } = resolve(story);
    const all = [...events.keys()];
    for (const [event, person] of events) if (event.person.customerId !== undefined) expect(customers.get(person)).toBe(event.person.customerId);
    for (const [name, person] of aliases) {
      const isLinkedOnly = all.some((event) => event.person.customerId === undefined && namesOf(event).length > 1 && namesOf(event).includes(name));
      const claimant = isLinkedOnly ? undefined : claimantOf(all, name);
      if (claimant !== undefined) expect(customers.get(person)).toBe(claimant);
    }
  }), RUNS);
}, PATIENCE_MS);
