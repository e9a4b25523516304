/** A replayed event is the same event: what is read of a kept body equals what the door would have made of it at once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventFromBody, type EventContext, type Understood } from '../../src/api/event-from-body.ts';
import { eventFromKept, describeKept, type Correction } from '../../src/api/event-from-kept.ts';
import { keepBody } from '../../src/api/keep-body.ts';
import { setFields } from '../../src/api/quarantine-request.ts';
import { catalog } from '../../src/destinations/catalog.ts';
import { identifyPerson } from '../../src/destinations/identify-person.ts';
import { sha256 } from '../../src/destinations/user-data.ts';
import type { HeadgateEvent, JsonObject } from '../../src/domain/event.ts';
import { entryOfEvent, type QuarantineEntry } from '../../src/domain/quarantine.ts';
import { CART, makeBody, makeEvent } from '../support/events.ts';

const NOW = 1_764_000_100_000;
const door: EventContext = {
  source: 'shop',
  people: 'shop',
  phoneCountry: 'DE',
  receivedAt: NOW,
  hasAudience: (key) => key === CART,
  identify: (person) => identifyPerson(person, [...catalog.values()]),
};
const later = { source: { people: 'shop', phoneCountry: 'DE' }, hasAudience: door.hasAudience, identify: door.identify };

/** What the door keeps of a text that it refuses. */
function entryFor(text: string, context = door): QuarantineEntry {
  const understood = eventFromBody(text, context);
  const { problems, eventId } = 'problems' in understood ? understood : { problems: [], eventId: understood.event.eventId };
  const entry: QuarantineEntry = { ...keepBody(text, context), receivedAt: NOW, reason: 'invalid', problems, ...(eventId === undefined ? {} : { eventId }) };
  // As Temporal and Postgres carry it.
  return JSON.parse(JSON.stringify(entry)) as QuarantineEntry;
}
const keep = (overrides: Record<string, unknown>): QuarantineEntry => entryFor(JSON.stringify(makeBody(overrides)));
const replay = (entry: QuarantineEntry, correct?: Correction): Understood => eventFromKept(entry, later, correct);
function eventOf(understood: Understood): HeadgateEvent {
  if (!('event' in understood)) throw new Error(JSON.stringify(understood.problems));
  return understood.event;
}
const problemsOf = (understood: Understood): string[] => ('problems' in understood ? understood.problems.map(({ path, message }) => `${path}: ${message}`) : []);
/** Whose order does not matter in order. */
const canonical = (understood: Understood): unknown => {
  if ('problems' in understood) return { problems: [...new Set(understood.problems.map(({ path }) => path.split('.')[0]))].toSorted() };
  const { identifiers, eventId, ...rest } = understood.event;
  const sorted = Object.entries(identifiers).map(([platform, made]) => [platform, made.map(({ type, value }) => `${type} ${value}`).toSorted()]);
  return JSON.parse(JSON.stringify({ ...rest, eventId: rest.test ? 'test' : eventId, identifiers: Object.fromEntries(sorted) as object })) as unknown;
};

