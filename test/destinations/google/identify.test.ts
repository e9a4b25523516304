/** Persons to Google's audience members. */
import { describe, expect, test } from 'vitest';
import { identify } from '../../../src/destinations/google/identify.ts';
import { IDENTIFIERS_PER_MEMBER, mapCall, MEMBERS_PER_CALL } from '../../../src/destinations/google/mapping.ts';
import { requestOf } from '../../../src/destinations/google/request.ts';
import { googleSettings } from '../../../src/destinations/google/settings.ts';
import type { Member } from '../../../src/destinations/destination.ts';
import { sha256 } from '../../../src/destinations/user-data.ts';
import type { RawPerson } from '../../../src/domain/identifiers.ts';

const normalised = (person: RawPerson): string[] => identify(person).identifiers.map(({ type, normalised: text }) => `${type} ${text}`);
const ADDRESS: RawPerson = { firstName: 'Ada', lastName: 'Lovelace', country: 'gb', postalCode: 'SW1A 1AA' };

test.each<[RawPerson, string[]]>([
  [{ email: 'cloudy.sanfrancisco+shopping@gmail.com' }, ['emailAddress cloudysanfrancisco@gmail.com']],
  [{ email: 'user.name+NYC@Example.com' }, ['emailAddress user.name+nyc@example.com']],
  [{ email: 'a.b.c.d@GoogleMail.com' }, ['emailAddress abcd@googlemail.com']],
  [{ email: ' ada @ example.com ' }, ['emailAddress ada@example.com']],
  [{ phone: '(800)555-0100', country: 'US' }, ['phoneNumber +18005550100']],
  [{ phone: '0171 1234567', country: 'DE' }, ['phoneNumber +491711234567']],
  [ADDRESS, ['givenName ada', 'familyName lovelace', 'regionCode GB', 'postalCode SW1A 1AA']],
  [{ ...ADDRESS, firstName: ' Dr. Ada ', lastName: 'Lovelace, Jr.' }, ['givenName ada', 'familyName lovelace', 'regionCode GB', 'postalCode SW1A 1AA']],
  [{ ...ADDRESS, firstName: 'Mr.Ada', lastName: 'lovelace, jr., dds' }, ['givenName ada', 'familyName lovelace', 'regionCode GB', 'postalCode SW1A 1AA']],
  [{ ...ADDRESS, firstName: 'Mralex', lastName: 'Boardds' }, ['givenName mralex', 'familyName boardds', 'regionCode GB', 'postalCode SW1A 1AA']],
  [{ ...ADDRESS, firstName: 'Jose\u0301', lastName: 'de la Cruz' }, ['givenName josé', 'familyName de la cruz', 'regionCode GB', 'postalCode SW1A 1AA']],
  [{ email: 'j.e.f..ferson+a+b@gmail.com' }, ['emailAddress jefferson@gmail.com']],
  [{ email: 'a.b+c@mail.gmail.com' }, ['emailAddress a.b+c@mail.gmail.com']],
  [{ email: '+tag@gmail.com' }, []],
  [{ ...ADDRESS, lastName: "O'Neil-Müller III" }, ['givenName ada', 'familyName oneil-müller', 'regionCode GB', 'postalCode SW1A 1AA']],
])('%j is normalised as Google wants it', (person, expected) => {
  expect(normalised(person)).toEqual(expected);
});

test('a national number with a trunk zero and no country does not pass as E.164', () => {
  const { identifiers, dropped } = identify({ phone: '0171 1234567' });
  expect(identifiers).toEqual([]);
  expect(dropped).toEqual([{ field: 'phone', reason: expect.stringContaining('country') as string }]);
});

test('a national number without a country is not taken for one of the US', () => {
  expect(identify({ phone: '800 555 0100' }).identifiers).toEqual([]);
});

test.each<[string, RawPerson]>([
  ['a country that is none', { country: 'xx' }],
  ['a country as a word', { country: 'Germany' }],
  ['a hashed country', { country: sha256('de') }],
  ['a post code of dashes', { postalCode: '--' }],
  ['a hashed post code', { postalCode: sha256('94045') }],
  ['a title for a first name', { firstName: 'Dr.' }],
  ['a suffix for a last name', { lastName: ', Jr.' }],
  ['an emoji for a first name', { firstName: '🙂' }],
])('%s costs the address, never the person: Google would refuse the whole member for it', (_name, wrong) => {
  const { identifiers, dropped } = identify({ email: 'ada@example.com', ...ADDRESS, ...wrong });
  expect(identifiers.map(({ type }) => type)).toEqual(['emailAddress']);
  expect(dropped.map(({ field }) => field).toSorted()).toEqual(['country', 'firstName', 'lastName', 'postalCode']);
});

