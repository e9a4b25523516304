/**
 * A person in Meta's normalisation. Rules: https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
 * (page of 2026-07-14, read 2026-11); where sources differ, see README.md.
 */
import type { RawPerson } from '../../domain/identifiers.ts';
import type { Identification, Identified } from '../destination.ts';
import { hashOnce, isSha256, normaliseCountry, normaliseEmail, normalisePhone } from '../user-data.ts';

type Field = keyof RawPerson;

/** What a field becomes: identifiers as [type, normalised, hashed], or a reason why nothing. */
type Rule = (text: string, person: RawPerson) => [type: string, normalised: string][] | string;

/** Letters of any script and white space and punctuation gone, as Meta's own library does. */
const lettersOnly = (text: string): string => text.toLowerCase().replace(/[\s\p{P}\p{S}]/gu, '');

const RULES: Partial<Record<Field, Rule>> = {
  email: (text) => {
    const email = normaliseEmail(text);
    return email === undefined ? 'not an e-mail address' : [['EMAIL', email]];
  },
  phone: (text, person) => {
    const phone = normalisePhone(text, person.country);
    return phone === undefined ? 'not a phone number with its country code (+…), and no country was given to read it by' : [['PHONE', phone.replace('+', '')]];
  },
  firstName: (text) => nonEmpty('FN', lettersOnly(text)),
  lastName: (text) => nonEmpty('LN', lettersOnly(text)),
  city: (text) => nonEmpty('CT', lettersOnly(text)),
  region: (text) => nonEmpty('ST', lettersOnly(text)),
  postalCode: (text, person) => nonEmpty('ZIP', postalCode(text, person.country)),
  country: (text) => {
    const country = normaliseCountry(text);
    return country === undefined ? 'not an ISO 3166-1 alpha-2 code' : [['COUNTRY', country]];
  },
  birthDate: (text) => {
    const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text.trim()) ?? [];
    if (year === undefined || month === undefined || day === undefined) return 'not a date like 1990-12-31';
    return [['DOBY', year], ['DOBM', month], ['DOBD', day]];
  },
  gender: (text) => {
    const gender = /^\s*(m|f|male|female)\s*$/i.exec(text)?.[1]?.[0]?.toLowerCase();
    return gender === undefined ? 'neither m nor f' : [['GEN', gender]];
  },
  mobileAdId: (text) => {
    const id = text.trim().toLowerCase();
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? [['MADID', id]] : 'not an advertising id';
  },
  customerId: (text) => nonEmpty('EXTERN_ID', text.trim()),
};

/** Sent in the clear: Meta matches the advertising id as it is, and the external id is the customer's own. */
const NOT_HASHED = new Set(['MADID', 'EXTERN_ID']);

/** US codes without the +4; elsewhere without white space. */
function postalCode(text: string, country: string | undefined): string {
  const compact = text.toLowerCase().replace(/\s/g, '');
  const isUs = country?.trim().toLowerCase() === 'us' || /^\d{5}-\d{4}$/.test(compact);
  return isUs ? compact.replaceAll('-', '').slice(0, 5) : compact;
}

const nonEmpty = (type: string, normalised: string): [string, string][] | string =>
  normalised === '' ? 'nothing is left of it after normalisation' : [[type, normalised]];

/** Pure. Every given field becomes identifiers or is dropped with a reason; an empty one is never hashed. */
export function identify(person: RawPerson): Identification {
  const identifiers: Identified[] = [];
  const dropped: Identification['dropped'] = [];
  for (const [field, rule] of Object.entries(RULES) as [Field, Rule][]) {
    const text = person[field];
    if (text === undefined) continue;
    const made = text.trim() === '' ? 'empty' : isSha256(text) ? preHashed(field, text, rule, person) : rule(text, person);
    if (typeof made === 'string') dropped.push({ field, reason: made });
    else identifiers.push(...made.map(([type, normalised]) => ({ type, normalised, value: NOT_HASHED.has(type) ? normalised : hashOnce(normalised) })));
  }
  return { identifiers, dropped };
}

const HASHED_TYPE: Partial<Record<Field, string>> = {
  email: 'EMAIL',
  phone: 'PHONE',
  firstName: 'FN',
  lastName: 'LN',
  city: 'CT',
  region: 'ST',
  postalCode: 'ZIP',
  country: 'COUNTRY',
  gender: 'GEN',
};

/** A value that is a SHA-256 already goes through as it is: hashing it again would match nobody. */
function preHashed(field: Field, text: string, rule: Rule, person: RawPerson): ReturnType<Rule> {
  const type = HASHED_TYPE[field];
  return type === undefined ? rule(text, person) : [[type, text.trim().toLowerCase()]];
}