/** The first ones are good; with as many mistakes as texts no body would be an event. */
const mostly = <T>(good: number, ...all: T[]): fc.Arbitrary<T> => fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...all.slice(0, good)) }, { weight: 1, arbitrary: fc.constantFrom(...all) });
const email = mostly<unknown>(5, 'ada.love.lace+x@gmail.com', ' Ada@Example.com ', 'ada@example.com', sha256('ada@example.com'), sha256('ada@example.com').toUpperCase(), 'no address', '', null, 7, { a: 1 }, `${'a'.repeat(400)}@x.de`);
const phone = mostly<unknown>(4, '+1 (555) 123-4567', '030 901820', '5551234567', 15551234567, 'no phone', '', null, ['x'], '0'.repeat(70));
const id = mostly<unknown>(9, 'c_1', 'Ada@Example.com', 'user-Ada.L@example.com', '+1 (555) 123-4567', '030 901820', 42, `sha256:${sha256('x')}`, '', null, 'c\u0000', '\ud800', 1e20);
const profile = mostly<unknown>(
  3,
  { first_name: 'Ada', last_name: 'Lovelace', country: 'US', postal_code: '94105-1234', city: 'San Francisco', birth_date: '1990-12-31', gender: 'f', mobile_ad_id: '6D92078A-8246-4BA4-AE5B-76104861E7DC' },
  { country: 'us' },
  { mobile_ad_id: '6d92078a-8246-4ba4-ae5b-76104861e7dc' },
  { first_name: { not: 'a text' } },
  'no profile',
  '',
  null,
);
const eventId = mostly<unknown>(8, 'a-delivery-id', 'cart-030901820', 'cart-15551234567-1', `sha256:${sha256('x')}`, 99, 'unsent', '', null, 'cart-ada@example.com', 'a/b', 'x'.repeat(250));
const context = fc.constantFrom<JsonObject[]>({ campaign_id: 7, delivery_id: 'd1', note: 'Hi ada@example.com, ring 030 901820 or +1 (555) 123-4567' }, { step_id: 's', n: [5551234567, 15551234567] }, { deep: { deeper: [{ to: 'Ada@Example.com' }] } }, {});
const bodies = fc.record(
  { schema_version: mostly<unknown>(2, 1, '1', 2), event_id: eventId, event: mostly(2, 'cio.audience_add', 'cio.exposure', 'cio.nothing'), audience_key: mostly(2, CART, ` ${CART} `, ''), timestamp: mostly<unknown>(5, 1_764_000_000, '1764000000', 1_764_000_000_123, NOW / 1_000 + 86_400, null, 'soon'), customer_id: id, cio_id: id, email, phone, profile, context, attributes: context, consent: fc.constantFrom({ ad_user_data: 'granted' }, null) },
  { requiredKeys: ['schema_version', 'event', 'audience_key'] },
);

test('whatever a body holds, reading the kept one gives what the door would have given', () => {
  let events = 0;
  fc.assert(
    fc.property(bodies, (body) => {
      const text = JSON.stringify(body);
      const atTheDoor = eventFromBody(text, door);
      if ('event' in atTheDoor) events++;
      expect(canonical(replay(entryFor(text)))).toEqual(canonical(atTheDoor));
    }),
    { numRuns: 1_000 },
  );
  expect(events).toBeGreaterThan(100);
}, 60_000);

test('a context of any form is the same event, however deep', () => {
  const anything = fc.letrec<{ value: unknown }>((tie) => ({ value: fc.oneof({ maxDepth: 40 }, fc.constantFrom('x', 'ada@example.com', '+15551234567', 1, null), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(fc.constantFrom('a', 'b', 'ada@example.com'), tie('value'), { maxKeys: 3 })) })).value;
  const deep = (levels: number): unknown => (levels === 0 ? 'ada@example.com' : { in: deep(levels - 1) });
  fc.assert(
    fc.property(fc.oneof(anything, fc.integer({ min: 25, max: 40 }).map(deep)), (value) => {
      const text = JSON.stringify(makeBody({ context: { value }, attributes: { value } }));
      expect(canonical(replay(entryFor(text)))).toEqual(canonical(eventFromBody(text, door)));
    }),
  );
});

