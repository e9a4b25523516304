/** A person in Snap's normalisation: the e-mail, trimmed and in lower case. Phones and advertising ids go into lists of their own and are not sent yet. */
import type { RawPerson } from '../../domain/identifiers.ts';
import type { Identification } from '../destination.ts';
import { identifyFields, type FieldRules } from '../identify-fields.ts';
import { normaliseEmail, NOT_AN_EMAIL } from '../user-data.ts';

const RULES: FieldRules = {
  email: {
    hashedAs: 'EMAIL_SHA256',
    normalise: (text) => {
      const email = normaliseEmail(text);
      return email === undefined ? NOT_AN_EMAIL : [['EMAIL_SHA256', email]];
    },
  },
};

/** Pure. */
export const identify = (person: RawPerson): Identification => identifyFields(person, RULES);
