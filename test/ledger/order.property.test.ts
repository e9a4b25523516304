/**
 * Any interleaving, delay, repetition and cut into batches, also on several connections at once, with calls to platforms that are read, made and
 * answered in between, late or never, ends in the state that follows from the set of events alone. HEADGATE_RUNS tries more stories; a failure
 * prints how to replay it (which repeats the story, not the chances of concurrency).
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import type { Audience } from '../../src/domain/registry.ts';
import { openLedger, type Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { claimantOf, linked, namesOf } from '../support/oracle.ts';
import { holds, PATIENCE_MS } from '../support/property.ts';
import { policiesOf, stories, World, type Story } from '../support/stories.ts';
import { compareStored, nameOfAlias, readStored, type Living, type Stored } from './stored.ts';
import { Telling } from './telling.ts';

const RUNS = 30;

let database: TestDatabase;
let ledgers: Ledger[];
const audiences = new Map<string, Audience>();
beforeAll(async () => {
  database = await createDatabase();
  // What a commit survives is not the question here.
  await database.query(`alter database ${new URL(database.url).pathname.slice(1)} set synchronous_commit = off`);
  const options = { url: database.url, policies: policiesOf(audiences), logger: createLogger({ level: 'silent', pretty: false }), connections: 6 };
  ledgers = [openLedger(options), openLedger(options), openLedger(options)];
});
afterAll(async () => {
  await Promise.all(ledgers.map((ledger) => ledger.close()));
  await database.drop();
});

let runs = 0;

/** Tells the story and compares what holds whoever is who. */
async function tell(story: Story, how: (telling: Telling) => Promise<void>): Promise<{ stored: Stored; persons: Living[] }> {
  const world = new World(`r${String(++runs)}`);
  audiences.clear();
  for (const audience of world.audiences) audiences.set(audience.key, audience);
  const telling = new Telling(story, world, ledgers, database);
  await how(telling);
  await telling.comeToRest();
  const stored = await readStored(database, world);
  await compareIntervals(stored);
  return { stored, persons: compareStored(stored, world, telling.events, telling.platforms) };
}

/** Who is in has one interval that is open, in the arm of now, and nobody else has; what was brought about is told once for each end. */
async function compareIntervals({ memberships, persons }: Stored): Promise<void> {
  const open = await database.query<{ person_id: string; audience_key: string; arm: string }>(
    'select person_id, audience_key, arm from membership_intervals where person_id = any($1) and left_at is null', [persons.map(({ person_id }) => person_id)],
  );
  const texts = (rows: readonly { person_id: string; audience_key: string; arm: string }[]): string[] => rows.map((row) => [row.person_id, row.audience_key, row.arm].join(' ')).toSorted();
  expect(texts(open)).toEqual(texts(memberships.filter(({ state }) => state === 'in')));
  expect(await database.query('select * from membership_intervals where left_at < entered_at and person_id = any($1)', [persons.map(({ person_id }) => person_id)])).toEqual([]);
}

const idsOf = (events: readonly HeadgateEvent[]): string => events.map(({ eventId }) => eventId).toSorted().join(' ');
const customersOf = (events: readonly HeadgateEvent[]): Set<string> => new Set(events.flatMap(({ person }) => person.customerId ?? []));

/** Where names link at most one customer id, they are one person, whose names all lead there, in any order. */
function compareGroups({ stored, persons }: { stored: Stored; persons: Living[] }): void {
  const groups = linked(persons.flatMap(({ events }) => events)).filter((events) => customersOf(events).size <= 1);
  for (const events of groups) {
    const living = persons.find((person) => idsOf(person.events) === idsOf(events));
    expect(living, `no one person has the events ${idsOf(events)}`).toBeDefined();
    for (const name of new Set(events.flatMap(namesOf))) expect(stored.aliases.find((alias) => nameOfAlias(alias) === name)?.person_id).toBe(living?.person.person_id);
  }
}

/** Where several customers used a name, the one who used it last has it. */
function compareClaims({ stored, persons }: { stored: Stored; persons: Living[] }): void {
  const events = persons.flatMap((person) => person.events);
  const customerOf = new Map(persons.map(({ person }) => [person.person_id, person.customer_id]));
  for (const alias of stored.aliases) {
    const name = nameOfAlias(alias);
    // An event that links two names without a customer id claims one for whoever has the other, which is a matter of arrival.
    const isLinkedOnly = events.some((event) => event.person.customerId === undefined && namesOf(event).length > 1 && namesOf(event).includes(name));
    const claimant = isLinkedOnly ? undefined : claimantOf(events, name);
    if (claimant !== undefined) expect(customerOf.get(alias.person_id)).toBe(claimant);
  }
}

test('where nobody uses the names of another customer, every order of arrival ends with the same persons in the same audiences', async () => {
  await holds(fc.asyncProperty(stories('own names'), async (story) => {
    const told = await tell(story, (telling) => telling.tell());
    expect(linked(told.persons.flatMap(({ events }) => events)).every((events) => customersOf(events).size <= 1)).toBe(true);
    compareGroups(told);
  }), RUNS);
}, PATIENCE_MS);

test('where customers use the same names, each event counts for one person, and a name ends with the customer who used it last', async () => {
  await holds(fc.asyncProperty(stories('shared names'), async (story) => {
    const told = await tell(story, (telling) => telling.tell());
    compareGroups(told);
    compareClaims(told);
  }), RUNS);
}, PATIENCE_MS);

test('whatever is under way meanwhile, read, called, answered late or never: at rest an identifier is in a target iff a person who is in has it', async () => {
  await holds(fc.asyncProperty(stories('calls under way'), async (story) => {
    compareGroups(await tell(story, (telling) => telling.tell()));
  }), RUNS * 2);
}, PATIENCE_MS);

test('the order does not matter either when everything arrives at once, twice, each event in a transaction of its own', async () => {
  await holds(fc.asyncProperty(fc.oneof(stories('own names'), stories('shared names')), async (story) => {
    const told = await tell(story, (telling) => telling.tellAtOnce());
    compareGroups(told);
    compareClaims(told);
  }), Math.ceil(RUNS / 3));
}, PATIENCE_MS);