describe('who it is', () => {
  const nobody = { customer_id: undefined, cio_id: undefined, phone: undefined };
  test('somebody known by e-mail only keeps the identifiers of each platform, also where it normalises in its own way', () => {
    const entry = keep({ ...nobody, email: 'Ada.Lovelace+cart@gmail.com', audience_key: CART });
    expect(JSON.stringify(entry)).not.toMatch(/lovelace/i);
    const { person, identifiers } = eventOf(replay(entry));
    expect(person).toEqual({ emailHash: sha256('ada.lovelace+cart@gmail.com') });
    expect(identifiers['meta']).toEqual([{ type: 'EMAIL', value: sha256('ada.lovelace+cart@gmail.com') }]);
    expect(identifiers['google']).toEqual([{ type: 'emailAddress', value: sha256('adalovelace@gmail.com') }]);
  });
  test('an e-mail that came as SHA-256 is not hashed once more', () => {
    expect(eventOf(replay(keep({ ...nobody, email: sha256('ada@example.com') }))).person.emailHash).toBe(sha256('ada@example.com'));
  });
  test('a corrected field is read as at the door, the others stay', () => {
    const event = eventOf(replay(keep({ customer_id: undefined, email: 'ada@gmail', cio_id: undefined, phone: '+1 555 123 4567' }), setFields({ email: 'Ada@Example.com' })));
    expect(event.person).toEqual({ emailHash: sha256('ada@example.com'), phoneHash: sha256('+15551234567') });
    expect(event.identifiers['meta']?.map(({ value }) => value).toSorted()).toEqual([sha256('15551234567'), sha256('ada@example.com')].toSorted());
  });
  test('a field that is taken out is gone', () => {
    expect(eventOf(replay(keep({}), setFields({ email: null, phone: '' }))).person).toEqual({ customerId: 'c_123', cioId: 'd9c106000001' });
  });
  test('what stands for another entry\'s person is not taken for an address', () => {
    const elsewhere = `sha256:${sha256('somebody@example.com')}`;
    expect(problemsOf(replay(keep({}), setFields({ email: elsewhere, phone: elsewhere, profile: '…' })))).toEqual([
      expect.stringMatching(/^email: stands for a value that was not kept/),
      expect.stringMatching(/^phone: stands/),
      expect.stringMatching(/^profile: stands/),
    ]);
  });
  test('is shown with the kinds of identifiers, per platform', () => {
    const { claim, identifiers } = describeKept(keep({ profile: { country: 'US' } }), door.identify);
    expect(claim).toMatchObject({ customerId: 'c_123', emailHash: sha256('ada@example.com') });
    expect(identifiers['meta']?.map(({ type }) => type).toSorted()).toEqual(['COUNTRY', 'EMAIL', 'EXTERN_ID', 'PHONE']);
  });
});

describe('the id', () => {
  test('is derived as it would have been, also from an e-mail', () => {
    const lone = { event_id: undefined, customer_id: undefined, cio_id: undefined };
    expect(eventOf(replay(keep(lone))).eventId).toBe(eventOf(eventFromBody(JSON.stringify(makeBody(lone)), door)).eventId);
  });
  test('is itself again when redaction has changed it', () => {
    const entry = keep({ event_id: 'cart-030901820', phone: '030901820' });
    expect(entry.body).not.toContain('030901820');
    expect(eventOf(replay(entry)).eventId).toBe('cart-030901820');
  });
  test('that held an e-mail is not replaced by its hash, which would be the same for several events', () => {
    const entry = keep({ event_id: 'ada@example.com' });
    expect(problemsOf(replay(entry))).toEqual([expect.stringMatching(/^event_id: held personal data/)]);
    expect(eventOf(replay(entry, setFields({ event_id: null }))).eventId).toMatch(/^derived-/);
  });
  test('that was too long is not cut', () => {
    expect(problemsOf(replay(keep({ event_id: 'x'.repeat(250) })))).toEqual([expect.stringMatching(/^event_id: must be 1 to 200/)]);
  });
});

describe('times', () => {
  test('without a timestamp it happened when the webhook came, not when it is replayed', () => {
    expect(eventOf(replay(keep({ timestamp: undefined })))).toMatchObject({ occurredAt: NOW, receivedAt: NOW });
  });
  test('a time too far ahead is clamped to when the webhook came', () => {
    expect(eventOf(replay(keep({ timestamp: NOW / 1_000 + 3_600 })))).toMatchObject({ occurredAt: NOW, claimedAt: NOW + 3_600_000 });
  });
});

test('the people are those of when it came, also when the registry has moved the source since, or lost it', () => {
  const moved = { ...later, source: { people: 'elsewhere' } };
  expect(eventOf(eventFromKept(keep({}), moved))).toMatchObject({ people: 'shop' });
  expect(eventOf(eventFromKept(keep({}), { ...later, source: undefined }))).toMatchObject({ people: 'shop', source: 'shop' });
});

