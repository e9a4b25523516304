/** Normalisation that all platforms share, and hashing. Each platform adds its own rules in its folder. */
import { hash } from 'node:crypto';
import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/min';

/** SHA-256 of the text's UTF-8 bytes, lower-case hex. */
export const sha256 = (text: string): string => hash('sha256', text, 'hex');

const SHA256_HEX = /^[0-9a-f]{64}$/i;
/** True for a value that was hashed before it came to us; it must never be hashed again. */
export const isSha256 = (text: string): boolean => SHA256_HEX.test(text.trim());

/** Hashes, unless the value is a hash already. */
export const hashOnce = (text: string): string => (isSha256(text) ? text.trim().toLowerCase() : sha256(text));

/** Trimmed and in lower case; undefined when it is not an e-mail address. A SHA-256 passes as it is. */
export function normaliseEmail(text: string): string | undefined {
  const email = text.trim().toLowerCase();
  return /^[^\s@]+@[^\s@]+$/.test(email) || isSha256(email) ? email : undefined;
}

/**
 * E.164 with its `+`; undefined when the number is not possible or lacks its country. Without a country code the number is
 * read as a national one of `country` (ISO 3166-1 alpha-2). A SHA-256 passes as it is.
 */
export function normalisePhone(text: string, country: string | undefined): string | undefined {
  const trimmed = text.trim();
  if (isSha256(trimmed)) return trimmed.toLowerCase();
  const given = `${trimmed} ${country ?? ''}`;
  if (lastPhone?.given !== given) lastPhone = { given, phone: parsePhone(trimmed, country) };
  return lastPhone.phone;
}

/** The door asks for the same number once for the ledger and once for each platform, and parsing takes longer than all the rest. */
let lastPhone: { given: string; phone: string | undefined } | undefined;

function parsePhone(text: string, country: string | undefined): string | undefined {
  const international = text.replace(/^00(?=[1-9])/, '+');
  const phone = parsePhoneNumberFromString(international, country?.toUpperCase() as CountryCode | undefined);
  return phone?.isPossible() ? phone.number : undefined;
}

/** Lower-case ISO 3166-1 alpha-2; undefined for anything else. */
export function normaliseCountry(text: string): string | undefined {
  const country = text.trim().toLowerCase();
  return /^[a-z]{2}$/.test(country) ? country : undefined;
}
