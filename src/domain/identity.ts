/**
 * Who an event is about. `customer_id` is the person; `cio_id` and e-mail are aliases. An event that carries several
 * identifiers links them, and persons linked this way are merged, except that two different customer ids never merge: then
 * the alias moves to the one whose event is newest, and what was already applied stays where it was applied (decisions/0012).
 * Pure: the ledger loads what is known, this file resolves a batch in order of arrival, the ledger stores what came out.
 */
import type { PersonClaim } from './event.ts';

export type AliasKind = 'customer_id' | 'cio_id' | 'email';

/** An identifier of a person within one `people` scope. */
export interface Alias {
  kind: AliasKind;
  value: string;
  scope: string;
}

/**
 * Which person an alias belongs to, and the time of the newest event that said so (milliseconds). An event says so of each of its
 * aliases but the strongest: alone, an alias names somebody and claims nothing.
 */
export interface AliasOwner {
  personId: string;
  claimedAt: number;
}

export interface PersonIdentity {
  personId: string;
  /** The scope of the person's aliases. */
  people: string;
  customerId: string | null;
}

export const aliasKey = (alias: Alias): string => `${alias.kind}\n${alias.scope}\n${alias.value}`;

/** The aliases of a claim, strongest first. */
export function aliasesOf(person: PersonClaim, scope: string): Alias[] {
  const aliases: Alias[] = [];
  if (person.customerId !== undefined) aliases.push({ kind: 'customer_id', value: person.customerId, scope });
  if (person.cioId !== undefined) aliases.push({ kind: 'cio_id', value: person.cioId, scope });
  if (person.emailHash !== undefined) aliases.push({ kind: 'email', value: person.emailHash, scope });
  return aliases;
}

/** A report may be about somebody whom Customer.io has deleted. */
export const namesSomebody = ({ customerId, cioId, emailHash }: PersonClaim): boolean => (customerId ?? cioId ?? emailHash) !== undefined;

const scopeOf = (aliases: readonly Alias[]): string => aliases[0]?.scope ?? '';

export interface Merge {
  survivor: string;
  loser: string;
}

/** Whose an event is, and what became of its e-mail where two customers use it. */
export interface Resolved {
  personId: string;
  /** The customer who had the e-mail until this event. */
  emailFrom?: string;
  /** Another customer used the e-mail in a newer event, and keeps it. */
  emailIsOthers?: boolean;
}

/** No event has claimed the alias. */
const NEVER = 0;

/**
 * Resolves a batch. Holds what the ledger knows of the aliases and persons that the batch touches, and what the batch
 * changed of it; `resolve` must be called in order of arrival.
 */
export class IdentityResolution {
  readonly #owners: Map<string, AliasOwner>;
  readonly #persons: Map<string, PersonIdentity>;
  readonly #newPersonId: () => string;
  readonly #changedAliases = new Map<string, Alias>();
  readonly #createdAliases = new Set<string>();
  readonly #createdPersons = new Set<string>();
  readonly #mergedInto = new Map<string, string>();
  readonly merges: Merge[] = [];
  /** Persons that gained their customer id in this batch. */
  readonly #named = new Set<string>();
  readonly #lostAnAlias = new Set<string>();
  #contested = false;

  constructor(known: { owners: Map<string, AliasOwner>; persons: Map<string, PersonIdentity>; newPersonId: () => string }) {
    this.#owners = new Map([...known.owners].map(([key, owner]) => [key, { ...owner }]));
    this.#persons = new Map([...known.persons].map(([id, person]) => [id, { ...person }]));
    this.#newPersonId = known.newPersonId;
  }

  /**
   * Finds the person that the event belongs to. `aliases`: strongest first, not empty; `occurredAt` in milliseconds.
   * @param freeId of nobody in the ledger: whoever has to be made gets it, unless somebody else of the batch has
   */
  resolve(aliases: readonly Alias[], occurredAt: number, freeId?: string): Resolved {
    const customerAlias = aliases.find((alias) => alias.kind === 'customer_id');
    let person = this.#anchor(aliases, customerAlias, freeId);
    let email: Omit<Resolved, 'personId'> = {};
    for (const alias of aliases) {
      const claimedAt = alias === aliases[0] ? NEVER : occurredAt;
      const owner = this.#owners.get(aliasKey(alias));
      const other = owner && this.#persons.get(owner.personId);
      if (!owner || !other) this.#claim(alias, person.personId, claimedAt);
      else if (other.personId === person.personId) this.#touch(alias, owner, claimedAt);
      else if (other.customerId === null || person.customerId === null) {
        person = this.#merge(person, other);
        this.#touch(alias, owner, claimedAt);
      } else {
        const moved = this.#moveIfNewer(alias, owner, person, other, claimedAt);
        if (alias.kind === 'email') email = moved ? { emailFrom: other.personId } : { emailIsOthers: true };
      }
    }
    return { personId: person.personId, ...email };
  }