test('a body that is no JSON needs a whole one, in which the kept e-mail and phone still mean the person', () => {
  const entry = entryFor('{"schema_version": 1, "event": "cio.audience_add", "audience_key": "cart_v9", "event_id": "e1", "email": "Ada.L@gmail.com", "phone": "+1 555 123 4567", "context": {"campaign_name": "say "hi""}}');
  expect(entry).toMatchObject({ eventName: 'cio.audience_add', audienceKey: 'cart_v9' });
  expect(problemsOf(replay(entry))).toEqual([expect.stringMatching(/not JSON: replay it with a whole body/)]);
  expect(problemsOf(replay(entry, setFields({ audience_key: CART })))).toEqual([expect.stringMatching(/no field of it can be set/)]);
  const mended = JSON.parse(entry.body.replace('say "hi"', 'say hi').replace('cart_v9', CART)) as JsonObject;
  const event = eventOf(replay(entry, () => ({ body: mended })));
  expect(event.person).toEqual({ emailHash: sha256('ada.l@gmail.com'), phoneHash: sha256('+15551234567') });
  expect(event.identifiers['google']?.map(({ value }) => value)).toContain(sha256('adal@gmail.com'));
});

test('personal data in a corrected body is hashed as at the door', () => {
  const event = eventOf(replay(keep({}), () => ({ body: makeBody({ email: 'bob@example.com', context: { note: 'wrote to bob@example.com' } }) as JsonObject })));
  expect(JSON.stringify(event)).not.toContain('bob@');
  expect(event.person.emailHash).toBe(sha256('bob@example.com'));
});

describe('an event that came by the lifeboat', () => {
  const event = eventOf(eventFromBody(JSON.stringify(makeBody({ timestamp: NOW / 1_000 + 3_600, profile: { mobile_ad_id: '6d92078a-8246-4ba4-ae5b-76104861e7dc', first_name: 'Ada' } })), door));
  const entry = entryOfEvent(event, 'conflict', { path: 'event_id', message: 'known' });
  test('reads like a webhook and is the same event', () => {
    expect(JSON.parse(entry.body)).toMatchObject({ schema_version: 1, event: 'cio.audience_add', audience_key: CART, customer_id: 'c_123', email: `sha256:${sha256('ada@example.com')}` });
    expect(canonical(replay(entry))).toEqual(canonical({ event }));
  });
  test('is corrected like one', () => {
    expect(eventOf(replay(entry, setFields({ event_id: 'another' })))).toEqual({ ...eventOf(replay(entry)), eventId: 'another' });
  });
  test('that was a test send stays one', () => {
    const unsent = eventOf(eventFromBody(JSON.stringify(makeBody({ event_id: 'unsent' })), door));
    expect(eventOf(replay(entryOfEvent(unsent, 'invalid', { path: '', message: 'x' })))).toMatchObject({ test: true, eventId: expect.stringMatching(/^test~/) as string });
  });
});

describe('entries of older versions', () => {
  const old = (entry: QuarantineEntry): QuarantineEntry => {
    const { source, receivedAt, reason, eventId: known, problems, body } = entry;
    return { source, receivedAt, reason, problems, body, ...(known === undefined ? {} : { eventId: known }) };
  };
  test('keep the person by id and by the hash of the e-mail; phone and profile are gone', () => {
    const event = eventOf(replay(old(keep({ profile: { first_name: 'Ada' } }))));
    expect(event.person).toEqual({ customerId: 'c_123', cioId: 'd9c106000001', emailHash: sha256('ada@example.com') });
    expect(event.identifiers['meta']).toContainEqual({ type: 'EMAIL', value: sha256('ada@example.com') });
  });
  test('of a lifeboat hold the event itself', () => {
    const event = makeEvent({ source: 'shop', people: 'shop', receivedAt: NOW, occurredAt: NOW - 5_000 });
    const entry: QuarantineEntry = { source: 'shop', receivedAt: NOW, reason: 'conflict', eventId: event.eventId, problems: [], body: JSON.stringify(event) };
    expect(canonical(replay(entry))).toMatchObject(canonical({ event }) as object);
  });
  test('a body that only looks like such an event is not believed when it names another source or was posted lately', () => {
    const forged = JSON.stringify(makeEvent({ source: 'another', people: 'another' }));
    expect(problemsOf(replay({ source: 'shop', receivedAt: NOW, reason: 'invalid', problems: [], body: forged })).length).toBeGreaterThan(0);
    expect(problemsOf(replay(entryFor(JSON.stringify(makeEvent({ source: 'shop', people: 'shop' }))))).length).toBeGreaterThan(0);
  });
});
