/**
 * What the door keeps of a body that it cannot take: the text without personal data, and beside it what it made of the person
 * before it replaced them (decisions/0010). A replay is the same event as if the body had been understood at once.
 */
import type { JsonObject } from '../domain/event.ts';
import { personFromFields, type RawPerson } from '../domain/identifiers.ts';
import type { KeptPart, QuarantineEntry } from '../domain/quarantine.ts';
import { withoutEmail, type Identify } from './event-from-body.ts';
import { beginningOf } from './most-kept.ts';
import { holdsEmail, holdsMark, isGiven, membersOfBrokenJson, parseObject, redactBody, storable } from './redact.ts';
import { webhookBody, type WebhookBody } from './webhook-schema.ts';

export interface KeepContext {
  source: string;
  people: string;
  /** How phones without country code are read. */
  phoneCountry?: string | undefined;
  identify: Identify;
}

export type KeptBody = Pick<QuarantineEntry, 'source' | 'people' | 'eventName' | 'audienceKey' | 'body' | 'parts'>;

/** Names longer than this are no names. */
const LONGEST_NAME = 200;

export function keepBody(text: string, context: KeepContext): KeptBody {
  const body = beginningOf(text, redactBody);
  const [given, shown] = [parseObject(text), parseObject(body)];
  const nameIn = (field: string): string | undefined => {
    const value = shown ? shown[field] : new RegExp(`"${field}"\\s*:\\s*"([^"]*)"`).exec(body)?.[1];
    return typeof value === 'string' && isGiven(value) ? storable(value.trim().slice(0, LONGEST_NAME)) : undefined;
  };
  const [eventName, audienceKey] = [nameIn('event'), nameIn('audience_key')];
  return {
    source: context.source,
    people: context.people,
    ...(eventName === undefined ? {} : { eventName }),
    ...(audienceKey === undefined ? {} : { audienceKey }),
    body,
    parts: given && shown ? partsOf(given, shown, context) : partsOfBrokenJson(text, context),
  };
}

/** A valid field each; one with a mistake leaves no part, and keeps its mistake. */
function partsOf(given: JsonObject, shown: JsonObject, context: KeepContext): KeptPart[] {
  const { event_id: eventId, customer_id: customerId, cio_id: cioId, email, phone, profile } = readEach(given);
  const phoneCountry = profile?.country ?? context.phoneCountry;
  const made: [field: string, Omit<KeptPart, 'shown'>][] = [];
  if (customerId !== undefined) made.push(['customer_id', { ...identified({ customerId: withoutEmail(customerId) }, context), claim: { customerId: withoutEmail(customerId) } }]);
  if (cioId !== undefined) made.push(['cio_id', { claim: { cioId: withoutEmail(cioId) }, identifiers: {} }]);
  if (email !== undefined) made.push(['email', identified({ email }, context)]);
  if (phone !== undefined) made.push(['phone', identified(personFromFields({ phone }, phoneCountry), context)]);
  if (profile !== undefined) made.push(['profile', identified(personFromFields(profile, context.phoneCountry), context)]);
  if (eventId !== undefined && !holdsEmail(eventId) && holdsMark(shown['event_id'])) made.push(['event_id', { claim: {}, identifiers: {}, eventId }]);
  return made.flatMap(([field, part]) => {
    const value = shown[field];
    return value === undefined ? [] : [{ shown: { [field]: value }, ...part }];
  });
}

type Readable = Pick<WebhookBody, 'event_id' | 'customer_id' | 'cio_id' | 'email' | 'phone' | 'profile'>;
const READABLE = ['event_id', 'customer_id', 'cio_id', 'email', 'phone', 'profile'] as const satisfies (keyof Readable)[];

function readEach(given: JsonObject): Readable {
  const read = READABLE.map((field) => {
    const parsed = webhookBody.shape[field].safeParse(given[field]);
    return [field, parsed.success ? parsed.data : undefined];
  });
  return Object.fromEntries(read) as Readable;
}

/** A template that forgot to escape a quote: the person's e-mail and phone can be told all the same. */
function partsOfBrokenJson(text: string, context: KeepContext): KeptPart[] {
  return (['email', 'phone'] as const).flatMap((field) =>
    membersOfBrokenJson(text, field).flatMap(({ value, shown }): KeptPart[] => {
      const parsed = webhookBody.shape[field].safeParse(unescaped(value));
      if (!parsed.success || parsed.data === undefined) return [];
      return [{ shown: { [field]: shown }, ...identified(personFromFields({ [field]: parsed.data }, context.phoneCountry), context) }];
    }),
  );
}

function unescaped(value: string): unknown {
  try {
    return JSON.parse(`"${value.trim()}"`);
  } catch {
    return value;
  }
}

/** Without the platforms that have no identifiers. */
function identified(person: RawPerson, { identify }: KeepContext): Omit<KeptPart, 'shown'> {
  const { claim, identifiers } = identify(person);
  return { claim, identifiers: Object.fromEntries(Object.entries(identifiers).filter(([, made]) => made.length > 0)) };
}
