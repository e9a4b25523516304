/** Who an event is about: links, merges, moves. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aliasesOf, aliasKey, IdentityResolution, type Alias, type PersonIdentity } from '../../src/domain/identity.ts';

const nobodyKnown = (): IdentityResolution => {
  let count = 0;
  return new IdentityResolution({ owners: new Map(), persons: new Map(), newPersonId: () => `p${String(++count).padStart(3, '0')}` });
};
const shop = (person: { customerId?: string; cioId?: string; emailHash?: string }): Alias[] => aliasesOf(person, 'shop');

test('a lead who was known by e-mail and comes back as a customer is one person', () => {
  const identity = nobodyKnown();
  const lead = identity.resolve(shop({ emailHash: 'ada' }), 1);
  const customer = identity.resolve(shop({ customerId: 'c_1', emailHash: 'ada' }), 2);
  expect(customer).toBe(lead);
  expect(identity.merges).toEqual([]);
});

test('two persons whom one event links are merged, and both names find the survivor', () => {
  const identity = nobodyKnown();
  const customer = identity.resolve(shop({ customerId: 'c_1' }), 1);
  const lead = identity.resolve(shop({ emailHash: 'ada' }), 2);
  expect(lead).not.toBe(customer);
  expect(identity.resolve(shop({ customerId: 'c_1', emailHash: 'ada' }), 3)).toBe(customer);
  expect(identity.merges).toEqual([{ survivor: customer, loser: lead }]);
  expect(identity.survivorOf(lead)).toBe(customer);
  expect(identity.resolve(shop({ emailHash: 'ada' }), 4)).toBe(customer);
});

test('two customers who used one e-mail stay two; the e-mail goes to the newer event', () => {
  const identity = nobodyKnown();
  const first = identity.resolve(shop({ customerId: 'c_1', emailHash: 'family' }), 10);
  const second = identity.resolve(shop({ customerId: 'c_2', emailHash: 'family' }), 20);
  expect(second).not.toBe(first);
  expect(identity.merges).toEqual([]);
  expect(identity.resolve(shop({ emailHash: 'family' }), 21)).toBe(second);
});

test('an older event does not take an e-mail away from a newer one', () => {
  const identity = nobodyKnown();
  const first = identity.resolve(shop({ customerId: 'c_1', emailHash: 'family' }), 20);
  identity.resolve(shop({ customerId: 'c_2', emailHash: 'family' }), 10);
  expect(identity.resolve(shop({ emailHash: 'family' }), 21)).toBe(first);
});

test('at equal times the e-mail goes to the same customer in either order', () => {
  const owners = [['c_1', 'c_2'], ['c_2', 'c_1']].map((order) => {
    const identity = nobodyKnown();
    const ids = new Map(order.map((customerId) => [identity.resolve(shop({ customerId, emailHash: 'family' }), 10), customerId]));
    return ids.get(identity.resolve(shop({ emailHash: 'family' }), 11));
  });
  expect(owners[0]).toBe(owners[1]);
});

test('the same customer id in two shops is two persons', () => {
  const identity = nobodyKnown();
  const one = identity.resolve(aliasesOf({ customerId: 'c_1' }, 'us'), 1);
  expect(identity.resolve(aliasesOf({ customerId: 'c_1' }, 'eu'), 1)).not.toBe(one);
});

test('a person of the ledger who is named by an event keeps the row and gets the customer id', () => {
  const persons = new Map<string, PersonIdentity>([['p1', { personId: 'p1', people: 'shop', customerId: null }]]);
  const [email] = shop({ emailHash: 'ada' });
  if (!email) throw new Error('no alias');
  const identity = new IdentityResolution({ owners: new Map([[aliasKey(email), { personId: 'p1', claimedAt: 1 }]]), persons, newPersonId: () => 'p2' });
  expect(identity.resolve(shop({ customerId: 'c_1', emailHash: 'ada' }), 2)).toBe('p1');
  expect(identity.namedPersons).toEqual([{ personId: 'p1', people: 'shop', customerId: 'c_1' }]);
  expect(identity.createdPersons).toEqual([]);
});

/** Without customer ids nothing can move, so links alone decide who is who. */
const claims = fc.array(
  fc.record({ cioId: fc.constantFrom('a', 'b', 'c', undefined), emailHash: fc.constantFrom('x', 'y', 'z', undefined) }).filter(({ cioId, emailHash }) => (cioId ?? emailHash) !== undefined),
  { minLength: 1, maxLength: 6 },
);

function groupsAfter(order: readonly { cioId?: string | undefined; emailHash?: string | undefined }[]): string {
  const identity = nobodyKnown();
  const claim = (given: (typeof order)[number]): Alias[] =>
    shop({ ...(given.cioId === undefined ? {} : { cioId: given.cioId }), ...(given.emailHash === undefined ? {} : { emailHash: given.emailHash }) });
  order.forEach((given, time) => identity.resolve(claim(given), time));
  const groups = new Map<string, string[]>();
  for (const alias of identity.changedAliases) groups.set(alias.personId, [...(groups.get(alias.personId) ?? []), `${alias.kind}:${alias.value}`]);
  return [...groups.values()].map((group) => group.toSorted().join(',')).toSorted().join(' | ');
}

test('any order of links between aliases ends with the same persons', () => {
  fc.assert(
    fc.property(
      claims.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length }))),
      ([given, shuffled]) => {
        expect(groupsAfter(shuffled)).toBe(groupsAfter(given));
      },
    ),
  );
});
