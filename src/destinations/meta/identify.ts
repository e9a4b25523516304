/**
 * A person in Meta's normalisation. Rules: https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
 * (page of 2026-07-14, read 2026-11); where sources differ, see README.md.
 */
import type { RawPerson } from '../../domain/identifiers.ts';
import type { Identification } from '../destination.ts';
import { identifyFields, one, type FieldRules } from '../identify-fields.ts';
import { countryOf, normaliseBirthDate, normaliseCountry, normaliseEmail, normaliseMobileAdId, normalisePhone, NOT_A_BIRTH_DATE, NOT_A_COUNTRY, NOT_A_MOBILE_AD_ID, NOT_A_PHONE, NOT_AN_EMAIL } from '../user-data.ts';

/** White space and punctuation gone, letters of any script kept, as Meta's own library does. */
const lettersOnly = (text: string): string => text.toLowerCase().replace(/[\s\p{P}\p{S}]/gu, '');

const RULES: FieldRules = {
  email: { hashedAs: 'EMAIL', normalise: (text) => one('EMAIL', normaliseEmail(text), NOT_AN_EMAIL) },
  phone: { hashedAs: 'PHONE', normalise: (text, person) => one('PHONE', normalisePhone(text, countryOf(person))?.replace('+', ''), NOT_A_PHONE) },
  firstName: { hashedAs: 'FN', normalise: (text) => [['FN', lettersOnly(text)]] },
  lastName: { hashedAs: 'LN', normalise: (text) => [['LN', lettersOnly(text)]] },
  city: { hashedAs: 'CT', normalise: (text) => [['CT', lettersOnly(text)]] },
  region: { hashedAs: 'ST', normalise: (text) => [['ST', lettersOnly(text)]] },
  postalCode: { hashedAs: 'ZIP', normalise: (text, person) => [['ZIP', postalCode(text, countryOf(person))]] },
  country: { hashedAs: 'COUNTRY', normalise: (text) => one('COUNTRY', normaliseCountry(text), NOT_A_COUNTRY) },
  birthDate: {
    normalise: (text) => {
      const date = normaliseBirthDate(text);
      return date ? [['DOBY', date.year], ['DOBM', date.month], ['DOBD', date.day]] : NOT_A_BIRTH_DATE;
    },
  },
  gender: {
    hashedAs: 'GEN',
    normalise: (text) => one('GEN', /^\s*(m|f|male|female)\s*$/i.exec(text)?.[1]?.[0]?.toLowerCase(), 'neither m nor f'),
  },
  mobileAdId: { plain: true, normalise: (text) => one('MADID', normaliseMobileAdId(text), NOT_A_MOBILE_AD_ID) },
  customerId: { plain: true, normalise: (text) => [['EXTERN_ID', text.trim()]] },
};

/** US codes without the +4; elsewhere without white space. */
function postalCode(text: string, country: string | undefined): string {
  const compact = text.toLowerCase().replace(/\s/g, '');
  const isUs = country?.trim().toLowerCase() === 'us' || /^\d{5}-\d{4}$/.test(compact);
  return isUs ? compact.replaceAll('-', '').slice(0, 5) : compact;
}

/** Pure. Advertising ids and the customer's own id go in the clear, all else as SHA-256. */
export const identify = (person: RawPerson): Identification => identifyFields(person, RULES);
