/** Normalisation that all platforms share, and hashing. Each platform adds its own rules in its folder. */
import { hash } from 'node:crypto';
import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/min';
import { normaliseCountry } from '../domain/countries.ts';
import type { RawPerson } from '../domain/identifiers.ts';

/** SHA-256 of the text's UTF-8 bytes, lower-case hex. */
export function sha256(text: string): string {
  const known = lately.get(text);
  if (known !== undefined) return known;
  if (lately.size >= MOST_LATELY) lately.clear();
  const made = hash('sha256', text, 'hex');
  lately.set(text, made);
  return made;
}

/** Each platform asks for much the same hashes of a person as the one before. Holds no more than a few persons' texts, for a moment. */
const lately = new Map<string, string>();
const MOST_LATELY = 16;

const SHA256_HEX = /^[0-9a-f]{64}$/i;
/** True for a value that was hashed before it came to us; it must never be hashed again. */
export const isSha256 = (text: string): boolean => SHA256_HEX.test(text.trim());

/** Hashes, unless the value is a hash already. */
export const hashOnce = (text: string): string => (isSha256(text) ? text.trim().toLowerCase() : sha256(text));

const HASH_OF_NOTHING = hash('sha256', '', 'hex');
/** True for the SHA-256 of the empty text: somebody before us hashed nothing. It is many people's, and nobody's. */
export const isHashOfNothing = (text: string): boolean => text.trim().toLowerCase() === HASH_OF_NOTHING;

/** One form for each accented letter, and without the characters that nobody sees and that copying from a page or an address book brings along. */
const visible = (text: string): string => (NOT_ASCII.test(text) ? text.normalize('NFC').replace(/\p{Cf}/gu, '') : text).trim();
const NOT_ASCII = /[^\x20-\x7e]/;

/** One @, no label of the domain empty, and none of the characters that an address has only in quotes: `<ada@example.com>` and `a@b.com; c` are texts around an address. */
const EMAIL = /^[^\s@\p{C}<>()[\],;:\\"]+@[^\s@.\p{C}<>()[\],;:\\"]+(\.[^\s@.\p{C}<>()[\],;:\\"]+)*$/u;

/** Trimmed and in lower case; undefined when it is not an e-mail address. A SHA-256 passes as it is, unless it is that of nothing. */
export function normaliseEmail(text: string): string | undefined {
  const email = visible(text).toLowerCase();
  return EMAIL.test(email) || (isSha256(email) && !isHashOfNothing(email)) ? email : undefined;
}

/**
 * E.164 with its `+`; undefined when the number is not possible or lacks its country. Without a country code the number is
 * read as a national one of `country` (ISO 3166-1 alpha-2); where that cannot be, 11 to 15 digits are read as an international
 * one without its `+`. A SHA-256 passes as it is, unless it is that of nothing.
 */
export function normalisePhone(text: string, country: string | undefined): string | undefined {
  const trimmed = text.trim();
  if (isSha256(trimmed)) return isHashOfNothing(trimmed) ? undefined : trimmed.toLowerCase();
  const given = `${trimmed} ${country ?? ''}`;
  if (lastPhone?.given !== given) lastPhone = { given, phone: parsePhone(trimmed, country) };
  return lastPhone.phone;
}

/** The door asks for the same number once for the ledger and once for each platform, and parsing takes longer than all the rest. */
let lastPhone: { given: string; phone: string | undefined } | undefined;

function parsePhone(text: string, country: string | undefined): string | undefined {
  // Full-width digits and the like become plain ones.
  const plain = text.normalize('NFKC');
  const international = plain.replace(/^00(?=[1-9])/, '+');
  const phone = parsePhoneNumberFromString(international, country?.toUpperCase() as CountryCode | undefined);
  if (phone?.isPossible()) return phone.number;
  const digits = plain.replace(/[\s().-]/g, '');
  const whole = WITH_COUNTRY_CODE.test(digits) ? parsePhoneNumberFromString(`+${digits}`) : undefined;
  return whole?.isPossible() ? whole.number : undefined;
}

/** So many digits without a leading zero, which no known country reads as a number of its own, have their country code and lack only the `+`. */
const WITH_COUNTRY_CODE = /^[1-9]\d{10,14}$/;

/** Which country a person's phone, region and postal code are read by, in lower case. One that the person has and that is no code is not replaced by another. */
export function countryOf({ country, phoneCountry }: RawPerson): string | undefined {
  const given = country === undefined || country.trim() === '' ? phoneCountry : country;
  return given === undefined ? undefined : normaliseCountry(given);
}

/** Lower case, hyphens kept; undefined for anything but a UUID, and for the all-zero one that stands for "not allowed to track". */
export function normaliseMobileAdId(text: string): string | undefined {
  const id = text.trim().toLowerCase();
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) && /[1-9a-f]/.test(id) ? id : undefined;
}

/** `YYYY-MM-DD` in its parts; undefined for anything that is no date of somebody's birth. */
export function normaliseBirthDate(text: string): { year: string; month: string; day: string } | undefined {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text.trim()) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  const exists = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(`${year}-${month}-${day}`);
  return exists && Number(year) >= 1900 && date.getTime() <= Date.now() ? { year, month, day } : undefined;
}

export const NOT_AN_EMAIL = 'not an e-mail address';
export const NOT_A_PHONE = "not a possible phone number: give it with its country code (+…), or with the person's country";
export const NOT_A_COUNTRY = 'not an ISO 3166-1 alpha-2 code';
export const NOT_A_MOBILE_AD_ID = 'not an advertising id';
export const NOT_A_BIRTH_DATE = 'not a date like 1990-12-31, or not a date of birth';
