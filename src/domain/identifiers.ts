/** Identifiers as a platform takes them: normalised and (where the platform wants it) hashed at the door. */

export interface Identifier {
  /** The platform's own name of the type, for instance `EMAIL` at Meta. */
  type: string;
  /** As sent to the platform: mostly SHA-256, lower-case hex. */
  value: string;
}

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
}

/** Per platform, a person's identifiers. */
export type IdentifiersByPlatform = Record<string, Identifier[]>;
