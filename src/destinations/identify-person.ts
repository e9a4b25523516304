/** What the door does with a person's e-mail and phone: everything that travels on is made here, and nothing else. */
import type { PersonClaim } from '../domain/event.ts';
import type { IdentifiersByPlatform, RawPerson } from '../domain/identifiers.ts';
import type { Platform } from './destination.ts';
import { countryOf, hashOnce, normaliseEmail, normaliseMobileAdId, normalisePhone } from './user-data.ts';

export interface IdentifiedPerson {
  claim: Pick<PersonClaim, 'emailHash' | 'phoneHash' | 'mobileAdIdHash'>;
  identifiers: IdentifiersByPlatform;
}

/** Pure. Asks each of the configured platforms for its identifiers, and hashes the person's contacts for the ledger. */
export function identifyPerson(person: RawPerson, platforms: readonly Platform[]): IdentifiedPerson {
  const email = person.email === undefined ? undefined : normaliseEmail(person.email);
  const phone = person.phone === undefined ? undefined : normalisePhone(person.phone, countryOf(person));
  // The all-zero id of everybody who may not be tracked would make strangers share a contact.
  const mobileAdId = person.mobileAdId === undefined ? undefined : normaliseMobileAdId(person.mobileAdId);
  const claim: IdentifiedPerson['claim'] = {};
  if (email !== undefined) claim.emailHash = hashOnce(email);
  if (phone !== undefined) claim.phoneHash = hashOnce(phone);
  if (mobileAdId !== undefined) claim.mobileAdIdHash = hashOnce(mobileAdId);
  const identifiers = platforms.map((platform) => {
    const { identifiers: made, variants = [] } = platform.identify(person);
    return [platform.platform, [...made, ...variants].map(({ type, value }) => ({ type, value }))];
  });
  return { claim, identifiers: Object.fromEntries(identifiers) as IdentifiersByPlatform };
}
