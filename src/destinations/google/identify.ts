/**
 * A person in Google's normalisation: https://developers.google.com/data-manager/api/devguides/concepts/formatting (read 2026-11);
 * where sources differ, see README.md. The types are the names of Google's JSON fields.
 */
import { normaliseCountry } from '../../domain/countries.ts';
import type { RawPerson } from '../../domain/identifiers.ts';
import type { Identification } from '../destination.ts';
import { identifyFields, one, type FieldRules } from '../identify-fields.ts';
import { countryOf, normaliseEmail, normalisePhone, NOT_A_COUNTRY, NOT_A_PHONE, NOT_AN_EMAIL } from '../user-data.ts';

const GMAIL = new Set(['gmail.com', 'googlemail.com']);

/** All white space goes, also inside; at Gmail the dots and the +tag of the local part too. The domain stays as it is. */
function googleEmail(text: string): string | undefined {
  const email = normaliseEmail(text.replace(/\s/g, ''));
  const at = email?.lastIndexOf('@') ?? -1;
  if (email === undefined || at < 1 || !GMAIL.has(email.slice(at + 1))) return email;
  const local = email.slice(0, at).replaceAll('.', '').replace(/\+.*$/, '');
  return local === '' ? undefined : `${local}${email.slice(at)}`;
}

const PREFIX = /^(mr|mrs|ms|dr)(\.\s*|\s+)/;
/** As many of them as there are. */
const SUFFIXES = /([\s,]+(jr|sr|2nd|3rd|ii|iii|iv|v|vi|cpa|dc|dds|vm|jd|md|phd)\.?)+$/;

/** Titles before and after the name go, then punctuation; a hyphen and letters of any script stay. */
const givenName = (text: string): string => withoutPunctuation(lowerCase(text).replace(PREFIX, ''));
const familyName = (text: string): string => withoutPunctuation(lowerCase(text).replace(SUFFIXES, ''));
const lowerCase = (text: string): string => text.normalize('NFC').trim().toLowerCase();
/** Nothing is left of a name that is punctuation only. */
function withoutPunctuation(name: string): string {
  const left = name.replace(/[^\P{P}-]/gu, '').trim();
  return /[\p{L}\p{N}]/u.test(left) ? left : '';
}

/** No country has longer ones; a hash is longer. */
const LONGEST_POSTAL_CODE = 16;
const postalCode = (text: string): string | undefined => (text.length <= LONGEST_POSTAL_CODE && /[\p{L}\p{N}]/u.test(text) ? text : undefined);

const RULES: FieldRules = {
  email: { hashedAs: 'emailAddress', normalise: (text) => one('emailAddress', googleEmail(text), NOT_AN_EMAIL) },
  phone: { hashedAs: 'phoneNumber', normalise: (text, person) => one('phoneNumber', normalisePhone(text, countryOf(person)), NOT_A_PHONE) },
  firstName: { hashedAs: 'givenName', normalise: (text) => [['givenName', givenName(text)]] },
  lastName: { hashedAs: 'familyName', normalise: (text) => [['familyName', familyName(text)]] },
  country: { plain: true, normalise: (text) => one('regionCode', normaliseCountry(text)?.toUpperCase(), NOT_A_COUNTRY) },
  postalCode: { plain: true, normalise: (text) => one('postalCode', postalCode(text.trim()), 'no postal code in the clear') },
};

/** What an `address` needs; Google refuses the whole request for one that lacks any of them. */
export const ADDRESS_FIELDS = ['givenName', 'familyName', 'regionCode', 'postalCode'] as const;
const FIELD_OF: Record<(typeof ADDRESS_FIELDS)[number], keyof RawPerson> = { givenName: 'firstName', familyName: 'lastName', regionCode: 'country', postalCode: 'postalCode' };

/** Pure. Names and places are left out unless they make a whole address. */
export function identify(person: RawPerson): Identification {
  const { identifiers, dropped } = identifyFields(person, RULES);
  const given = new Set(identifiers.map(({ type }) => type));
  const missing = ADDRESS_FIELDS.filter((type) => !given.has(type));
  if (missing.length === 0) return { identifiers, dropped };
  const addressOnly = new Set<string>(ADDRESS_FIELDS);
  const reason = `only used in a whole address, and ${missing.map((type) => WORDS[type]).join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing or unusable`;
  const unused = ADDRESS_FIELDS.filter((type) => given.has(type)).map((type) => ({ field: FIELD_OF[type], reason }));
  return { identifiers: identifiers.filter(({ type }) => !addressOnly.has(type)), dropped: [...dropped, ...unused] };
}

const WORDS: Record<(typeof ADDRESS_FIELDS)[number], string> = { givenName: 'first_name', familyName: 'last_name', regionCode: 'country', postalCode: 'postal_code' };
