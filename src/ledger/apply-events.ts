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
import { aliasesOf, IdentityResolution } from '../domain/identity.ts';
import type { Policies, TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import { holdoutPosition } from './holdout-position.ts';
import { loadAliases, loadEvents, loadStates, loadSurvivors, lockPersons } from './load-batch.ts';
import { mergePersons } from './merge-persons.ts';
import { newPersonId } from './person-id.ts';
import { storeAliasChanges, storeBatch, storePersons } from './store-batch.ts';

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
const DEADLOCK = '40P01';
const SERIALIZATION_FAILURE = '40001';
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
      return await connection.transaction((client) => applyOnce(client, policies, items));
    } catch (error) {
      const again = error instanceof Overtaken || [DEADLOCK, SERIALIZATION_FAILURE].includes(sqlState(error));
      if (!again || attempt >= MOST_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * attempt));
    }
  }
}

async function applyOnce(client: PoolClient, policies: Policies, items: readonly Applicable[]): Promise<Applied> {
  const events = items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
  const known = await loadEvents(client, [...new Set(events.map((event) => event.eventId))]);
  const fresh = events.filter((event) => !known.has(event.eventId) && !event.test);

  const expiring = await loadSurvivors(client, items.flatMap((item) => (item.kind === 'expire' ? [item.personId] : [])));
  const identities = await resolvePersons(client, fresh, [...expiring.values()]);
  const batch = items.map((item): BatchItem => {
    if (item.kind === 'expire') return { ...item, personId: expiring.get(item.personId) ?? item.personId };
    return { kind: 'event', event: item.event, personId: identities.personOf(item.event.eventId) };
  });

  const persons = [...new Set(batch.map((item) => item.personId))].filter((id) => identities.isStored(id));
  const loaded = await loadStates(client, persons);
  const folded = foldBatch(batch, { events: known, ...loaded }, policies, holdoutPosition);
  await storeAliasChanges(client, identities.resolution);
  if (!(await storeBatch(client, identities.resolution, loaded, folded))) throw new Overtaken();
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
async function resolvePersons(client: PoolClient, events: readonly HeadgateEvent[], expiring: readonly string[]): Promise<ResolvedPersons> {
  const owners = await loadAliases(client, events.flatMap((event) => aliasesOf(event.person, event.people)));
  const locked = await lockPersons(client, [...new Set([...[...owners.values()].map((owner) => owner.personId), ...expiring])]);
  for (const { personId, identityRevision } of owners.values()) {
    if (locked.get(personId)?.identityRevision !== identityRevision) throw new Overtaken();
  }
  for (const person of locked.values()) {
    if (person.mergedInto !== null) throw new Overtaken();
  }

  const resolution = new IdentityResolution({ owners, persons: locked, newPersonId });
  const found = resolveInOrder(events, resolution);
  const merges = resolution.merges.filter((merge) => locked.has(merge.loser));
  if (merges.length > 0) await storePersons(client, resolution.createdPersons);
  const mergedTargets: TargetRef[] = [];
  for (const merge of merges) mergedTargets.push(...(await mergePersons(client, merge)));
  return {
    resolution,
    personOf: (eventId) => resolution.survivorOf(found.get(eventId) ?? ''),
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
