/** Takes e-mail addresses and phone numbers out of a text: they become their hashes, wherever they stand. */
import * as crypto from 'node:crypto';

/** Starts only where a word starts: a search from each letter of a long word would take time by the square of its length. */
const EMAIL = /(?<![^\s@"'<>(),;:\\[\]{}])[^\s@"'<>(),;:\\[\]{}]+@[^\s@"'<>(),;:\\[\]{}]+\.[^\s@"'<>(),;:\\[\]{}]{2,}/gu;
/** International form, with its plus: anything looser would take order numbers for phones. */
const PHONE = /\+\d[\d\s().-]{6,18}\d/g;

const hash = (text: string): string => crypto.hash('sha256', text.trim().toLowerCase(), 'hex');

/** Postgres stores neither NUL characters nor lone surrogates. */
export const storable = (text: string): string => text.replaceAll('\0', '').toWellFormed();

/** True when the text holds an e-mail address. */
export const holdsEmail = (text: string): boolean => text.includes('@') && text.search(EMAIL) !== -1;

/** Replaces e-mail addresses and international phone numbers, and each of `also` (at least 5 characters), by `sha256:<hash>`. */
export function redactText(text: string, also: readonly string[] = []): string {
  let redacted = text;
  for (const secret of also) if (secret.length >= 5) redacted = redacted.replaceAll(secret, `sha256:${hash(secret)}`);
  if (redacted.includes('@')) redacted = redacted.replace(EMAIL, (email) => `sha256:${hash(email)}`);
  if (redacted.includes('+')) redacted = redacted.replace(PHONE, (phone) => `sha256:${hash(`+${phone.replace(/\D/g, '')}`)}`);
  return redacted;
}
