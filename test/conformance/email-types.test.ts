/** An e-mail belongs to one person at a time, so the rules must know by its type what is made of one, at any platform. */
import { describe, expect, test } from 'vitest';
import { catalog } from '../../src/destinations/catalog.ts';
import { isOfEmail, type RawPerson } from '../../src/domain/identifiers.ts';

const WITHOUT_EMAIL: RawPerson = {
  customerId: 'c_1',
  phone: '+15551234567',
  firstName: 'Ada',
  lastName: 'Lovelace',
  country: 'US',
  region: 'CA',
  city: 'San Francisco',
  postalCode: '94105',
  birthDate: '1990-12-31',
  gender: 'f',
  mobileAdId: '38400000-8cf0-11bd-b23e-10b96e40000d',
};

describe.each([...catalog])('%s', (_, platform) => {
  const typesOf = (person: RawPerson) => {
    const { identifiers, variants = [] } = platform.identify(person);
    return [...identifiers, ...variants];
  };
  test('names the types of what it makes of an e-mail so that they say so', () => {
    const made = typesOf({ email: 'Ada+shop@Example.com' });
    expect(made.length).toBeGreaterThan(0);
    for (const identifier of made) expect(isOfEmail(identifier), identifier.type).toBe(true);
  });
  test('and no others', () => {
    for (const identifier of typesOf(WITHOUT_EMAIL)) expect(isOfEmail(identifier), identifier.type).toBe(false);
  });
});
