/**
 * A person in Meta's normalisation. Rules: https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
 * (page of 2026-07-14, read 2026-11); where sources differ, see README.md.
 */
import { normaliseCountry } from '../../domain/countries.ts';
import type { RawPerson } from '../../domain/identifiers.ts';
import type { Identification } from '../destination.ts';
import { identifyFields, one, type FieldRules, type Normalised } from '../identify-fields.ts';
import { countryOf, normaliseBirthDate, normaliseEmail, normaliseMobileAdId, normalisePhone, NOT_A_BIRTH_DATE, NOT_A_COUNTRY, NOT_A_MOBILE_AD_ID, NOT_A_PHONE, NOT_AN_EMAIL } from '../user-data.ts';
import { usStateCode } from './us-states.ts';

/** Names: white space and punctuation gone, letters of any script kept, as Meta's own library does. */
const lettersOnly = (text: string): string => text.normalize('NFC').toLowerCase().replace(/[\s\p{P}\p{S}]/gu, '');
/** Places: a to z only. A letter with an accent goes, as in Meta's own library; it is not written without. */
const latinOnly = (text: string): string => text.normalize('NFC').toLowerCase().replace(/[^a-z]/g, '');

const GENDERS = new Map([['m', 'm'], ['male', 'm'], ['man', 'm'], ['boy', 'm'], ['f', 'f'], ['female', 'f'], ['woman', 'f'], ['girl', 'f']]);

const RULES: FieldRules = {
  email: { hashedAs: 'EMAIL', normalise: (text) => one('EMAIL', normaliseEmail(text), NOT_AN_EMAIL) },
  phone: { hashedAs: 'PHONE', normalise: (text, person) => one('PHONE', normalisePhone(text, countryOf(person))?.replace('+', ''), NOT_A_PHONE) },
  firstName: { hashedAs: 'FN', normalise: (text) => [['FN', lettersOnly(text)]] },
  lastName: { hashedAs: 'LN', normalise: (text) => [['LN', lettersOnly(text)]] },
  city: { hashedAs: 'CT', normalise: (text) => [['CT', latinOnly(text)]] },
  region: { hashedAs: 'ST', normalise: (text, person) => region(latinOnly(text), countryOf(person)) },
  postalCode: { hashedAs: 'ZIP', normalise: (text, person) => postalCode(text, countryOf(person)) },
  country: { hashedAs: 'COUNTRY', normalise: (text) => one('COUNTRY', normaliseCountry(text), NOT_A_COUNTRY) },
  birthDate: {
    normalise: (text) => {
      const date = normaliseBirthDate(text);
      return date ? [['DOBY', date.year], ['DOBM', date.month], ['DOBD', date.day]] : NOT_A_BIRTH_DATE;
    },
  },
  gender: {
    hashedAs: 'GEN',
    normalise: (text) => one('GEN', GENDERS.get(text.trim().toLowerCase()), 'neither m nor f'),
  },
  mobileAdId: { plain: true, normalise: (text) => one('MADID', normaliseMobileAdId(text), NOT_A_MOBILE_AD_ID) },
  customerId: { plain: true, normalise: (text) => [['EXTERN_ID', text.trim()]] },
};

/** Where the country is the US, or is not known and the name is that of one of its states, the state's code. */
function region(letters: string, country: string | undefined): Normalised {
  const state = country === 'us' || (country === undefined && letters.length > 2) ? usStateCode(letters) : undefined;
  return country === 'us' && letters !== '' ? one('ST', state, 'not a state of the US') : [['ST', state ?? letters]];
}

const ZIP_PLUS_4 = /^\d{5}-\d{4}$/;
/** A whole postcode of the United Kingdom; all but its last two letters is area, district and sector. */
const UK_POSTCODE = /^([a-z]{1,2}\d[a-z\d]?\d)[a-z]{2}$/;

/** In the US five digits, in the United Kingdom without the unit, elsewhere as it is, without white space. */
function postalCode(text: string, country: string | undefined): Normalised {
  const compact = text.toLowerCase().replace(/\s/g, '');
  if (country === 'us' || (country === undefined && ZIP_PLUS_4.test(compact))) return one('ZIP', /^\d{5}(?=-?\d{4}$|$)/.exec(compact)?.[0], 'not a ZIP code of the US: five digits, or nine');
  const sector = country === 'gb' || country === undefined ? UK_POSTCODE.exec(compact)?.[1] : undefined;
  return /[\p{L}\p{N}]/u.test(compact) ? [['ZIP', sector ?? compact]] : 'no postal code';
}

/** Pure. Advertising ids and the customer's own id go in the clear, all else as SHA-256. */
export const identify = (person: RawPerson): Identification => identifyFields(person, RULES);