  /** Where a person went who was merged in this batch, else the person itself. */
  survivorOf(personId: string): string {
    let id = personId;
    for (let next = this.#mergedInto.get(id); next !== undefined; next = this.#mergedInto.get(id)) id = next;
    return id;
  }

  /** Whether two customers named one alias, so that the times of its claims decided; these must then have been read under lock. */
  get isContested(): boolean {
    return this.#contested;
  }

  isCreated(personId: string): boolean {
    return this.#createdPersons.has(personId);
  }

  get createdPersons(): PersonIdentity[] {
    return [...this.#createdPersons].flatMap((id) => {
      const person = this.#persons.get(id);
      return person && !this.#mergedInto.has(id) ? [person] : [];
    });
  }

  /** Persons of the ledger whose customer id became known in this batch. */
  get namedPersons(): PersonIdentity[] {
    return [...this.#named].flatMap((id) => {
      const person = this.#persons.get(id);
      return person && !this.#createdPersons.has(id) && !this.#mergedInto.has(id) ? [person] : [];
    });
  }

  /** Persons of the ledger whose alias went to somebody else: a transaction that found them by it must read anew. */
  get personsWhoLostAnAlias(): string[] {
    return [...this.#lostAnAlias].filter((id) => !this.#createdPersons.has(id));
  }

  /** Aliases to insert (`created`) or to update, with their owner. */
  get changedAliases(): (Alias & AliasOwner & { created: boolean })[] {
    return [...this.#changedAliases].flatMap(([key, alias]) => {
      const owner = this.#owners.get(key);
      if (!owner) return [];
      return [{ ...alias, ...owner, personId: this.survivorOf(owner.personId), created: this.#createdAliases.has(key) }];
    });
  }

  #anchor(aliases: readonly Alias[], customerAlias: Alias | undefined, freeId: string | undefined): PersonIdentity {
    const known = aliases.flatMap((alias) => {
      const owner = this.#owners.get(aliasKey(alias));
      const person = owner && this.#persons.get(owner.personId);
      return person ? [{ alias, person }] : [];
    });
    if (!customerAlias) return known[0]?.person ?? this.#create(null, scopeOf(aliases), freeId);
    const named = known.find(({ alias }) => alias.kind === 'customer_id');
    if (named) return named.person;
    const unnamed = known.find(({ person }) => person.customerId === null);
    if (!unnamed) return this.#create(customerAlias.value, customerAlias.scope, freeId);
    unnamed.person.customerId = customerAlias.value;
    this.#named.add(unnamed.person.personId);
    return unnamed.person;
  }

  #create(customerId: string | null, people: string, freeId: string | undefined): PersonIdentity {
    const personId = freeId !== undefined && !this.#createdPersons.has(freeId) ? freeId : this.#newPersonId();
    const person = { personId, people, customerId };
    this.#persons.set(person.personId, person);
    this.#createdPersons.add(person.personId);
    return person;
  }

  #claim(alias: Alias, personId: string, claimedAt: number): void {
    const key = aliasKey(alias);
    this.#owners.set(key, { personId, claimedAt });
    this.#changedAliases.set(key, alias);
    this.#createdAliases.add(key);
  }

  /** A customer id never moves, so the time of its newest claim is not kept. */
  #touch(alias: Alias, owner: AliasOwner, claimedAt: number): void {
    if (alias.kind === 'customer_id' || claimedAt <= owner.claimedAt) return;
    owner.claimedAt = claimedAt;
    this.#changedAliases.set(aliasKey(alias), alias);
  }

  /** Returns whether it moved. At equal times the greater customer id has it, in either order. */
  #moveIfNewer(alias: Alias, owner: AliasOwner, person: PersonIdentity, other: PersonIdentity, claimedAt: number): boolean {
    this.#contested = true;
    const newer = claimedAt > owner.claimedAt || (claimedAt === owner.claimedAt && (person.customerId ?? '') > (other.customerId ?? ''));
    if (!newer) return false;
    this.#lostAnAlias.add(owner.personId);
    owner.personId = person.personId;
    owner.claimedAt = claimedAt;
    this.#changedAliases.set(aliasKey(alias), alias);
    return true;
  }

  /** The one with a customer id survives, else the one with the smaller (older) person id. */
  #merge(a: PersonIdentity, b: PersonIdentity): PersonIdentity {
    const aSurvives = a.customerId !== null || (b.customerId === null && a.personId < b.personId);
    const [survivor, loser] = aSurvives ? [a, b] : [b, a];
    this.merges.push({ survivor: survivor.personId, loser: loser.personId });
    this.#mergedInto.set(loser.personId, survivor.personId);
    this.#persons.delete(loser.personId);
    for (const owner of this.#owners.values()) {
      if (owner.personId === loser.personId) owner.personId = survivor.personId;
    }
    return survivor;
  }
}
