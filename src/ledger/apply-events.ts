/**
 * The heart: decides a batch of events in one transaction. Called by the door, by the lifeboat, by `settle` for an event that
 * the ledger does not know, by expiry timers and the sweep, and by replay of quarantined events.
 *
 * Right under any number of processes: persons are locked in key order; ids and aliases that another transaction inserted
 * first make this one start over, so that the loser's view is never seen. Set by set, no statement per event.
 */
import type { PoolClient } from 'pg';
import type { HeadgateEvent } from '../domain/event.ts';
import { foldBatch, type BatchItem, type Expiry, type ItemOutcome } from '../domain/fold-batch.ts';
import { aliasesOf, aliasKey, IdentityResolution } from '../domain/identity.ts';
import type { Policies, TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import { holdoutPosition } from './holdout-position.ts';
import { loadAliases, loadEvents, loadStates, loadSurvivors, lockPersons, type FoundOwner } from './load-batch.ts';
import { mergePersons } from './merge-persons.ts';
import { newPersonId } from './person-id.ts';
import { storeBatch, storePersons } from './store-batch.ts';

/** What `applyEvents` takes: events as the door made them, or windows that are over. */
export type Applicable = { kind: 'event'; event: HeadgateEvent } | ({ kind: 'expire' } & Expiry);

export interface Applied {
  /** One per item, in order. `refused`: the data itself cannot be stored; its neighbours were. */
  outcomes: (ItemOutcome | { kind: 'refused'; problem: string })[];
  /** Targets that have something to push now. */
  wakes: TargetRef[];
}

/** Another transaction was first; everything read so far may be stale. */
class Overtaken extends Error {}

const MOST_ATTEMPTS = 20;
/** Unique violation (an event or alias that another transaction inserted first), deadlock, serialization failure. */
const OVERTAKEN_STATES = ['23505', '40P01', '40001'];
/** SQLSTATE class of values that cannot be stored. */
const DATA_EXCEPTION_CLASS = '22';

const sqlState = (error: unknown): string => {
  const code: unknown = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
};

/**
 * Decides the items in order and stores the result durably before it returns.
 * Throws LedgerUnavailable when Postgres does not answer: the outcome is then unknown, and applying the same items again is safe.
 */
export async function applyEvents(connection: LedgerConnection, policies: Policies, items: readonly Applicable[]): Promise<Applied> {
  if (items.length === 0) return { outcomes: [], wakes: [] };
  try {
    return await applyWithRetries(connection, policies, items);
  } catch (error) {
    if (!sqlState(error).startsWith(DATA_EXCEPTION_CLASS)) throw error;
    const [only] = items;
    if (items.length === 1 && only) return { outcomes: [{ kind: 'refused', problem: (error as Error).message }], wakes: [] };
    const middle = Math.ceil(items.length / 2);
    const first = await applyEvents(connection, policies, items.slice(0, middle));
    const second = await applyEvents(connection, policies, items.slice(middle));
    return { outcomes: [...first.outcomes, ...second.outcomes], wakes: [...first.wakes, ...second.wakes] };
  }
}

async function applyWithRetries(connection: LedgerConnection, policies: Policies, items: readonly Applicable[]): Promise<Applied> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connection.transaction((client, last) => applyOnce(client, last, policies, items));
    } catch (error) {
      const again = error instanceof Overtaken || OVERTAKEN_STATES.includes(sqlState(error));
      if (!again || attempt >= MOST_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * attempt));
    }
  }
}

/** The last write of a transaction, sent together with its commit. */
type Last = (write: Promise<unknown>) => void;

async function applyOnce(client: PoolClient, last: Last, policies: Policies, items: readonly Applicable[]): Promise<Applied> {
  const events = items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
  const [known, owners, expiring] = await Promise.all([
    loadEvents(client, [...new Set(events.map((event) => event.eventId))]),
    loadAliases(client, events.flatMap((event) => (event.test ? [] : aliasesOf(event.person, event.people)))),
    loadSurvivors(client, items.flatMap((item) => (item.kind === 'expire' ? [item.personId] : []))),
  ]);
  const fresh = events.filter((event) => !known.has(event.eventId) && !event.test);
  const identities = await resolvePersons(client, fresh, owners, [...expiring.values()]);
  const batch = items.map((item): BatchItem => {
    if (item.kind === 'expire') return { ...item, personId: expiring.get(item.personId) ?? item.personId };
    return { kind: 'event', event: item.event, personId: identities.personOf(item.event.eventId) };
  });

  const persons = [...new Set(batch.map((item) => item.personId))].filter((id) => identities.isStored(id));
  const loaded = { events: known, ...(await loadStates(client, persons)) };
  const folded = foldBatch(batch, loaded, policies, holdoutPosition);
  last(storeBatch(client, identities.resolution, identities.isStored, loaded, folded));
  return { outcomes: folded.outcomes, wakes: [...identities.mergedTargets, ...folded.wakes] };
}

interface ResolvedPersons {
  resolution: IdentityResolution;
  /** The person of an event, after all merges of the batch; '' for events that resolve nobody (duplicates, tests). */
  personOf: (eventId: string) => string;
  /** Whether the ledger has rows of this person. */
  isStored: (personId: string) => boolean;
  /** Targets where a merge left something to push. */
  mergedTargets: TargetRef[];
}

/** Finds and locks the persons of the events, and merges those that the events link. */
async function resolvePersons(
  client: PoolClient,
  events: readonly HeadgateEvent[],
  found: ReadonlyMap<string, FoundOwner>,
  expiring: readonly string[],
): Promise<ResolvedPersons> {
  // Aliases of events that the ledger knows already matter to nobody.
  const wanted = new Set(events.flatMap((event) => aliasesOf(event.person, event.people).map(aliasKey)));
  const owners = new Map([...found].filter(([key]) => wanted.has(key)));
  const locked = await lockPersons(client, [...new Set([...[...owners.values()].map((owner) => owner.personId), ...expiring])]);
  for (const { personId, identityRevision } of owners.values()) {
    if (locked.get(personId)?.identityRevision !== identityRevision) throw new Overtaken();
  }
  for (const person of locked.values()) {
    if (person.mergedInto !== null) throw new Overtaken();
  }

  const resolution = new IdentityResolution({ owners, persons: locked, newPersonId });
  const persons = resolveInOrder(events, resolution);
  const merges = resolution.merges.filter((merge) => locked.has(merge.loser));
  if (merges.length > 0) await storePersons(client, resolution.createdPersons);
  const mergedTargets: TargetRef[] = [];
  for (const merge of merges) mergedTargets.push(...(await mergePersons(client, merge)));
  return {
    resolution,
    personOf: (eventId) => resolution.survivorOf(persons.get(eventId) ?? ''),
    isStored: (personId) => personId !== '' && (merges.length > 0 || !resolution.isCreated(personId)),
    mergedTargets,
  };
}

/** The first event of an id decides whose it is; repetitions within the batch resolve nothing. */
function resolveInOrder(events: readonly HeadgateEvent[], identities: IdentityResolution): Map<string, string> {
  const personOf = new Map<string, string>();
  for (const event of events) {
    if (personOf.has(event.eventId)) continue;
    personOf.set(event.eventId, identities.resolve(aliasesOf(event.person, event.people), event.occurredAt));
  }
  return personOf;
}