test('an address that is not whole is left out with words, because Google refuses the whole request for it', () => {
  const { identifiers, dropped } = identify({ email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace', country: 'GB' });
  expect(identifiers.map(({ type }) => type)).toEqual(['emailAddress']);
  expect(dropped.map(({ field }) => field)).toEqual(['firstName', 'lastName', 'country']);
  expect(dropped[0]?.reason).toContain('postal_code is missing');
});

test('names are hashed in lower case, country and post code go plain', () => {
  expect(identify(ADDRESS).identifiers.map(({ value }) => value)).toEqual([sha256('ada'), sha256('lovelace'), 'GB', 'SW1A 1AA']);
});

describe('a request', () => {
  const member = (...identifiers: [string, string][]): Member => ({ today: identifiers.map(([type, value]) => ({ type, value })), former: [] });
  const identifiersOf = (members: readonly Member[], operation: 'add' | 'remove' = 'add'): unknown[] => mapCall(operation, members).audienceMembers.map((one) => one.compositeData.userData.userIdentifiers);
  const settings = googleSettings.parse({ operating_account: '123-456-7890', login_account: '9876543210' });

  test('has one member for one person, with each identifier in an object of its own', () => {
    const person = member(['emailAddress', 'e'], ['phoneNumber', 'p'], ['givenName', 'g'], ['familyName', 'f'], ['regionCode', 'US'], ['postalCode', '94045']);
    expect(identifiersOf([person])).toEqual([[{ emailAddress: 'e' }, { phoneNumber: 'p' }, { address: { givenName: 'g', familyName: 'f', regionCode: 'US', postalCode: '94045' } }]]);
  });
  test('never says addressInfo, which is the name of another API, nor product, which is the old name of accountType', () => {
    const person = member(['givenName', 'g'], ['familyName', 'f'], ['regionCode', 'US'], ['postalCode', '94045']);
    const text = JSON.stringify(requestOf(settings, 'add', '1', mapCall('add', [person]).audienceMembers));
    expect(text).toContain('"address":{');
    expect(text).not.toMatch(/addressInfo|"product"/);
  });
  test('removes the set that the add sent, and the same with what was before', () => {
    const moved: Member = { today: [{ type: 'emailAddress', value: 'new' }, { type: 'phoneNumber', value: 'p' }], former: [{ type: 'emailAddress', value: 'old' }] };
    expect(identifiersOf([moved], 'remove')).toEqual([[{ emailAddress: 'new' }, { phoneNumber: 'p' }], [{ emailAddress: 'old' }, { phoneNumber: 'p' }]]);
    expect(identifiersOf([moved])).toEqual([[{ emailAddress: 'new' }, { phoneNumber: 'p' }]]);
  });
  test('has at most ten identifiers a member and 10,000 members, and never half a person', () => {
    const many = member(...Array.from({ length: 15 }, (_, index): [string, string] => ['emailAddress', `e${String(index)}`]));
    expect(identifiersOf([many]).map((one) => (one as unknown[]).length)).toEqual([IDENTIFIERS_PER_MEMBER, 5]);
    const call = mapCall('add', Array.from({ length: 6_000 }, () => many));
    expect(call.audienceMembers).toHaveLength(MEMBERS_PER_CALL);
    expect(call.carries).toHaveLength(5_000);
  });
  test('carries the consent of each person by itself, in this API\'s words', () => {
    const call = mapCall('add', [
      { ...member(['emailAddress', 'a']), consent: { ad_user_data: 'granted', ad_personalization: 'denied' } },
      { ...member(['emailAddress', 'b']), consent: { ad_user_data: 'granted' } },
      member(['emailAddress', 'c']),
    ]);
    expect(call.audienceMembers.map(({ consent }) => consent)).toEqual([{ adUserData: 'CONSENT_GRANTED', adPersonalization: 'CONSENT_DENIED' }, { adUserData: 'CONSENT_GRANTED' }, undefined]);
  });
  test('to add says that the terms are accepted; to remove has neither terms nor consent', () => {
    const members = mapCall('remove', [{ ...member(['emailAddress', 'a']), consent: { ad_user_data: 'granted' } }]).audienceMembers;
    expect(requestOf(settings, 'remove', '1', members)).toEqual({
      destinations: [{ operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '1234567890' }, loginAccount: { accountType: 'GOOGLE_ADS', accountId: '9876543210' }, productDestinationId: '1' }],
      audienceMembers: [{ compositeData: { userData: { userIdentifiers: [{ emailAddress: 'a' }] } } }],
      encoding: 'HEX',
    });
    expect(requestOf(settings, 'add', '1', members)).toMatchObject({ termsOfService: { customerMatchTermsOfServiceStatus: 'ACCEPTED' } });
  });
});
