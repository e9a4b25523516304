/**
 * The ledger of a test: it decides by the same pure rules as the real one (domain/), who somebody is, what comes twice and who is in an audience,
 * and keeps everything in memory.
 */
import type { Decision, HeadgateEvent } from '../domain/event.ts';
import { isNews } from '../domain/event.ts';
import { foldBatch, membershipKey, type ItemOutcome, type KnownEvent } from '../domain/fold-batch.ts';
import { aliasesOf, aliasKey, IdentityResolution, namesSomebody, type AliasOwner, type PersonIdentity, type Resolved } from '../domain/identity.ts';
import { mergeMemberships, type Membership } from '../domain/membership.ts';
import { unitePersons, NOBODY, type KnownPerson } from '../domain/person.ts';
import type { Policies } from '../domain/registry.ts';
import type { TypeStore } from '../workflow-types/index.ts';
import type { EventsInput, FoundEvent } from '../workflows/type-contract.ts';

export interface DecidedEvent {
  event: HeadgateEvent;
  decision: Decision;
}

const MOST_LISTED = 1_000;

export class MemoryStore implements TypeStore {
  readonly #policies: Policies;
  readonly #onDecided: (decided: DecidedEvent) => Promise<void>;
  readonly #owners = new Map<string, AliasOwner>();
  readonly #identities = new Map<string, PersonIdentity>();
  readonly #mergedInto = new Map<string, string>();
  readonly #persons = new Map<string, KnownPerson>();
  readonly #memberships = new Map<string, Membership>();
  readonly #known = new Map<string, KnownEvent>();
  /** In the order in which they were decided. */
  readonly decided: DecidedEvent[] = [];

  /** @param onDecided is told of each event that is decided for the first time, as the outbox is */
  constructor(policies: Policies, onDecided: (decided: DecidedEvent) => Promise<void>) {
    this.#policies = policies;
    this.#onDecided = onDecided;
  }

  /** @param options whether its workflow is started */
  async apply(event: HeadgateEvent, { starts = true }: { starts?: boolean } = {}): Promise<ItemOutcome> {
    const whose = this.#resolve(event);
    const loaded = { events: this.#known, memberships: this.#memberships, deliveries: new Map(), persons: this.#persons };
    const { outcomes, decided, memberships, persons } = foldBatch([{ kind: 'event', event, ...whose }], loaded, this.#policies, () => 1);
    for (const { personId, audienceKey, ...membership } of memberships) this.#memberships.set(membershipKey(personId, audienceKey), membership);
    for (const [personId, person] of persons) this.#persons.set(personId, person);
    for (const { event: own, decision } of decided) {
      this.#known.set(own.eventId, { name: own.name, audienceKey: own.audienceKey ?? null, action: own.action ?? null, decision });
      this.decided.push({ event: own, decision });
      if (starts) await this.#onDecided({ event: own, decision });
    }
    const [outcome] = outcomes;
    if (!outcome) throw new Error('an event has an outcome');
    return outcome;
  }

  count(which: EventsInput): Promise<number> {
    return Promise.resolve(this.#events(which).length);
  }

  last(which: EventsInput): Promise<FoundEvent | null> {
    return Promise.resolve(this.#events(which)[0] ?? null);
  }

  list(which: EventsInput): Promise<FoundEvent[]> {
    return Promise.resolve(this.#events(which).slice(0, MOST_LISTED));
  }

  known(eventIds: readonly string[]): Promise<string | null> {
    return Promise.resolve(eventIds.find((eventId) => this.#known.has(eventId)) ?? null);
  }

  personsOf(personId: string): Promise<string[]> {
    const survivor = this.survivorOf(personId);
    return Promise.resolve([survivor, ...[...this.#mergedInto.keys()].filter((loser) => this.survivorOf(loser) === survivor)]);
  }

  /** Who the person is today. */
  survivorOf(personId: string): string {
    const next = this.#mergedInto.get(personId);
    return next === undefined ? personId : this.survivorOf(next);
  }

  isIn(personId: string, audienceKey: string): boolean {
    return this.#memberships.get(membershipKey(this.survivorOf(personId), audienceKey))?.state === 'in';
  }

  /** Newest first. */
  #events({ personId, event: name, action, from, until }: EventsInput): FoundEvent[] {
    const survivor = this.survivorOf(personId);
    return this.decided
      .filter(({ event, decision }) => event.name === name && !event.test && decision.personId !== null && this.survivorOf(decision.personId) === survivor)
      .filter(({ event }) => event.occurredAt > from && event.occurredAt <= until && (action === undefined || event.action === action))
      .map(({ event: { eventId, occurredAt } }) => ({ eventId, occurredAt }))
      .sort((a, b) => b.occurredAt - a.occurredAt || (a.eventId < b.eventId ? 1 : -1));
  }

  /** As applyEvents of the ledger does. */
  #resolve(event: HeadgateEvent): Resolved {
    const nobody = { personId: '' };
    if (event.test || this.#known.has(event.eventId) || !namesSomebody(event.person)) return nobody;
    if (event.audienceKey !== undefined && !this.#policies.audiences.has(event.audienceKey)) return nobody;
    const aliases = aliasesOf(event.person, event.people);
    const resolution = new IdentityResolution({ owners: this.#owners, persons: this.#identities, newPersonId: () => `person-${String(this.#identities.size + this.#mergedInto.size + 1).padStart(4, '0')}` });
    const resolved = resolution.resolve(isNews(event) ? aliases : aliases.slice(0, 1), event.occurredAt);
    for (const person of [...resolution.createdPersons, ...resolution.namedPersons]) this.#identities.set(person.personId, person);
    for (const { survivor, loser } of resolution.merges) this.#merge(survivor, loser);
    for (const { personId, claimedAt, ...alias } of resolution.changedAliases) this.#owners.set(aliasKey(alias), { personId, claimedAt });
    return resolved;
  }

  #merge(survivor: string, loser: string): void {
    this.#mergedInto.set(loser, survivor);
    this.#identities.delete(loser);
    for (const owner of this.#owners.values()) if (owner.personId === loser) owner.personId = survivor;
    this.#persons.set(survivor, unitePersons(this.#persons.get(survivor) ?? NOBODY, this.#persons.get(loser) ?? NOBODY));
    for (const audienceKey of this.#policies.audiences.keys()) {
      const [own, other] = [survivor, loser].map((personId) => this.#memberships.get(membershipKey(personId, audienceKey)));
      if (other) this.#memberships.set(membershipKey(survivor, audienceKey), own ? mergeMemberships(own, other) : other);
    }
  }
}
