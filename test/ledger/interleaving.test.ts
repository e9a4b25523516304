/**
 * Transactions that meet: one is held open in the database at the worst moment, after it has read, locked and merged and before it has
 * committed, while another one begins on another connection of another ledger. No order of theirs may change what comes out.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { openLedger, type Applied, type Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, CROSS_SELL, DAY, makeEvent, makePolicies } from '../support/events.ts';
import { Gate } from '../support/gate.ts';

const TARGET = { destination: 'meta_main', audienceKey: CART };
const T = Date.now() - DAY;

let database: TestDatabase;
let gate: Gate;
let here: Ledger;
let there: Ledger;
beforeAll(async () => {
  database = await createDatabase();
  gate = await Gate.install(database);
  const options = { url: database.url, policies: makePolicies(), logger: createLogger({ level: 'silent', pretty: false }), connections: 5 };
  [here, there] = [openLedger(options), openLedger(options)];
});
beforeEach(() => database.query('truncate events, persons, person_identifiers, memberships, deliveries, pushes, targets, outbox, exposures'));
afterAll(async () => {
  await Promise.all([here.close(), there.close()]);
  await database.drop();
});

interface Names {
  customer?: string;
  cio?: string;
  email?: string;
}
/** An add to the cart audience `seconds` after T. */
const event = (seconds: number, { customer, cio, email }: Names, overrides: Partial<HeadgateEvent> = {}): HeadgateEvent =>
  makeEvent({
    occurredAt: T + seconds * 1_000,
    person: { ...(customer ? { customerId: customer } : {}), ...(cio ? { cioId: cio } : {}), ...(email ? { emailHash: email } : {}) },
    identifiers: email ? { meta: [{ type: 'EMAIL', value: email }] } : {},
    ...overrides,
  });
const held = { eventId: 'held-event' };
const removal = { name: 'cio.audience_remove' as const };

const apply = (ledger: Ledger, ...events: HeadgateEvent[]): Promise<Applied> => ledger.applyEvents(events.map((one) => ({ kind: 'event', event: one })));
const hold = (first: HeadgateEvent, meanwhile: () => Promise<void>): Promise<Applied> => gate.hold('held-event', () => apply(here, first), meanwhile);
/** Begins on the other ledger and must wait for the held one. */
async function waits(begun: Promise<unknown>, count = 1): Promise<void> {
  begun.catch(() => undefined);
  await gate.waiting(1 + count);
}

/** Living persons with their customer id, the events that are theirs today, and where they are in. */
const persons = async (): Promise<{ customer: string | null; events: string[]; cart: string | null }[]> =>
  (
    await database.query<{ customer: string | null; events: string[]; cart: string | null }>(
      `select p.customer_id as customer, m.event_id as cart,
              array(select e.event_id from events e join persons o using (person_id) where coalesce(o.merged_into, o.person_id) = p.person_id order by e.occurred_at) as events
       from persons p left join memberships m on m.person_id = p.person_id and m.audience_key = $1
       where p.merged_into is null order by p.customer_id`,
      [CART],
    )
  );
const ownerOf = async (email: string): Promise<string | null | undefined> =>
  (await database.query<{ customer_id: string | null }>(`select customer_id from person_identifiers join persons using (person_id) where kind = 'email' and value = $1`, [email]))[0]?.customer_id;

test('two transactions that meet the same new person make one person', async () => {
  const [first, second] = [event(1, { customer: 'c', email: 'e' }, held), event(2, { customer: 'c', email: 'e' })];
  await hold(first, async () => void (await apply(there, second)));
  expect(await persons()).toEqual([{ customer: 'c', events: [first.eventId, second.eventId], cart: second.eventId }]);
});

test('the same, when the second finds the alias of the first inserted and not committed', async () => {
  const [first, second] = [event(2, { email: 'held-alias' }), event(1, { email: 'held-alias' })];
  let waiting: Promise<unknown> = Promise.resolve();
  await gate.hold('held-alias', () => apply(here, first), async () => {
    waiting = apply(there, second);
    await waits(waiting);
  });
  await waiting;
  expect(await persons()).toEqual([{ customer: null, events: [second.eventId, first.eventId], cart: first.eventId }]);
});

test.each([{ newer: 'held' }, { newer: 'waiting' }])('of two decisions on one person at once the newer counts: the $newer one', async ({ newer }) => {
  await apply(here, event(0, { customer: 'c' }));
  const [first, second] = [event(newer === 'held' ? 2 : 1, { customer: 'c' }, { ...held, ...removal }), event(newer === 'held' ? 1 : 2, { customer: 'c' })];
  let waiting: Promise<unknown> = Promise.resolve();
  await hold(first, async () => {
    waiting = apply(there, second);
    await waits(waiting);
  });
  await waiting;
  const [person] = await persons();
  expect(person?.cart).toBe(newer === 'held' ? first.eventId : second.eventId);
});

