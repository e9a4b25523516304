/** What is known of a person at the platforms. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changesPushes, learnFromEvent, loseEmail, NOBODY, unitePersons } from '../../src/domain/person.ts';
import { holds } from '../support/property.ts';

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

test('an e-mail that is another\'s is no longer pushed but still removed; what else the other goes by may be shared', () => {
  const given = { meta: [{ type: 'EMAIL', value: 'ada' }, { type: 'PHONE', value: '1' }], google: [{ type: 'emailAddress', value: 'ada' }] };
  const known = learnFromEvent(NOBODY, { person: { emailHash: 'ada', phoneHash: '1' }, identifiers: given, occurredAt: 1 });
  const left = loseEmail(known, given);
  expect(left.today).toEqual({ meta: [{ type: 'PHONE', value: '1' }], google: [] });
  expect(left.former).toMatchObject({ meta: [{ type: 'EMAIL', value: 'ada' }], google: [{ type: 'emailAddress', value: 'ada' }] });
  expect(left.contacts).toEqual(known.contacts);
  expect(loseEmail(left, given)).toBe(left);
});

test('an e-mail that changes now and then, and never back, is today\'s in any order of arrival', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 8 });
  await holds(fc.property(times.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length }))), ([given, shuffled]) => {
    const name = (time: number): string => `address ${String(Math.floor(time / 10))}`;
    const known = shuffled.reduce((person, time) => learnFromEvent(person, seen(name(time), time)), NOBODY);
    expect(known.today).toEqual(email(name(Math.max(...given))));
  }));
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

test('of two persons found to be one the newest consent counts, whoever was heard of last', () => {
  const silent = learnFromEvent(learnFromEvent(NOBODY, { ...seen('a', 1), consent: { ad_user_data: 'granted' } }), seen('b', 5));
  const refusing = learnFromEvent(NOBODY, { ...seen('c', 3), consent: { ad_user_data: 'denied' } });
  for (const united of [unitePersons(silent, refusing), unitePersons(refusing, silent)]) expect(united.consent).toEqual({ ad_user_data: 'denied', asOf: 3 });
});

test('the newest consent counts, in either order', () => {
  const granted = { ...seen('ada', 1), consent: { ad_user_data: 'granted' as const } };
  const denied = { ...seen('ada', 2), consent: { ad_user_data: 'denied' as const } };
  expect(learnFromEvent(learnFromEvent(NOBODY, granted), denied).consent).toEqual({ ad_user_data: 'denied', asOf: 2 });
  expect(learnFromEvent(learnFromEvent(NOBODY, denied), granted).consent).toEqual({ ad_user_data: 'denied', asOf: 2 });
});

test('the newest consent counts in any order, also when events without consent are newer; at equal times a denial does', async () => {
  const event = fc.record({ occurredAt: fc.integer({ min: 1, max: 4 }), said: fc.constantFrom('granted' as const, 'denied' as const, undefined), who: fc.constantFrom('ada', 'bob') });
  const learnAll = (events: { occurredAt: number; said: 'granted' | 'denied' | undefined; who: string }[]) =>
    events.reduce((known, { occurredAt, said, who }) => learnFromEvent(known, { ...seen(who, occurredAt), ...(said ? { consent: { ad_user_data: said } } : {}) }), NOBODY).consent;
  await holds(
    fc.property(fc.array(event, { maxLength: 6 }).chain((events) => fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }))), ([events, shuffled]) => {
      const newest = events.filter(({ said }) => said).toSorted((a, b) => b.occurredAt - a.occurredAt || (a.said === 'denied' ? -1 : 1))[0];
      expect(learnAll(shuffled)?.ad_user_data).toBe(newest?.said);
    }),
  );
});
