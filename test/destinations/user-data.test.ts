/** What all platforms normalise alike, and what the door keeps of a person. Inputs as people and other tools write them. */
import { describe, expect, test } from 'vitest';
import { catalog } from '../../src/destinations/catalog.ts';
import { identifyPerson } from '../../src/destinations/identify-person.ts';
import { countryOf, normaliseBirthDate, normaliseEmail, normaliseMobileAdId, normalisePhone, sha256 } from '../../src/destinations/user-data.ts';
import { normaliseCountry } from '../../src/domain/countries.ts';

const PLATFORMS = [...catalog.values()];

test.each<[string, string | undefined]>([
  [' Ada@Example.COM\t', 'ada@example.com'],
  ['ada+tag@example.co.uk', 'ada+tag@example.co.uk'],
  ["o'neil@example.com", "o'neil@example.com"],
  ['jörg@exämple.de', 'jörg@exämple.de'],
  ['jo\u0308rg@exa\u0308mple.de', 'jörg@exämple.de'],
  ['정@example.kr', '정@example.kr'],
  ['\u200bada@example.com', 'ada@example.com'],
  ['\u202aada@example.com\u202c', 'ada@example.com'],
  ['\ufeffada@example.com', 'ada@example.com'],
  ['', undefined],
  ['ada', undefined],
  ['@example.com', undefined],
  ['ada@', undefined],
  ['ada@@example.com', undefined],
  ['a@b@example.com', undefined],
  ['ada @example.com', undefined],
  ['ada@example.com.', undefined],
  ['ada@example..com', undefined],
  ['ada@.example.com', undefined],
  ['ada@example.com; bob', undefined],
  ['ada@example.com;', undefined],
  ['<ada@example.com>', undefined],
  ['mailto:ada@example.com', undefined],
  ['ada\u0000@example.com', undefined],
  ['\ud800@example.com', undefined],
  [sha256('ada@example.com').toUpperCase(), sha256('ada@example.com')],
  [sha256('').toUpperCase(), undefined],
  ['d41d8cd98f00b204e9800998ecf8427e', undefined],
])('e-mail %j is %j', (text, expected) => {
  expect(normaliseEmail(text)).toBe(expected);
});

test.each<[string, string | undefined, string | undefined]>([
  ['+1 (555) 123-4567', undefined, '+15551234567'],
  ['tel:+1-201-555-0123', undefined, '+12015550123'],
  ['+1 555 123 4567 ext. 5', undefined, '+15551234567'],
  ['+44 (0) 20 7946 0018', undefined, '+442079460018'],
  ['+49 (0)171 1234567', undefined, '+491711234567'],
  ['+39 06 1234 5678', undefined, '+390612345678'],
  ['0049 171 1234567', undefined, '+491711234567'],
  ['0049 171 1234567', 'us', '+491711234567'],
  ['011 49 171 1234567', 'us', '+491711234567'],
  ['0171 1234567', 'de', '+491711234567'],
  ['020 7946 0018', 'gb', '+442079460018'],
  ['(555) 123-4567', 'us', '+15551234567'],
  ['13800138000', 'cn', '+8613800138000'],
  ['15551234567', undefined, '+15551234567'],
  ['\u202a+1 555 123 4567\u202c', undefined, '+15551234567'],
  ['＋１５５５１２３４５６７', undefined, '+15551234567'],
  ['٠١٧١١٢٣٤٥٦٧', 'de', '+491711234567'],
  ['0171 1234567', undefined, undefined],
  ['5551234567', undefined, undefined],
  ['12', 'us', undefined],
  ['+1', undefined, undefined],
  ['00', undefined, undefined],
  ['+15551234567, +15557654321', undefined, undefined],
  ['1-800-FLOWERS', 'us', undefined],
  ['d41d8cd98f00b204e9800998ecf8427e', 'us', undefined],
  ['da39a3ee5e6b4b0d3255bfef95601890afd80709', 'us', undefined],
  [sha256('+15551234567').toUpperCase(), undefined, sha256('+15551234567')],
  [sha256(''), undefined, undefined],
])('phone %j in %j is %j', (text, country, expected) => {
  expect(normalisePhone(text, country)).toBe(expected);
});

test.each<[string, string | undefined]>([
  ['US', 'us'], [' de ', 'de'], ['UK', 'gb'], ['EL', 'gr'], ['USA', undefined], ['Germany', undefined], ['xx', undefined], ['zz', undefined], ['EU', undefined], ['', undefined], ['constructor', undefined],
])('country %j is %j', (text, expected) => {
  expect(normaliseCountry(text)).toBe(expected);
});

test('a country that is no code is not replaced by that of the source: a German number would be read as one of the US', () => {
  expect(countryOf({ country: 'Germany', phoneCountry: 'US' })).toBeUndefined();
  expect(countryOf({ country: ' ', phoneCountry: 'US' })).toBe('us');
  expect(countryOf({ country: 'UK', phoneCountry: 'US' })).toBe('gb');
});

test.each(['1990-02-30', '1899-12-31', '2999-01-01', '1990-2-1', '12/31/1990', '19901231', '1990-12-31T00:00:00Z', '631152000'])('%s is no date of birth', (text) => {
  expect(normaliseBirthDate(text)).toBeUndefined();
});

test.each(['00000000-0000-0000-0000-000000000000', 'AB1234CD-E123-12FG-J123-1234567890AB', 'ab1234cde12312f0a1231234567890ab', ''])('%j is no advertising id', (text) => {
  expect(normaliseMobileAdId(text)).toBeUndefined();
});

describe('what strangers have in common makes them no one person', () => {
  test('the SHA-256 of nothing, which something before Headgate has made of an empty e-mail or phone', () => {
    const { claim, identifiers } = identifyPerson({ email: sha256(''), phone: sha256('').toUpperCase(), firstName: sha256('') }, PLATFORMS);
    expect(claim).toEqual({});
    expect(JSON.stringify(identifiers)).not.toContain(sha256(''));
    expect(PLATFORMS.map((platform) => platform.identify({ email: sha256('') }).dropped.map(({ reason }) => reason))).toEqual(PLATFORMS.map(() => [expect.stringContaining('SHA-256 of an empty text') as string]));
  });
  test('the all-zero advertising id of everybody who may not be tracked', () => {
    expect(identifyPerson({ email: 'ada@example.com', mobileAdId: '00000000-0000-0000-0000-000000000000' }, PLATFORMS).claim).toEqual({ emailHash: sha256('ada@example.com') });
  });
});

test('words that an object has of itself are no values', () => {
  for (const word of ['constructor', '__proto__', 'toString', 'valueOf']) {
    const person = { email: word, phone: word, firstName: word, country: word, region: word, city: word, postalCode: word, birthDate: word, gender: word, mobileAdId: word };
    for (const platform of PLATFORMS) for (const { normalised } of platform.identify(person).identifiers) expect(typeof normalised).toBe('string');
  }
});
