/** Who an event is about: links, merges, moves. */
import { expect, test } from 'vitest';
import { aliasesOf, aliasKey, IdentityResolution, type Alias, type PersonIdentity } from '../../src/domain/identity.ts';

const nobodyKnown = (): IdentityResolution => {
  let count = 0;
  return new IdentityResolution({ owners: new Map(), persons: new Map(), newPersonId: () => `p${String(++count).padStart(3, '0')}` });
};
const personOf = (identity: IdentityResolution, aliases: readonly Alias[], occurredAt: number): string => identity.resolve(aliases, occurredAt).personId;
const shop = (person: { customerId?: string; cioId?: string; emailHash?: string }): Alias[] => aliasesOf(person, 'shop');

test('a lead who was known by e-mail and comes back as a customer is one person', () => {
  const identity = nobodyKnown();
  const lead = personOf(identity, shop({ emailHash: 'ada' }), 1);
  const customer = personOf(identity, shop({ customerId: 'c_1', emailHash: 'ada' }), 2);
  expect(customer).toBe(lead);
  expect(identity.merges).toEqual([]);
});

test('two persons whom one event links are merged, and both names find the survivor', () => {
  const identity = nobodyKnown();
  const customer = personOf(identity, shop({ customerId: 'c_1' }), 1);
  const lead = personOf(identity, shop({ emailHash: 'ada' }), 2);
  expect(lead).not.toBe(customer);
  expect(personOf(identity, shop({ customerId: 'c_1', emailHash: 'ada' }), 3)).toBe(customer);
  expect(identity.merges).toEqual([{ survivor: customer, loser: lead }]);
  expect(identity.survivorOf(lead)).toBe(customer);
  expect(personOf(identity, shop({ emailHash: 'ada' }), 4)).toBe(customer);
});

test('two customers who used one e-mail stay two; the e-mail goes to the newer event', () => {
  const identity = nobodyKnown();
  const first = personOf(identity, shop({ customerId: 'c_1', emailHash: 'family' }), 10);
  const second = personOf(identity, shop({ customerId: 'c_2', emailHash: 'family' }), 20);
  expect(second).not.toBe(first);
  expect(identity.merges).toEqual([]);
  expect(personOf(identity, shop({ emailHash: 'family' }), 21)).toBe(second);
});

test('an older event does not take an e-mail away from a newer one', () => {
  const identity = nobodyKnown();
  const first = personOf(identity, shop({ customerId: 'c_1', emailHash: 'family' }), 20);
  personOf(identity, shop({ customerId: 'c_2', emailHash: 'family' }), 10);
  expect(personOf(identity, shop({ emailHash: 'family' }), 21)).toBe(first);
});

test('at equal times the e-mail goes to the same customer in either order', () => {
  const owners = [['c_1', 'c_2'], ['c_2', 'c_1']].map((order) => {
    const identity = nobodyKnown();
    const ids = new Map(order.map((customerId) => [personOf(identity, shop({ customerId, emailHash: 'family' }), 10), customerId]));
    return ids.get(personOf(identity, shop({ emailHash: 'family' }), 11));
  });
  expect(owners[0]).toBe(owners[1]);
});

test('the same customer id in two shops is two persons', () => {
  const identity = nobodyKnown();
  const one = personOf(identity, aliasesOf({ customerId: 'c_1' }, 'us'), 1);
  expect(personOf(identity, aliasesOf({ customerId: 'c_1' }, 'eu'), 1)).not.toBe(one);
});

test('a person of the ledger who is named by an event keeps the row and gets the customer id', () => {
  const persons = new Map<string, PersonIdentity>([['p1', { personId: 'p1', people: 'shop', customerId: null }]]);
  const [email] = shop({ emailHash: 'ada' });
  if (!email) throw new Error('no alias');
  const identity = new IdentityResolution({ owners: new Map([[aliasKey(email), { personId: 'p1', claimedAt: 1 }]]), persons, newPersonId: () => 'p2' });
  expect(personOf(identity, shop({ customerId: 'c_1', emailHash: 'ada' }), 2)).toBe('p1');
  expect(identity.namedPersons).toEqual([{ personId: 'p1', people: 'shop', customerId: 'c_1' }]);
  expect(identity.createdPersons).toEqual([]);
});

test('an event says whose its e-mail was, or that it is another customer\'s', () => {
  const identity = nobodyKnown();
  const first = personOf(identity, shop({ customerId: 'c_1', emailHash: 'family' }), 10);
  expect(identity.resolve(shop({ customerId: 'c_2', emailHash: 'family' }), 20)).toMatchObject({ emailFrom: first });
  expect(identity.resolve(shop({ customerId: 'c_1', emailHash: 'family' }), 15)).toEqual({ personId: first, emailIsOthers: true });
  expect(identity.isContested).toBe(true);
});

test('an e-mail alone names whoever has it, and makes no claim of theirs newer', () => {
  const identity = nobodyKnown();
  const first = personOf(identity, shop({ customerId: 'c_1', emailHash: 'family' }), 10);
  expect(identity.resolve(shop({ emailHash: 'family' }), 30)).toEqual({ personId: first });
  const second = personOf(identity, shop({ customerId: 'c_2', emailHash: 'family' }), 20);
  expect(personOf(identity, shop({ emailHash: 'family' }), 31)).toBe(second);
});
