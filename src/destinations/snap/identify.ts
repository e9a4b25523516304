/** A person in Snap's normalisation: the e-mail, trimmed and in lower case. Phones and advertising ids go into lists of their own and are not sent yet. */
import type { RawPerson } from '../../domain/identifiers.ts';
import type { Identification } from '../destination.ts';
import { identifyFields, one, type FieldRules } from '../identify-fields.ts';
import { normaliseEmail, NOT_AN_EMAIL } from '../user-data.ts';

const RULES: FieldRules = {
  email: { hashedAs: 'EMAIL_SHA256', normalise: (text) => one('EMAIL_SHA256', normaliseEmail(text), NOT_AN_EMAIL) },
};

/** Pure. */
export const identify = (person: RawPerson): Identification => identifyFields(person, RULES);
