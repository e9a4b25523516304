/**
 * How much is kept of what somebody sent. A short body can become a long event, because each e-mail address and phone number in it is
 * replaced by a hash; and Temporal takes no more than 2 MiB as a workflow's input, which an event would be refused as for ever
 * (https://docs.temporal.io/cloud/limits, read 2026-11).
 */
import type { JsonObject, JsonValue } from '../domain/event.ts';

/** Of an event's context and attributes together, and of a body in quarantine. Characters of JSON, of which each may need three bytes. */
export const MOST_KEPT = 512 * 1024;
/** No e-mail address or phone number is longer. Characters. */
const LONGEST_CONTACT = 500;

/** Infinity for what is nested deeper than can be written. */
export function lengthOf(value: JsonValue): number {
  try {
    return JSON.stringify(value).length;
  } catch (error) {
    if (error instanceof RangeError) return Infinity;
    throw error;
  }
}

/** The same object, or one without its longest members, so that the rest has at most `most` characters. */
export function withoutBulk(value: JsonObject, most = MOST_KEPT): JsonObject {
  if (lengthOf(value) <= most) return value;
  const members = Object.entries(value).map(([name, item]) => ({ name, length: lengthOf(name) + lengthOf(item) + 2 }));
  const kept = new Set<string>();
  let left = most - 2;
  for (const { name, length } of members.toSorted((a, b) => a.length - b.length)) {
    left -= length;
    if (left < 0) break;
    kept.add(name);
  }
  return Object.fromEntries(Object.entries(value).filter(([name]) => kept.has(name)));
}

/** The beginning of a text without personal data. What a cut leaves of a contact would not be known for one, so that end is dropped. */
export function beginningOf(raw: string, redact: (text: string) => string): string {
  const redacted = raw.length <= MOST_KEPT ? redact(raw) : redact(raw.slice(0, MOST_KEPT)).slice(0, -LONGEST_CONTACT);
  return raw.length <= MOST_KEPT && redacted.length <= MOST_KEPT ? redacted : `${redacted.slice(0, MOST_KEPT).toWellFormed()}…`;
}
