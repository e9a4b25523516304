/** Takes personal data out of what is kept: e-mail addresses and phone numbers become their hashes, wherever they stand. */
import * as crypto from 'node:crypto';
import type { JsonObject, JsonValue } from '../domain/event.ts';
import { hashMark, LEFT_OUT } from '../domain/quarantine.ts';
import { redactText, storable } from '../monitoring/redact-text.ts';

export { holdsEmail, redactText, storable } from '../monitoring/redact-text.ts';

/** Fields of a body whose whole value is personal, in whatever form. */
const PERSONAL_FIELDS = new Set(['email', 'phone']);
const DEEPEST = 32;

const hash = (text: string): string => crypto.hash('sha256', text.trim().toLowerCase(), 'hex');

/** A copy of a JSON value without personal data, NUL characters and lone surrogates (Postgres stores neither). */
export function redactJson(value: JsonValue, also: readonly string[] = [], depth = 0): JsonValue {
  if (typeof value === 'string') return redactText(storable(value), also);
  if (typeof value === 'number' && also.includes(String(value))) return redactText(String(value), also);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST) return LEFT_OUT;
  if (Array.isArray(value)) return value.map((item) => redactJson(item, also, depth + 1));
  const entries = Object.entries(value).map(([key, item]): [string, JsonValue] => [redactText(storable(key), also), redactJson(item, also, depth + 1)]);
  return Object.fromEntries(entries);
}

export const redactObject = (value: JsonObject, also: readonly string[]): JsonObject => redactJson(value, also) as JsonObject;

/** A body for the quarantine: as JSON when it is a JSON object, else as text; the fields of the person hashed whole. */
export function redactBody(body: string): string {
  const parsed = parseObject(body);
  if (!parsed) return redactBrokenJson(storable(body));
  const own = personalValues(parsed);
  const entries = Object.entries(parsed).map(([key, value]): [string, JsonValue] => {
    const name = redactText(storable(key), own);
    if (!isGiven(value)) return [name, value];
    if (PERSONAL_FIELDS.has(key)) return [name, typeof value === 'object' ? LEFT_OUT : hashMark(hash(String(value)))];
    if (key === 'profile') return [name, LEFT_OUT];
    // JSON escapes what Postgres does not store; a field that is refused for it must not become another one.
    return [name, typeof value === 'string' ? redactText(value, own) : redactJson(value, own)];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

const MARK = /sha256:[0-9a-f]{64}/;
/** True when personal data was taken out of the value. */
export const holdsMark = (value: unknown): boolean => value === LEFT_OUT || (typeof value === 'string' && MARK.test(value));

/** Liquid renders what is missing as an empty text; that says nothing of anybody. */
export const isGiven = (value: unknown): boolean => value !== undefined && value !== null && !(typeof value === 'string' && value.trim() === '');

const PERSONAL_MEMBER = /("(?:email|phone|first_name|last_name|birth_date|city|postal_code|mobile_ad_id)"\s*:\s*)("[^"]*|[^",}\r\n]+)/g;

/** The values of members of that name in broken JSON, each with what `redactBody` makes of it. */
export function membersOfBrokenJson(body: string, name: 'email' | 'phone'): { value: string; shown: string }[] {
  return [...body.matchAll(PERSONAL_MEMBER)].flatMap(([, member = '', value = '']) => {
    const text = value.startsWith('"') ? value.slice(1) : value;
    return member.startsWith(`"${name}"`) ? [{ value: text, shown: hashMark(hash(text)) }] : [];
  });
}

/** A template that forgot to escape a quote: what looks like a personal member is hashed. */
const redactBrokenJson = (body: string): string =>
  redactText(
    body.replace(PERSONAL_MEMBER, (_whole, name: string, value: string) => {
      const quoted = value.startsWith('"');
      return `${name}"sha256:${hash(quoted ? value.slice(1) : value)}${quoted ? '' : '"'}`;
    }),
  );

/** The person's own e-mail and phone as written, which may stand in other fields too. */
export function personalValues(body: JsonObject): string[] {
  return [body['email'], body['phone']].flatMap((value) => {
    const given = typeof value === 'number' ? String(value) : value;
    return typeof given === 'string' && given.trim() !== '' ? [given.trim()] : [];
  });
}

/** Undefined when the text is not JSON, or no object. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const parsed = JSON.parse(text) as JsonValue;
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
