/** Identifiers as a platform takes them: normalised and (where the platform wants it) hashed at the door. */

export interface Identifier {
  /** The platform's own name of the type, for instance `EMAIL` at Meta. */
  type: string;
  /** As sent to the platform: mostly SHA-256, lower-case hex. */
  value: string;
}

/**
 * True for the types that are made of an e-mail, at any platform: their names say so (`EMAIL`, `emailAddress`, `EMAIL_SHA256`), and the
 * conformance tests hold every platform to that. An e-mail belongs to one person at a time; what else a person goes by may be shared.
 */
export const isOfEmail = ({ type }: Identifier): boolean => /email/i.test(type);

/** What an event says about a person in the clear. Lives only inside the door; never stored, logged or passed on. */
export interface RawPerson {
  customerId?: string;
  email?: string;
  phone?: string;
  firstName?: string;
  lastName?: string;
  /** ISO 3166-1 alpha-2. */
  country?: string;
  region?: string;
  city?: string;
  postalCode?: string;
  /** `YYYY-MM-DD`. */
  birthDate?: string;
  gender?: string;
  mobileAdId?: string;
  /** How a phone without country code is read when the person has no `country` (ISO 3166-1 alpha-2). Says nothing of the person. */
  phoneCountry?: string;
}

/** The webhook's names of a person's fields (docs/webhooks.md); all but the first three stand in its `profile`. */
export const PERSON_FIELDS: Readonly<Record<Exclude<keyof RawPerson, 'phoneCountry'>, string>> = {
  customerId: 'customer_id',
  email: 'email',
  phone: 'phone',
  firstName: 'first_name',
  lastName: 'last_name',
  country: 'country',
  region: 'region',
  city: 'city',
  postalCode: 'postal_code',
  birthDate: 'birth_date',
  gender: 'gender',
  mobileAdId: 'mobile_ad_id',
};

/** A person from fields under the webhook's names; what is absent stays absent. */
export function personFromFields(fields: Readonly<Record<string, string | undefined>>, phoneCountry: string | undefined): RawPerson {
  const given = Object.entries(PERSON_FIELDS).flatMap(([field, name]) => (fields[name] === undefined ? [] : [[field, fields[name]]]));
  return { ...(Object.fromEntries(given) as RawPerson), ...(phoneCountry === undefined ? {} : { phoneCountry }) };
}

/** Per platform, a person's identifiers. */
export type IdentifiersByPlatform = Record<string, Identifier[]>;
