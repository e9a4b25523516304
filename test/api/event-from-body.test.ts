/** From a body to an event: what is accepted, what is refused and how that is said, what is hashed. */
import { describe, expect, test } from 'vitest';
import { eventFromBody, type EventContext, type Understood } from '../../src/api/event-from-body.ts';
import { catalog } from '../../src/destinations/catalog.ts';
import { identifyPerson } from '../../src/destinations/identify-person.ts';
import { sha256 } from '../../src/destinations/user-data.ts';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { CART, makeBody } from '../support/events.ts';

const NOW = 1_764_000_100_000;
const context: EventContext = { source: 'shop', people: 'shop', receivedAt: NOW, hasAudience: (key) => key === CART, identify: (person) => identifyPerson(person, [...catalog.values()]) };
const read = (overrides: Record<string, unknown>): Understood => eventFromBody(JSON.stringify(makeBody(overrides)), context);
function eventOf(overrides: Record<string, unknown> = {}): HeadgateEvent {
  const understood = read(overrides);
  if (!('event' in understood)) throw new Error(JSON.stringify(understood.problems));
  return understood.event;
}
function problemsOf(raw: Record<string, unknown> | string): string[] {
  const understood = typeof raw === 'string' ? eventFromBody(raw, context) : read(raw);
  return 'problems' in understood ? understood.problems.map(({ path, message }) => `${path}: ${message}`) : [];
}

test('a body as the template writes it is an event, with nothing in the clear but the customer\'s own ids', () => {
  const event = eventOf();
  expect(event).toMatchObject({ eventId: 'RPILAgUBcRhIBqSfeiIwdIYJKxTY', name: 'cio.audience_add', audienceKey: CART, occurredAt: 1_764_000_000_000, receivedAt: NOW });
  expect(event.person).toMatchObject({ customerId: 'c_123', cioId: 'd9c106000001', emailHash: sha256('ada@example.com'), phoneHash: sha256('+15551234567') });
  expect(JSON.stringify(event)).not.toMatch(/ada@|5551234567/);
});

test('an exposure may have a name, without contacts in it', () => {
  expect(eventOf({ event: 'cio.exposure', exposure: 'journey_entered' }).exposure).toBe('journey_entered');
  expect(eventOf({ event: 'cio.exposure', exposure: 'mail to ada@example.com' }).exposure).not.toContain('ada@');
  expect(eventOf({ exposure: 'journey_entered' }).exposure).toBeUndefined();
});

test('a phone, e-mail and profile that come hashed are taken as they are, not refused for their length', () => {
  const hashed = { phone: sha256('+15551234567').toUpperCase(), email: sha256('ada@example.com'), profile: { postal_code: sha256('94105'), gender: sha256('f'), country: sha256('us'), birth_date: sha256('19901231') } };
  expect(problemsOf(hashed)).toEqual([]);
  expect(eventOf(hashed).person).toMatchObject({ emailHash: sha256('ada@example.com'), phoneHash: sha256('+15551234567') });
});

test('every mistake is listed at once, with its path', () => {
  const problems = problemsOf({ schema_version: 2, event: 'cio.audience_ad', audience_key: 'nope_v1', timestamp: 'soon', customer_id: undefined, email: undefined, cio_id: undefined, profile: 'x' });
  expect(problems.map((problem) => problem.split(':')[0]).toSorted()).toEqual(['audience_key', 'customer_id', 'event', 'profile', 'schema_version', 'timestamp']);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ['an audience that does not exist', { audience_key: 'high_intent_cart_7d_v2' }, /audience_key: .*not an audience of headgate\.yaml/],
  ['no audience', { audience_key: '' }, /audience_key: is missing/],
  ['nobody', { customer_id: '', cio_id: null, email: ' ' }, /customer_id: the person is missing/],
  ['an e-mail that is none, and nobody else', { customer_id: '', cio_id: null, email: 'ada' }, /email: is not an e-mail address/],
  ['a slash in the event id', { event_id: 'a/b' }, /event_id: must be 1 to 200/],
  ['an e-mail in the event id', { event_id: 'cart-ada@example.com' }, /event_id: must not hold an e-mail/],
  ['neither an event id nor a time', { event_id: undefined, timestamp: undefined }, /event_id: is missing/],
  ['a customer id that lost digits as a number', { customer_id: 1e20 }, /customer_id: must be text/],
  ['control characters', { customer_id: 'c\u00001' }, /customer_id: contains control characters/],
  ['a negative time', { timestamp: -1 }, /timestamp: must not lie before 1970/],
  ['a consent in other words', { consent: { ad_user_data: 'yes' } }, /consent\.ad_user_data: must be granted or denied/],
])('%s is refused', (_name, overrides, problem) => {
  expect(problemsOf(overrides).join('\n')).toMatch(problem);
});

