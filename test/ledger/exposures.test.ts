/** The analyst's rows on a real Postgres: one for each event and one for each end of a membership, by month. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import type { Report } from '../../src/domain/report.ts';
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

const apply = (...events: HeadgateEvent[]) => ledger.applyEvents(events.map((event) => ({ kind: 'event', event })));
let people = 0;
const somebody = () => person(`exposed-${String(++people)}`);
const report = (who: ReturnType<typeof somebody>, given: Partial<Report> = {}, more: Partial<HeadgateEvent> = {}): HeadgateEvent => {
  const event = makeEvent({ ...who, ...more });
  delete event.audienceKey;
  return { ...event, name: 'cio.report', report: { channel: 'email', metric: 'sent', ...given } };
};
const storyOf = async (eventIds: string[]) =>
  (
    await database.query<{ name: string; audience_key: string | null; outcome: string; reason: string | null }>(
      'select name, audience_key, outcome, reason from exposures where event_id = any($1) or caused_by = any($1) order by occurred_at, caused_by nulls first',
      [eventIds],
    )
  ).map(({ name, audience_key: audience, outcome, reason }) => [name, audience, outcome, reason].join(' '));

test('one table tells the story of a cart, a second cart and a purchase, also of what the purchase ended elsewhere', async () => {
  const who = somebody();
  const start = Date.now() - DAY;
  const events = [
    makeEvent({ ...who, occurredAt: start }),
    makeEvent({ ...who, occurredAt: start + 1_000 }),
    makeEvent({ ...who, audienceKey: CROSS_SELL, occurredAt: start + 2_000 }),
    makeEvent({ ...who, occurredAt: start + 500 }),
  ];
  for (const event of events) await apply(event);
  expect(await storyOf(events.map(({ eventId }) => eventId))).toEqual([
    `cio.audience_add ${CART} entered added`,
    // Told why the person was out when it came.
    `cio.audience_add ${CART} superseded excluded`,
    `cio.audience_add ${CART} renewed added`,
    `cio.audience_add ${CROSS_SELL} entered added`,
    `headgate.left ${CART} left excluded`,
  ]);
});

test('a removal leaves, a removal of somebody who is not in is absent, a late add is expired on arrival', async () => {
  const who = somebody();
  const start = Date.now() - 30 * DAY;
  const events = [
    makeEvent({ ...who, occurredAt: start, receivedAt: Date.now() }),
    makeEvent({ ...who, name: 'cio.audience_remove', occurredAt: start + 1_000 }),
    makeEvent({ ...who, occurredAt: Date.now() - 1_000 }),
    makeEvent({ ...who, name: 'cio.audience_remove', occurredAt: Date.now() }),
  ];
  for (const event of events) await apply(event);
  expect((await storyOf(events.map(({ eventId }) => eventId))).map((line) => line.split(' ').at(2))).toEqual(['expired', 'absent', 'entered', 'left']);
});

test('an exposure is called what its webhook calls it', async () => {
  const event: HeadgateEvent = { ...makeEvent(somebody()), name: 'cio.exposure', exposure: 'journey_entered' };
  await apply(event);
  expect(await database.query('select metric, channel, outcome from exposures where event_id = $1', [event.eventId])).toEqual([{ metric: 'journey_entered', channel: null, outcome: 'noted' }]);
});

test('a window that ends is one row at its end, however often it is looked at', async () => {
  const event = makeEvent({ ...somebody(), occurredAt: Date.now() - 7 * DAY + 5_000 });
  const { outcomes } = await apply(event);
  const [outcome] = outcomes;
  const personId = outcome?.kind === 'decided' ? (outcome.decision.personId ?? '') : '';
  const expiry = { kind: 'expire' as const, personId, audienceKey: CART, eventId: event.eventId, at: Date.now() + 10_000 };
  await Promise.all([ledger.applyEvents([expiry]), ledger.applyEvents([expiry]), ledger.applyEvents([expiry, expiry])]);
  expect(await storyOf([event.eventId])).toEqual([`cio.audience_add ${CART} entered added`, `headgate.left ${CART} expired expired`]);
  expect(await database.query('select event_id, occurred_at from exposures where caused_by = $1', [event.eventId])).toEqual([
    { event_id: `${event.eventId}/expired`, occurred_at: new Date(event.occurredAt + 7 * DAY) },
  ]);
});

test('two persons who turn out to be one are a row, so that an analyst can put their rows together', async () => {
  const [lead, customer] = [somebody(), somebody()];
  const emailHash = lead.person.emailHash ?? '';
  const asLead = makeEvent({ ...lead, person: { emailHash } });
  const asCustomer = makeEvent({ ...customer, person: { customerId: 'merged-later' } });
  const link = makeEvent({ ...customer, person: { customerId: 'merged-later', emailHash } });
  for (const event of [asLead, asCustomer, link]) await apply(event);
  const [merged] = await database.query<{ person_id: string; attributes: { person_id: string } }>("select person_id, attributes from exposures where caused_by = $1 and outcome = 'merged'", [link.eventId]);
  expect(await database.query('select merged_into from persons where person_id = $1', [merged?.attributes.person_id ?? ''])).toEqual([{ merged_into: merged?.person_id }]);
});

describe('a report', () => {
  test('is one row with all that it says, and decides nothing', async () => {
    const who = somebody();
    const cart = makeEvent(who);
    const full: Report = {
      channel: 'email', metric: 'clicked', broadcastId: '1', newsletterId: '2', transactionalMessageId: '3', triggerId: '4', triggerEventId: '5', parentStepId: '6', contentId: '7',
      linkId: '8', linkUrl: 'https://x.example', failureReason: 'none', machine: false,
    };
    const event = report(who, full, { context: { campaign_id: 9, delivery_id: 'd' }, occurredAt: cart.occurredAt + 1 });
    await apply(cart, event, event);
    expect(await database.query('select * from exposures where event_id = $1', [event.eventId])).toEqual([
      expect.objectContaining({
        name: 'cio.report', outcome: 'reported', channel: 'email', metric: 'clicked', broadcast_id: '1', newsletter_id: '2', transactional_message_id: '3', trigger_id: '4', trigger_event_id: '5',
        parent_step_id: '6', content_id: '7', link_id: '8', link_url: 'https://x.example', failure_reason: 'none', machine: false, campaign_id: '9', delivery_id: 'd', customer_id: who.person.customerId,
      }),
    ]);
    expect(await database.query("select state from memberships join events using (person_id) where events.event_id = $1", [event.eventId])).toEqual([{ state: 'in' }]);
  });

  test('that names nobody is a row all the same', async () => {
    const event = report(somebody(), {}, { person: {}, identifiers: {} });
    const { outcomes } = await apply(event, event);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['decided', 'duplicate']);
    expect(await database.query('select person_id, customer_id, metric from exposures where event_id = $1', [event.eventId])).toEqual([{ person_id: null, customer_id: null, metric: 'sent' }]);
  });

  test('that ends memberships takes the person out of every audience, also when an older add comes later', async () => {
    const who = somebody();
    const now = Date.now();
    const cart = makeEvent({ ...who, occurredAt: now - 3_000 });
    const deleted = report(who, { channel: 'customer', metric: 'deleted', endsMemberships: true }, { occurredAt: now - 1_000 });
    const late = makeEvent({ ...who, audienceKey: CROSS_SELL, occurredAt: now - 2_000 });
    for (const event of [cart, deleted, late]) await apply(event);
    expect(await storyOf([cart.eventId, deleted.eventId, late.eventId])).toEqual([
      `cio.audience_add ${CART} entered added`, `cio.audience_add ${CROSS_SELL} superseded reported`, 'cio.report  reported ', `headgate.left ${CART} left reported`,
    ]);
    expect(await database.query("select distinct state from memberships where person_id = (select person_id from events where event_id = $1)", [cart.eventId])).toEqual([{ state: 'out' }]);
  });

  test('starts a workflow, unless its source wants none and nothing is to be done', async () => {
    const who = somebody();
    const [usual, rowOnly, needed] = [report(who), report(who, {}, { rowOnly: true }), report(who, { endsMemberships: true }, { rowOnly: true, occurredAt: Date.now() + 1_000 })];
    await apply(makeEvent(who), usual, rowOnly, needed);
    const { length } = await database.query('select 1 from exposures where event_id = any($1)', [[usual, rowOnly, needed].map(({ eventId }) => eventId)]);
    expect(length).toBe(3);
    const started = await database.query<{ event_id: string }>('select event_id from outbox where event_id = any($1)', [[usual, rowOnly, needed].map(({ eventId }) => eventId)]);
    expect(started.map(({ event_id }) => event_id).toSorted()).toEqual([usual.eventId, needed.eventId].toSorted());
  });
});

test('each month has a part, made ahead; rows of a month that nobody made one for are kept, and move into it', async () => {
  const partOf = async (eventId: string) => (await database.query<{ part: string }>('select tableoid::regclass::text as part from exposures where event_id = $1', [eventId]))[0]?.part;
  const far = new Date(Date.UTC(new Date().getUTCFullYear() + 1, 4, 15));
  const event = makeEvent({ ...somebody(), occurredAt: far.getTime(), receivedAt: far.getTime() });
  await apply(event);
  expect(await partOf(event.eventId)).toBe('exposures_later');
  const made = await ledger.prepareExposureParts(far);
  const year = String(far.getUTCFullYear());
  expect(made).toEqual([`exposures_${year}_05`, `exposures_${year}_06`, `exposures_${year}_07`]);
  expect(await partOf(event.eventId)).toBe(`exposures_${year}_05`);
  expect(await ledger.prepareExposureParts(far)).toEqual([]);
});