test('an event and a timer of a person who is being merged count for the survivor', async () => {
  const [customer, lead] = [event(0, { customer: 'c' }, { audienceKey: CROSS_SELL }), event(1, { email: 'e' })];
  const { outcomes } = await apply(here, customer, lead);
  const leadId = outcomes[1]?.kind === 'decided' ? (outcomes[1].decision.personId ?? '') : '';
  const [link, later] = [event(2, { customer: 'c', email: 'e' }, { ...held, name: 'cio.exposure' }), event(3, { email: 'e' }, { name: 'cio.exposure' })];
  let waiting: Promise<unknown> = Promise.resolve();
  await hold(link, async () => {
    const timer = there.applyEvents([{ kind: 'expire', personId: leadId, audienceKey: CART, eventId: lead.eventId, at: lead.occurredAt + 7 * DAY }]);
    waiting = Promise.all([apply(there, later), timer]);
    await waits(waiting, 2);
  });
  await waiting;
  expect(await persons()).toEqual([{ customer: 'c', events: [customer, lead, link, later].map(({ eventId }) => eventId), cart: lead.eventId }]);
  expect(await database.query('select state, reason from memberships where audience_key = $1', [CART])).toEqual([{ state: 'out', reason: 'expired' }]);
});

test.each([{ order: 'the leads first' }, { order: 'the customer first' }])('merges that meet end in one person, with nothing left pointing half way: $order', async ({ order }) => {
  await apply(here, event(0, { cio: 'x' }), event(0, { email: 'e' }), event(0, { customer: 'c' }));
  const leads = (overrides = {}): HeadgateEvent => event(1, { cio: 'x', email: 'e' }, { name: 'cio.exposure', ...overrides });
  const customer = (overrides = {}): HeadgateEvent => event(2, { customer: 'c', email: 'e' }, { name: 'cio.exposure', ...overrides });
  let waiting: Promise<unknown> = Promise.resolve();
  await hold(order === 'the leads first' ? leads(held) : customer(held), async () => {
    waiting = apply(there, order === 'the leads first' ? customer() : leads());
    await waits(waiting);
  });
  await waiting;
  const [person, ...others] = await persons();
  expect(others).toEqual([]);
  expect(person?.events).toHaveLength(5);
  expect(await database.query('select count(distinct merged_into)::int as survivors, count(*)::int as merged from persons where merged_into is not null')).toEqual([{ survivors: 1, merged: 2 }]);
});

test('an event that found a customer by an e-mail which is moving away counts for the customer who has it now', async () => {
  await apply(here, event(0, { customer: 'a', email: 'e' }));
  const [move, byEmail] = [event(1, { customer: 'b', email: 'e' }, held), event(2, { email: 'e' })];
  let waiting: Promise<unknown> = Promise.resolve();
  await hold(move, async () => {
    waiting = apply(there, byEmail);
    await waits(waiting);
  });
  await waiting;
  expect((await persons()).find(({ customer }) => customer === 'b')?.events).toEqual([move.eventId, byEmail.eventId]);
});

test('an e-mail does not move to an older event because the newer claim was not committed when it was read', async () => {
  await apply(here, event(0, { customer: 'a', email: 'e' }), event(0, { customer: 'b' }));
  let waiting: Promise<unknown> = Promise.resolve();
  await hold(event(30, { customer: 'a', email: 'e' }, held), async () => {
    waiting = apply(there, event(20, { customer: 'b', email: 'e' }));
    await waits(waiting);
  });
  await waiting;
  expect(await ownerOf('e')).toBe('a');
});

test('an older event of the same customer, decided at the same time, does not make their claim to an e-mail older', async () => {
  await apply(here, event(0, { customer: 'a', email: 'e' }));
  let waiting: Promise<unknown> = Promise.resolve();
  await hold(event(30, { customer: 'a', email: 'e' }, held), async () => {
    waiting = apply(there, event(10, { customer: 'a', email: 'e' }));
    await waits(waiting);
  });
  await waiting;
  await apply(here, event(20, { customer: 'b', email: 'e' }));
  expect(await ownerOf('e')).toBe('a');
});

test('a call that was read while a removal was being decided is not taken for that removal', async () => {
  await apply(here, event(0, { customer: 'c', email: 'e' }));
  const add = await there.loadPending(TARGET, 10, { atOnce: true });
  // Nobody ever hears of this call, so the next look makes its member pending again, under a new revision.
  await there.startPush(TARGET, { operation: 'add', members: add.members, deadlineMs: 0 });
  let pushId = '';
  let again = add;
  await hold(event(1, { customer: 'c' }, { ...held, ...removal }), async () => {
    again = await there.loadPending(TARGET, 10, { atOnce: true });
    const started = await there.startPush(TARGET, { operation: 'add', members: again.members, deadlineMs: 60_000 });
    if ('pushId' in started) pushId = started.pushId;
  });
  await there.finishPush(TARGET, { pushId, operation: 'add' }, again.members.map(({ personId, revision }) => ({ personId, revision, status: 'accepted' })));
  expect(await database.query('select wanted, status from deliveries')).toEqual([{ wanted: 'out', status: 'pending' }]);
});
