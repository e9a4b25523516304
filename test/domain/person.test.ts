/** What is known of a person at the platforms. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changesPushes, learnFromEvent, NOBODY, unitePersons } from '../../src/domain/person.ts';

const email = (value: string) => ({ meta: [{ type: 'EMAIL', value }] });
const seen = (value: string, occurredAt: number) => ({ person: { emailHash: value }, identifiers: email(value), occurredAt });

test('a new e-mail is today\'s, and the one before is kept for removals', () => {
  const known = learnFromEvent(learnFromEvent(NOBODY, seen('old', 1)), seen('new', 2));
  expect(known.today).toEqual(email('new'));
  expect(known.former).toEqual(email('old'));
});

test('a late event with an old e-mail does not replace the newer one', () => {
  const known = learnFromEvent(learnFromEvent(NOBODY, seen('new', 2)), seen('old', 1));
  expect(known.today).toEqual(email('new'));
  expect(known.former).toEqual(email('old'));
});

test('an event that teaches nothing returns the very same object', () => {
  const known = learnFromEvent(NOBODY, seen('ada', 1));
  expect(learnFromEvent(known, seen('ada', 2))).toBe(known);
  expect(changesPushes(known, known)).toBe(false);
});

test('what an event does not carry stays as it is', () => {
  const known = learnFromEvent(NOBODY, seen('ada', 1));
  expect(learnFromEvent(known, { person: { customerId: 'c' }, identifiers: { meta: [{ type: 'EXTERN_ID', value: 'c' }] }, occurredAt: 2 }).today['meta']).toHaveLength(2);
});

test('an e-mail that comes back is today\'s again and no longer a former one', () => {
  const known = ['a', 'b', 'a'].reduce((person, value, index) => learnFromEvent(person, seen(value, index)), NOBODY);
  expect([known.today, known.former]).toEqual([email('a'), email('b')]);
});

test('two persons found to be one keep everything that either ever went by', () => {
  const a = learnFromEvent(learnFromEvent(NOBODY, seen('a1', 1)), seen('a2', 3));
  const b = learnFromEvent(NOBODY, seen('b', 2));
  for (const united of [unitePersons(a, b), unitePersons(b, a)]) {
    expect(united.today).toEqual(email('a2'));
    expect(united.former['meta']?.map(({ value }) => value).toSorted()).toEqual(['a1', 'b']);
    expect(united.contacts.toSorted()).toEqual(['email:a1', 'email:a2', 'email:b']);
  }
});

test('the newest consent counts, in either order', () => {
  const granted = { ...seen('ada', 1), consent: { ad_user_data: 'granted' as const } };
  const denied = { ...seen('ada', 2), consent: { ad_user_data: 'denied' as const } };
  expect(learnFromEvent(learnFromEvent(NOBODY, granted), denied).consent).toEqual({ ad_user_data: 'denied', asOf: 2 });
  expect(learnFromEvent(learnFromEvent(NOBODY, denied), granted).consent).toEqual({ ad_user_data: 'denied', asOf: 2 });
});

test('the newest consent counts in any order, also when events without consent are newer; at equal times a denial does', () => {
  const event = fc.record({ occurredAt: fc.integer({ min: 1, max: 4 }), said: fc.constantFrom('granted' as const, 'denied' as const, undefined), who: fc.constantFrom('ada', 'bob') });
  const learnAll = (events: { occurredAt: number; said: 'granted' | 'denied' | undefined; who: string }[]) =>
    events.reduce((known, { occurredAt, said, who }) => learnFromEvent(known, { ...seen(who, occurredAt), ...(said ? { consent: { ad_user_data: said } } : {}) }), NOBODY).consent;
  fc.assert(
    fc.property(fc.array(event, { maxLength: 6 }).chain((events) => fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }))), ([events, shuffled]) => {
      const newest = events.filter(({ said }) => said).toSorted((a, b) => b.occurredAt - a.occurredAt || (a.said === 'denied' ? -1 : 1))[0];
      expect(learnAll(shuffled)?.ad_user_data).toBe(newest?.said);
    }),
  );
});
