/** The body of a webhook, as `headgate template` writes it. Unknown fields are ignored; every mistake is named with its path. */
import { z } from 'zod';
import { EVENT_ID_PATTERN, EVENT_NAMES } from '../domain/event.ts';
import type { JsonObject } from '../domain/event.ts';

/** A missing Liquid value renders as an empty text; numbers are as good as texts, but long ones have lost digits: two ids would become one. */
const absentWhenEmpty = (value: unknown): unknown => {
  if (value === null || (typeof value === 'string' && value.trim() === '')) return undefined;
  const exact = typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value));
  return exact ? String(value) : value;
};

const MUST_BE_TEXT = 'must be text: put it in quotes';
const PLAIN = /^[^\u0000-\u001f\u007f\ud800-\udfff]*$/u;
const text = (longest: number) =>
  z.preprocess(absentWhenEmpty, z.string(MUST_BE_TEXT).trim().max(longest, `must have at most ${String(longest)} characters`).regex(PLAIN, 'contains control characters').optional());

const consentState = z.preprocess(
  (value) => (typeof value === 'string' ? absentWhenEmpty(value.toLowerCase()) : value === null ? undefined : value),
  z.enum(['granted', 'denied'], 'must be granted or denied').optional(),
);

/** Seconds since the epoch; a value this large can only be milliseconds. */
const MILLISECONDS_FROM = 100_000_000_000;
const timestamp = z.preprocess(
  (value) => {
    const given = absentWhenEmpty(value);
    return typeof given === 'string' && /^-?\d+(\.\d+)?$/.test(given) ? Number(given) : given;
  },
  z
    .number('must be a time in seconds since 1970, such as 1764000000')
    .min(0, 'must not lie before 1970')
    .max(8_000_000_000_000, 'lies too far in the future')
    .transform((given) => Math.round(given >= MILLISECONDS_FROM ? given : given * 1_000))
    .optional(),
);

const objectOrNothing = z.preprocess(
  (value) => (value === null || value === '' ? undefined : value),
  z.custom<JsonObject>((value) => value === undefined || (typeof value === 'object' && !Array.isArray(value)), 'must be an object').optional(),
);

export const webhookBody = z.object({
  schema_version: z.preprocess((value) => (value === '1' ? 1 : value), z.literal(1, 'must be 1, the version of this schema')),
  event_id: z.preprocess(
    absentWhenEmpty,
    z.string(MUST_BE_TEXT).regex(EVENT_ID_PATTERN, 'must be 1 to 200 of the characters A-Z a-z 0-9 . _ : ~ = + @ -').optional(),
  ),
  event: z.enum(EVENT_NAMES, `must be one of ${EVENT_NAMES.join(', ')}`),
  audience_key: text(100),
  exposure: text(100),
  action: text(100),
  timestamp,
  customer_id: text(200),
  cio_id: text(200),
  email: text(400),
  phone: text(100),
  profile: z
    .preprocess(
      (value) => (value === null || value === '' ? undefined : value),
      z
        .object({
          first_name: text(200),
          last_name: text(200),
          country: text(100),
          region: text(200),
          city: text(200),
          postal_code: text(100),
          birth_date: text(100),
          gender: text(100),
          mobile_ad_id: text(100),
        }, 'must be an object')
        .optional(),
    ),
  consent: z.preprocess(
    (value) => (value === null || value === '' ? undefined : value),
    z.object({ ad_user_data: consentState, ad_personalization: consentState }, 'must be an object').optional(),
  ),
  context: objectOrNothing,
  attributes: objectOrNothing,
});

/** The body of an event of a workflow type: its name is known, and its attributes are read by the type's own schema. */
export const ownEventBody = webhookBody.extend({ event: z.string() });

export type WebhookBody = z.infer<typeof ownEventBody>;
