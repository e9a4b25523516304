/**
 * The heart: decides a batch of events in one transaction. Called by the door, by the lifeboat, by `settle` for an event that
 * the ledger does not know, by expiry timers and the sweep, by replay of quarantined events, and with what a changed registry
 * asks of members.
 *
 * Right under any number of processes: persons are locked in key order; ids and aliases that another transaction inserted
 * first make this one start over, so that the loser's view is never seen. Set by set, no statement per event.
 */
import type { PoolClient } from 'pg';
import { isNews, type HeadgateEvent } from '../domain/event.ts';
import { mergedRow, type BroughtAbout } from '../domain/exposure.ts';
import { foldBatch, type BatchItem, type ItemOutcome, type Upkeep } from '../domain/fold-batch.ts';
import { aliasesOf, aliasKey, IdentityResolution, namesSomebody, type Alias, type Resolved } from '../domain/identity.ts';
import type { Policies, TargetRef } from '../domain/registry.ts';
import { saysUnstorable, type LedgerConnection } from './connection.ts';
import { holdoutPosition } from './holdout-position.ts';
import { findPersons, loadAliases, loadEvents, loadStates, loadSurvivors, lockPersons, type FoundOwner, type LockedPerson } from './load-batch.ts';
import { mergePersons } from './merge-persons.ts';
import { newPersonId } from './person-id.ts';
import { storeBatch, storePersons } from './store-batch.ts';

/**
 * What `applyEvents` takes: events as the door made them, or what is decided of persons without one. `formerPersonId`: whose the event was before the ledger was
 * restored; a person who has to be made anew gets that id again, so that arms and rows of warehouses stay theirs.
 */
export type Applicable = { kind: 'event'; event: HeadgateEvent; formerPersonId?: string } | Upkeep;

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
    if (!saysUnstorable(error)) throw error;
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
  const claims = await withFreeIds(client, claimsOf(events, policies), items);
  const [known, owners, kept] = await Promise.all([
    loadEvents(client, [...new Set(events.map((event) => event.eventId))]),
    loadAliases(client, claims.flatMap(({ aliases }) => aliases)),
    loadSurvivors(client, items.flatMap((item) => (item.kind === 'event' ? [] : [item.personId]))),
  ]);
  const identities = await resolvePersons(client, policies, claims.filter(({ event }) => !known.has(event.eventId)), owners, [...new Set(kept.values())]);
  const batch = items.map((item): BatchItem => {
    if (item.kind !== 'event') return { ...item, personId: identities.resolution.survivorOf(kept.get(item.personId) ?? item.personId) };
    return { kind: 'event', event: item.event, ...identities.of(item.event.eventId) };
  });

  const persons = new Set(batch.flatMap((item) => ('emailFrom' in item ? [item.personId, item.emailFrom] : item.personId)));
  const loaded = { events: known, ...(await loadStates(client, [...persons].filter((id) => identities.isStored(id)))) };
  const folded = foldBatch(batch, loaded, policies, holdoutPosition);
  folded.broughtAbout.push(...identities.mergers);
  last(storeBatch(client, identities.resolution, identities.isStored, loaded, folded));
  return { outcomes: folded.outcomes, wakes: [...identities.mergedTargets, ...folded.wakes] };
}

interface Claim {
  event: HeadgateEvent;
  aliases: Alias[];
  /** The id that a person gets who has to be made for it; absent: a new one. */
  personId?: string;
}

/** Events that say who somebody is. Those that this process cannot decide leave no trace, so that they can be decided by another one. */
function claimsOf(events: readonly HeadgateEvent[], policies: Policies): Claim[] {
  const decidable = events.filter((event) => !event.test && namesSomebody(event.person) && (event.audienceKey === undefined || policies.audiences.has(event.audienceKey)));
  return decidable.map((event) => {
    const aliases = aliasesOf(event.person, event.people);
    // One name finds a person and links nobody: what was said of them last year must not merge persons, or move an e-mail, today.
    return { event, aliases: isNews(event) ? aliases : aliases.slice(0, 1) };
  });
}

/** Former ids of persons whom the ledger no longer has. */
async function withFreeIds(client: PoolClient, claims: Claim[], items: readonly Applicable[]): Promise<Claim[]> {
  const former = new Map(items.flatMap((item) => (item.kind === 'event' && item.formerPersonId !== undefined ? [[item.event.eventId, item.formerPersonId]] : [])));
  if (former.size === 0) return claims;
  const taken = await findPersons(client, [...new Set(former.values())]);
  return claims.map((claim) => {
    const personId = former.get(claim.event.eventId);
    return personId === undefined || taken.has(personId) ? claim : { ...claim, personId };
  });
}

