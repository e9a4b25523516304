/**
 * A person in TikTok's normalisation. The types are the `id_schema` of `segment/mapping`; where TikTok's pages disagree, the
 * other form is a variant that a setting chooses (README.md).
 * https://business-api.tiktok.com/portal/docs?id=1739940585975809, https://ads.tiktok.com/help/preview?content_id=5gcDeV2ckkwNVh1BedxvSJ (read 2026-11)
 */
import type { RawPerson } from '../../domain/identifiers.ts';
import type { Identification } from '../destination.ts';
import { identified, identifyFields, one, type FieldRules } from '../identify-fields.ts';
import { countryOf, isSha256, normaliseEmail, normaliseMobileAdId, normalisePhone, NOT_A_MOBILE_AD_ID, NOT_A_PHONE, NOT_AN_EMAIL } from '../user-data.ts';

/** Types of the forms that are not sent unless a setting asks for them. */
export const EMAIL_WITHOUT_TAG = 'EMAIL_SHA256:without_plus_tag';
export const PHONE_DIGITS = 'PHONE_SHA256:digits';

const RULES: FieldRules = {
  email: { hashedAs: 'EMAIL_SHA256', normalise: (text) => one('EMAIL_SHA256', normaliseEmail(text.replace(/\s/g, '')), NOT_AN_EMAIL) },
  phone: { hashedAs: 'PHONE_SHA256', normalise: (text, person) => one('PHONE_SHA256', normalisePhone(text, countryOf(person)), NOT_A_PHONE) },
  mobileAdId: {
    normalise: (text) => {
      const id = normaliseMobileAdId(text);
      // Nothing in the id says whether it is Apple's or Google's; under the other one's type it just finds nobody.
      return id === undefined ? NOT_A_MOBILE_AD_ID : [['IDFA_SHA256', id], ['AAID_SHA256', id]];
    },
  },
};

/** Pure. */
export function identify(person: RawPerson): Identification {
  const found = identifyFields(person, RULES);
  const variants = found.identifiers.flatMap(({ type, normalised }) => {
    if (isSha256(normalised)) return [];
    if (type === 'EMAIL_SHA256' && normalised.includes('+')) return [identified(EMAIL_WITHOUT_TAG, normalised.replace(/\+[^@]*@/, '@'))];
    return type === 'PHONE_SHA256' ? [identified(PHONE_DIGITS, normalised.slice(1))] : [];
  });
  return { ...found, variants };
}
