/** Deciding, on a real Postgres. What the rules are is proved in test/domain; here it is what the ledger makes of them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { CART, CROSS_SELL, DAY, makeEvent, person } from '../support/events.ts';
import { startLedger, type TestLedger } from '../support/ledger.ts';

let started: TestLedger;
let database: TestLedger['database'];
let ledger: TestLedger['ledger'];
beforeAll(async () => {
  started = await startLedger();
  ({ database, ledger } = started);
});
afterAll(() => started.stop());

const apply = async (...events: HeadgateEvent[]) => (await ledger.applyEvents(events.map((event) => ({ kind: 'event', event })))).outcomes;
const one = async (event: HeadgateEvent) => (await apply(event))[0];
let people = 0;
const somebody = () => person(`somebody-${String(++people)}`);

test('an add is decided, with its window, an exposure, a pending delivery and an outbox entry', async () => {
  const event = makeEvent({ ...somebody(), context: { campaign_id: 7, campaign_name: 'Cart' } });
  expect(await one(event)).toMatchObject({ kind: 'decided', decision: { status: 'applied', audience: 'in', until: event.occurredAt + 7 * DAY } });
  const [exposure] = await database.query('select * from exposures where event_id = $1', [event.eventId]);
  expect(exposure).toMatchObject({ campaign_id: '7', campaign_name: 'Cart', status: 'applied', audience_key: CART });
  expect(await database.query('select wanted, status from deliveries where person_id = (select person_id from events where event_id = $1)', [event.eventId])).toEqual([
    { wanted: 'in', status: 'pending' },
  ]);
  expect(await database.query('select action from outbox where event_id = $1', [event.eventId])).toEqual([{ action: 'start' }]);
});

test('the same event twice in one batch, and again a month later, is one decision', async () => {
  const event = makeEvent(somebody());
  const [first, second] = await apply(event, event);
  expect(first).toMatchObject({ kind: 'decided' });
  expect(second).toMatchObject({ kind: 'duplicate', decision: { status: 'applied' } });
  expect(await one({ ...event, receivedAt: event.receivedAt + 30 * DAY })).toMatchObject({ kind: 'duplicate', decision: { status: 'applied', audience: 'in' } });
  expect(await database.query('select 1 from outbox where event_id = $1', [event.eventId])).toHaveLength(1);
});

test('a known event id for another audience is a conflict, and changes nothing', async () => {
  const event = makeEvent(somebody());
  await apply(event);
  expect(await one({ ...event, audienceKey: CROSS_SELL })).toEqual({ kind: 'conflict', known: { name: 'cio.audience_add', audienceKey: CART, source: event.source } });
  expect(await database.query('select 1 from memberships where event_id = $1', [event.eventId])).toHaveLength(1);
});

test('an event whose data Postgres cannot store is refused alone', async () => {
  const [good, bad, alsoGood] = [makeEvent(somebody()), makeEvent({ ...somebody(), context: { note: '\u0000' } }), makeEvent(somebody())];
  const outcomes = await apply(good, bad, alsoGood);
  expect(outcomes.map((outcome) => outcome.kind)).toEqual(['decided', 'refused', 'decided']);
});

test('an expiry acts only on the row of the event that armed it', async () => {
  const who = somebody();
  const older = makeEvent({ ...who, occurredAt: Date.now() - 7 * DAY + 1_000 });
  const newer = makeEvent({ ...who, occurredAt: Date.now() });
  const [decided] = await apply(older);
  const personId = decided?.kind === 'decided' ? decided.decision.personId : null;
  await apply(newer);
  const expire = async (eventId: string, at: number) => {
    const { outcomes } = await ledger.applyEvents([{ kind: 'expire', personId: personId ?? '', audienceKey: CART, eventId, at }]);
    return outcomes[0];
  };
  expect(await expire(older.eventId, older.occurredAt + 7 * DAY)).toMatchObject({ decision: { status: 'superseded', audience: 'in' } });
  expect(await expire(newer.eventId, newer.occurredAt + 7 * DAY)).toMatchObject({ decision: { status: 'applied', audience: 'out' } });
  expect(await database.query('select state, reason from memberships where person_id = $1', [personId])).toEqual([{ state: 'out', reason: 'expired' }]);
});

test('a replaced add is told that its workflow may end', async () => {
  const who = somebody();
  const add = makeEvent({ ...who, occurredAt: Date.now() - 60_000 });
  await apply(add);
  await apply(makeEvent({ ...who, name: 'cio.audience_remove' }));
  expect(await database.query("select 1 from outbox where event_id = $1 and action = 'end'", [add.eventId])).toHaveLength(1);
});

describe('identity', () => {
  const memberships = (customerId: string) =>
    database.query<{ audience_key: string; state: string; reason: string }>(
      `select m.audience_key, m.state, m.reason from memberships m join persons p using (person_id)
       where p.customer_id = $1 and p.merged_into is null order by m.audience_key`,
      [customerId],
    );

  test('a lead known by e-mail who buys as a customer is one person, and leaves the cart audience', async () => {
    const { person: known, identifiers } = person('lead');
    const lead = { person: { emailHash: known.emailHash! }, identifiers };
    await apply(makeEvent({ ...lead, occurredAt: Date.now() - 60_000 }));
    await apply(makeEvent({ person: known, identifiers, audienceKey: CROSS_SELL }));
    expect(await memberships('c_lead')).toEqual([
      { audience_key: CART, state: 'out', reason: 'excluded' },
      { audience_key: CROSS_SELL, state: 'in', reason: 'added' },
    ]);
  });

  test('two persons who turn out to be one keep the newest decision, and every target they reached is pushed again', async () => {
    const { person: known, identifiers } = person('linked');
    const now = Date.now();
    await apply(makeEvent({ person: { emailHash: known.emailHash! }, identifiers, occurredAt: now - 2_000 }));
    await apply(makeEvent({ person: { customerId: 'c_linked' }, identifiers: {}, name: 'cio.audience_remove', occurredAt: now - 1_000 }));
    const { wakes } = await ledger.applyEvents([{ kind: 'event', event: makeEvent({ person: known, identifiers, name: 'cio.exposure', occurredAt: now }) }]);
    expect(await memberships('c_linked')).toEqual([{ audience_key: CART, state: 'out', reason: 'removed' }]);
    expect(await database.query("select count(*)::int as n from persons where merged_into is not null and person_id in (select person_id from events where audience_key = $1)", [CART])).not.toEqual([{ n: 0 }]);
    const deliveries = await database.query(
      'select d.wanted, d.status, p.today from deliveries d join persons p using (person_id) where p.customer_id = $1',
      ['c_linked'],
    );
    expect(deliveries).toEqual([{ wanted: 'out', status: 'pending', today: identifiers }]);
    expect(wakes).toContainEqual({ destination: 'meta_main', audienceKey: CART });
  });

  test('two customer ids never become one person: the e-mail goes to the newest', async () => {
    const { emailHash } = person('shared').person;
    const now = Date.now();
    const event = (customerId: string, occurredAt: number) => makeEvent({ person: { customerId, emailHash: emailHash! }, identifiers: {}, occurredAt });
    await apply(event('c_first', now - 2_000));
    await apply(event('c_second', now - 1_000));
    const owner = () =>
      database.query("select p.customer_id from person_identifiers i join persons p using (person_id) where i.kind = 'email' and i.value = $1", [emailHash]);
    expect(await owner()).toEqual([{ customer_id: 'c_second' }]);
    await apply(event('c_first', now - 5_000));
    expect(await owner()).toEqual([{ customer_id: 'c_second' }]);
    expect(await memberships('c_first')).toHaveLength(1);
    expect(await memberships('c_second')).toHaveLength(1);
  });

  test('the same customer id in two people scopes is two persons', async () => {
    const who = { person: { customerId: 'c_scoped' }, identifiers: {} };
    await apply(makeEvent({ ...who, people: 'shop_us' }), makeEvent({ ...who, people: 'shop_eu' }));
    expect(await database.query("select 1 from persons where customer_id = 'c_scoped'")).toHaveLength(2);
  });
});

describe('at once', () => {
  test('the same new person in many concurrent transactions is one person', async () => {
    const who = person('rush');
    const events = Array.from({ length: 40 }, (_, index) => makeEvent({ ...who, occurredAt: Date.now() - index * 1_000 }));
    await Promise.all(events.map((event) => apply(event)));
    expect(await database.query("select 1 from persons where customer_id = 'c_rush'")).toHaveLength(1);
    const [membership] = await database.query<{ event_id: string }>(
      "select event_id from memberships join persons using (person_id) where customer_id = 'c_rush'",
    );
    expect(membership?.event_id).toBe(events[0]?.eventId);
  });

  test('the same event in many concurrent transactions is decided once', async () => {
    const event = makeEvent(person('echo'));
    const outcomes = (await Promise.all(Array.from({ length: 30 }, () => apply(event)))).flat();
    expect(outcomes.filter((outcome) => outcome.kind === 'decided')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome.kind === 'duplicate')).toHaveLength(29);
  });

  test('persons who are merged while events of both arrive end as one person, with the newest decision', async () => {
    for (let round = 0; round < 10; round++) {
      const { person: known, identifiers } = person(`merging-${String(round)}`);
      const now = Date.now();
      const byEmail = { person: { emailHash: known.emailHash! }, identifiers };
      const byId = { person: { customerId: known.customerId! }, identifiers: {} };
      const events = [
        ...Array.from({ length: 5 }, (_, index) => makeEvent({ ...byEmail, occurredAt: now - 10_000 + index })),
        ...Array.from({ length: 5 }, (_, index) => makeEvent({ ...byId, occurredAt: now - 20_000 + index })),
        makeEvent({ person: known, identifiers, name: 'cio.exposure', occurredAt: now - 15_000 }),
        makeEvent({ ...byId, name: 'cio.audience_remove', occurredAt: now - 5_000 }),
      ];
      await Promise.all(events.map((event) => apply(event)));
      const alive = await database.query(
        `select m.state from persons p join memberships m using (person_id)
         where p.merged_into is null and (p.customer_id = $1 or p.person_id in (select person_id from person_identifiers where value = $2))`,
        [known.customerId, known.emailHash],
      );
      expect(alive).toEqual([{ state: 'out' }]);
    }
  });
});