test.each(['', '[]', '"text"', 'null', '{', '{"a": {{customer.id}} }'])('%j is not a webhook', (raw) => {
  expect(problemsOf(raw)).toHaveLength(1);
});

test('the message about broken JSON does not quote the body', () => {
  expect(problemsOf('{"email": "ada@example.com" "x"}').join()).not.toContain('ada');
});

test('unknown fields are ignored, and __proto__ does nothing', () => {
  const understood = eventFromBody(`${JSON.stringify(makeBody()).slice(0, -1)},"extra":{"a":1},"__proto__":{"test":true}}`, context);
  expect('event' in understood && understood.event).toMatchObject({ eventId: 'RPILAgUBcRhIBqSfeiIwdIYJKxTY' });
  expect('event' in understood && understood.event.test).toBeUndefined();
});

describe('what Liquid makes of missing values', () => {
  test('empty texts are absent', () => {
    const event = eventOf({ phone: '', cio_id: '', profile: '', consent: null, context: '', attributes: null });
    expect(event.person).toEqual({ customerId: 'c_123', emailHash: sha256('ada@example.com') });
  });
  test('numbers are as good as texts', () => {
    expect(eventOf({ customer_id: 42, timestamp: '1764000000' })).toMatchObject({ person: { customerId: '42' }, occurredAt: 1_764_000_000_000 });
  });
  test('milliseconds are understood', () => {
    expect(eventOf({ timestamp: 1_764_000_000_123 }).occurredAt).toBe(1_764_000_000_123);
  });
});

test('a time too far ahead is clamped and kept as claimed', () => {
  expect(eventOf({ timestamp: NOW / 1_000 + 3_600 })).toMatchObject({ occurredAt: NOW, claimedAt: NOW + 3_600_000 });
});

describe('a derived event id', () => {
  const derived = (overrides: Record<string, unknown> = {}): string => eventOf({ event_id: undefined, ...overrides }).eventId;
  test('is the same for the same body, also when it arrives later', () => {
    expect(derived()).toMatch(/^derived-[0-9a-f]{40}$/);
    expect(eventFromBody(JSON.stringify(makeBody({ event_id: undefined })), { ...context, receivedAt: NOW + 1_000 })).toMatchObject({ event: { eventId: derived() } });
  });
  test('differs by person, audience action, delivery and time', () => {
    const ids = [derived(), derived({ customer_id: 'c_2' }), derived({ event: 'cio.audience_remove' }), derived({ timestamp: 1_764_000_001 }), derived({ context: { delivery_id: 'other' } })];
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('an e-mail address as customer id becomes one hashed id', () => {
  expect(eventOf({ customer_id: 'Ada@example.com' }).person.customerId).toBe(`sha256:${sha256('Ada@example.com')}`);
});

test('personal data in context and attributes is hashed, wherever it stands', () => {
  const event = eventOf({ context: { note: 'mail ada@example.com or +1 555 123 4567', delivery_id: 'd' }, attributes: { deep: [{ to: 'Bob <bob@example.com>' }], order: '15551234567' } });
  const text = JSON.stringify([event.context, event.attributes]);
  expect(text).not.toMatch(/ada@|bob@|555 123/);
  expect(text).toContain('15551234567');
});

test.each([{ event_id: 'unsent' }, { context: { delivery_id: 'unsent' } }])('a test send of Customer.io is marked and gets an id of its own (%#)', (overrides) => {
  expect(eventOf(overrides)).toMatchObject({ test: true });
  expect(eventOf(overrides).eventId).not.toBe(eventOf(overrides).eventId);
});

test('a body that grows beyond what Temporal takes, because so much in it is hashed, is refused with the reason', () => {
  const problems = problemsOf({ attributes: { note: 'a@b.cc '.repeat(30_000) } });
  expect(problems).toHaveLength(1);
  expect(read({ attributes: { note: 'a@b.cc '.repeat(30_000) } })).toMatchObject({ problems: [{ message: expect.stringContaining('are too long once') as unknown }] });
  expect(problemsOf({ attributes: { note: 'x'.repeat(250_000) } })).toEqual([]);
});