interface ResolvedPersons {
  resolution: IdentityResolution;
  /** Whose an event is, after all merges of the batch; nobody's, '', if it is known already or decides nothing. */
  of: (eventId: string) => Resolved;
  /** Whether the ledger has rows of this person. */
  isStored: (personId: string) => boolean;
  /** Targets where a merge left something to push. */
  mergedTargets: TargetRef[];
  /** Which stored persons turned out to be others, and what they left by that, for the analyst. */
  mergers: BroughtAbout[];
}

const NOBODYS: Resolved = { personId: '' };

/** Finds and locks the persons of the claims, and merges those that the claims link. */
async function resolvePersons(
  client: PoolClient,
  policies: Policies,
  claims: readonly Claim[],
  found: ReadonlyMap<string, FoundOwner>,
  kept: readonly string[],
): Promise<ResolvedPersons> {
  // Aliases of events that the ledger knows already matter to nobody.
  const wanted = new Set(claims.flatMap(({ aliases }) => aliases.map(aliasKey)));
  const owners = new Map([...found].filter(([key]) => wanted.has(key)));
  const locked = await lockPersons(client, [...new Set([...[...owners.values()].map((owner) => owner.personId), ...kept])]);
  for (const { personId, identityRevision } of owners.values()) {
    if (locked.get(personId)?.identityRevision !== identityRevision) throw new Overtaken();
  }
  for (const person of locked.values()) {
    if (person.mergedInto !== null) throw new Overtaken();
  }

  const { resolution, persons, linkedBy } = await resolveUnderLock(client, claims, owners, locked);
  // Only who is stored has anything to merge, and it goes to whoever is left in the end.
  const losers = resolution.merges.map((merge) => merge.loser).filter((loser) => locked.has(loser));
  if (losers.length > 0) await storePersons(client, resolution.createdPersons);
  const mergedTargets: TargetRef[] = [];
  const mergers: BroughtAbout[] = [];
  for (const loser of losers) {
    const survivor = resolution.survivorOf(loser);
    const event = linkedBy.get(loser);
    if (!event) throw new Error(`no event links ${loser} to ${survivor}`);
    const { targets, broughtAbout } = await mergePersons(client, policies, { loser, survivor }, event);
    mergedTargets.push(...targets);
    mergers.push(mergedRow({ loser, survivor }, event), ...broughtAbout);
  }
  return {
    resolution,
    of: (eventId) => persons.get(eventId) ?? NOBODYS,
    isStored: (personId) => personId !== '' && (losers.length > 0 || !resolution.isCreated(personId)),
    mergedTargets,
    mergers,
  };
}

/** Where customers contest an alias, the time of its newest claim decides, and what was read before the lock may be older. */
async function resolveUnderLock(
  client: PoolClient,
  claims: readonly Claim[],
  owners: Map<string, FoundOwner>,
  locked: Map<string, LockedPerson>,
): Promise<InOrder> {
  const first = resolveInOrder(claims, new IdentityResolution({ owners, persons: locked, newPersonId }));
  if (!first.resolution.isContested) return first;
  const again = await loadAliases(client, claims.flatMap(({ aliases }) => aliases));
  for (const { personId } of again.values()) {
    if (!locked.has(personId)) throw new Overtaken();
  }
  return resolveInOrder(claims, new IdentityResolution({ owners: again, persons: locked, newPersonId }));
}

interface InOrder {
  resolution: IdentityResolution;
  persons: Map<string, Resolved>;
  /** Per person who was merged into another one, the event that linked them. */
  linkedBy: Map<string, HeadgateEvent>;
}

/** The first event of an id decides whose it is; repetitions within the batch resolve nothing. */
function resolveInOrder(claims: readonly Claim[], resolution: IdentityResolution): InOrder {
  const persons = new Map<string, Resolved>();
  const linkedBy = new Map<string, HeadgateEvent>();
  for (const { event, aliases, personId } of claims) {
    if (persons.has(event.eventId)) continue;
    const before = resolution.merges.length;
    persons.set(event.eventId, resolution.resolve(aliases, event.occurredAt, personId));
    for (const { loser } of resolution.merges.slice(before)) linkedBy.set(loser, event);
  }
  if (resolution.merges.length > 0) for (const resolved of persons.values()) resolved.personId = resolution.survivorOf(resolved.personId);
  return { resolution, persons, linkedBy };
}
