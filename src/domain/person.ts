/** What is known of a person besides who they are: their identifiers at the platforms, their contacts, their consent. */
import { isDenied, type Consent, type HeadgateEvent, type PersonClaim } from './event.ts';
import { isOfEmail, type Identifier, type IdentifiersByPlatform } from './identifiers.ts';

/** What the ledger knows of one person at the platforms: what they go by today, and what they went by before. */
export interface KnownPerson {
  today: IdentifiersByPlatform;
  former: IdentifiersByPlatform;
  /** Every alias but the customer id, and every phone and advertising id, ever seen, as `kind:value`: finds others who share one. */
  contacts: string[];
  /** The newest consent; absent while no event carried one. */
  consent?: KnownConsent;
  /** Time of the event that last changed any of this, in milliseconds. */
  asOf: number;
}

/** With the time of the event that said so, in milliseconds. */
export type KnownConsent = Consent & { asOf: number };

export const NOBODY: KnownPerson = { today: {}, former: {}, contacts: [], asOf: 0 };

const keyOf = (identifier: Identifier): string => `${identifier.type}:${identifier.value}`;

function sameSet(a: readonly Identifier[], b: readonly Identifier[]): boolean {
  const keys = new Set(a.map(keyOf));
  return a.length === b.length && b.every((identifier) => keys.has(keyOf(identifier)));
}

/** `a` and then what `b` has besides. */
function union(a: readonly Identifier[], b: readonly Identifier[]): Identifier[] {
  const keys = new Set(a.map(keyOf));
  return [...a, ...b.filter((identifier) => !keys.has(keyOf(identifier)))];
}

const without = (a: readonly Identifier[], b: readonly Identifier[]): Identifier[] => {
  const keys = new Set(b.map(keyOf));
  return a.filter((identifier) => !keys.has(keyOf(identifier)));
};

/**
 * Folds what one event says of a person into what is known. Per platform and type the newer values are today's and the others
 * become `former`: a removal sends both, because earlier adds have sent them. What the event does not carry stays as it is,
 * and an event older than `known.asOf` adds but does not replace. Returns the very same object when the event taught nothing.
 */
export function learnFromEvent(
  known: KnownPerson,
  event: Pick<HeadgateEvent, 'person' | 'identifiers' | 'consent' | 'occurredAt'>,
): KnownPerson {
  const consent = event.consent && { ...event.consent, asOf: event.occurredAt };
  return learn(known, { today: event.identifiers, contacts: contactsOf(event.person), consent, asOf: event.occurredAt });
}

/**
 * What is left to a person whose e-mail is another's: adds no longer push it, removals still name it.
 * @param identifiers those of an event with that e-mail; only what is made of the e-mail counts
 */
export function loseEmail(known: KnownPerson, identifiers: IdentifiersByPlatform): KnownPerson {
  const next = { ...known, today: { ...known.today }, former: { ...known.former } };
  let lost = false;
  for (const [platform, given] of Object.entries(identifiers)) {
    const today = known.today[platform] ?? [];
    const left = without(today, given.filter(isOfEmail));
    if (left.length === today.length) continue;
    lost = true;
    next.today[platform] = left;
    next.former[platform] = union(known.former[platform] ?? [], without(today, left));
  }
  return lost ? next : known;
}

/** True when an add that was pushed knowing `before` should be pushed again knowing `after`. */
export const changesPushes = (before: KnownPerson, after: KnownPerson): boolean =>
  before.today !== after.today || JSON.stringify(consentOf(before.consent)) !== JSON.stringify(consentOf(after.consent));

/** Everything that two persons, found to be one, ever went by; the newer values are today's. */
export function unitePersons(a: KnownPerson, b: KnownPerson): KnownPerson {
  const [older, newer] = a.asOf <= b.asOf ? [a, b] : [b, a];
  const united = learn(older, { ...newer, consent: newer.consent });
  const former = Object.keys(newer.former).map((platform) => [
    platform,
    without(union(united.former[platform] ?? [], newer.former[platform] ?? []), united.today[platform] ?? []),
  ]);
  return { ...united, former: { ...united.former, ...(Object.fromEntries(former) as IdentifiersByPlatform) }, asOf: newer.asOf };
}

function contactsOf(person: PersonClaim): string[] {
  const contacts = { cio_id: person.cioId, email: person.emailHash, phone: person.phoneHash, mobile_ad_id: person.mobileAdIdHash };
  return Object.entries(contacts).flatMap(([kind, hash]) => (hash === undefined ? [] : [`${kind}:${hash}`]));
}

interface Seen {
  today: IdentifiersByPlatform;
  contacts: string[];
  consent: KnownConsent | undefined;
  asOf: number;
}

function learn(known: KnownPerson, seen: Seen): KnownPerson {
  let next = known;
  for (const [platform, identifiers] of Object.entries(seen.today)) {
    next = learnAtPlatform(next, platform, identifiers, seen.asOf < known.asOf);
  }
  const contacts = seen.contacts.filter((contact) => !known.contacts.includes(contact));
  if (contacts.length > 0) next = { ...next, contacts: [...known.contacts, ...contacts] };
  const { consent } = seen;
  if (consent && (!known.consent || decidesOver(consent, known.consent))) next = { ...next, consent };
  return next === known ? known : { ...next, asOf: Math.max(known.asOf, seen.asOf) };
}

function learnAtPlatform(known: KnownPerson, platform: string, seen: readonly Identifier[], late: boolean): KnownPerson {
  const before = known.today[platform] ?? [];
  const seenTypes = new Set(seen.map((identifier) => identifier.type));
  const knownTypes = new Set(before.map((identifier) => identifier.type));
  const today = late
    ? [...before, ...seen.filter((identifier) => !knownTypes.has(identifier.type))]
    : [...before.filter((identifier) => !seenTypes.has(identifier.type)), ...seen];
  const formerBefore = known.former[platform] ?? [];
  const former = without(union(formerBefore, union(before, seen)), today);
  const next = { ...known };
  if (!sameSet(before, today)) next.today = { ...known.today, [platform]: today };
  if (!sameSet(formerBefore, former)) next.former = { ...known.former, [platform]: former };
  return next.today === known.today && next.former === known.former ? known : next;
}

/** The newest consent counts; at equal times the denial. So any order of events ends alike. */
const decidesOver = (a: KnownConsent, b: KnownConsent): boolean =>
  a.asOf !== b.asOf ? a.asOf > b.asOf : isDenied(a) !== isDenied(b) ? isDenied(a) : JSON.stringify(consentOf(a)) > JSON.stringify(consentOf(b));

const consentOf = (known: KnownConsent | undefined): (string | null)[] => [known?.ad_user_data ?? null, known?.ad_personalization ?? null];
