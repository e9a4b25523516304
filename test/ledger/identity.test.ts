/** Who is who, and what that means at the platforms: merges, e-mails that move, identifiers that two persons share. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { openLedger, type Ledger, type PendingMember, type PushOperation } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, CROSS_SELL, DAY, makeAudience, makeEvent, makePolicies } from '../support/events.ts';
import { isHeldOut } from '../support/oracle.ts';
import { PlatformModel } from '../support/platform-model.ts';

const TARGET = { destination: 'meta_main', audienceKey: CART };
const HALF = 'half_v1';
const T = Date.now() - DAY;

let database: TestDatabase;
let ledger: Ledger;
let platform: PlatformModel;
beforeAll(async () => {
  database = await createDatabase();
  const audiences = [makeAudience({ key: CART }), makeAudience({ key: CROSS_SELL, excludes: [CART] }), makeAudience({ key: HALF, holdout: 0.5 })];
  ledger = openLedger({ url: database.url, policies: makePolicies(audiences), logger: createLogger({ level: 'silent', pretty: false }) });
});
beforeEach(async () => {
  platform = new PlatformModel();
  await database.query('truncate events, persons, person_identifiers, memberships, deliveries, pushes, targets, outbox, exposures');
});
afterAll(async () => {
  await ledger.close();
  await database.drop();
});

interface Names {
  customer?: string;
  cio?: string;
  email?: string;
  phone?: string;
}
const add = (seconds: number, { customer, cio, email, phone }: Names, overrides: Partial<HeadgateEvent> = {}): HeadgateEvent =>
  makeEvent({
    occurredAt: T + seconds * 1_000,
    person: { ...(customer ? { customerId: customer } : {}), ...(cio ? { cioId: cio } : {}), ...(email ? { emailHash: email } : {}), ...(phone ? { phoneHash: phone } : {}) },
    identifiers: { meta: Object.entries({ EXTERN_ID: customer, EMAIL: email, PHONE: phone }).flatMap(([type, value]) => (value ? [{ type, value }] : [])) },
    ...overrides,
  });
const remove = (seconds: number, names: Names): HeadgateEvent => add(seconds, names, { name: 'cio.audience_remove' });
/** An exposure without audience: says who somebody is and nothing else. */
function tells(seconds: number, names: Names, overrides: Partial<HeadgateEvent> = {}): HeadgateEvent {
  const event = add(seconds, names, { name: 'cio.exposure', ...overrides });
  delete event.audienceKey;
  return event;
}
async function apply(...events: HeadgateEvent[]): Promise<string[]> {
  const { outcomes } = await ledger.applyEvents(events.map((event) => ({ kind: 'event', event })));
  return outcomes.map((outcome) => (outcome.kind === 'decided' ? (outcome.decision.personId ?? '') : outcome.kind));
}

interface Call {
  operation: PushOperation;
  members: PendingMember[];
}
async function read(): Promise<Call> {
  const { operation, members } = await ledger.loadPending(TARGET, 100, { atOnce: true });
  if (operation === 'none') throw new Error('nothing is pending');
  return { operation, members };
}
/** Sends a call as a request that the platform decides later, so that others can go meanwhile. */
async function begin({ operation, members }: Call): Promise<string> {
  const started = await ledger.startPush(TARGET, { operation, members, deadlineMs: 60_000 });
  if ('busyMs' in started) throw new Error('another push is under way');
  const taken = members.map(({ personId, revision }) => ({ personId, revision, status: 'processing' as const }));
  await ledger.finishPush(TARGET, { pushId: started.pushId, operation }, taken, { requestId: started.pushId, checkAfterMs: 60_000, giveUpAfterMs: 60_000 });
  return started.pushId;
}
function arrive({ operation, members }: Call): void {
  for (const { today, former } of members) {
    if (operation === 'add') platform.add(today['meta']!.map(({ value }) => value));
    else platform.remove([...today['meta']!, ...(former['meta'] ?? [])].map(({ value }) => value));
  }
}
const end = (pushId: string, { operation, members }: Call) =>
  ledger.settleRequest(TARGET, { pushId, requestId: pushId, operation, members: members.length, checks: 0 }, { status: 'accepted' });
const loseSight = (pushId: string) => database.query("update pushes set deadline = clock_timestamp() - interval '1 second' where push_id = $1", [pushId]);
async function push(call: Call): Promise<void> {
  const pushId = await begin(call);
  arrive(call);
  await end(pushId, call);
}
/** Pushes until nothing is pending; returns what the calls were, with the customers whom they carried. */
async function pushAll(): Promise<string[]> {
  const calls: string[] = [];
  while ((await ledger.findTargetsToPush()).some(({ audienceKey }) => audienceKey === CART)) {
    const call = await read();
    await push(call);
    calls.push(`${call.operation} ${call.members.map(({ customerId }) => customerId ?? 'lead').join(' ')}`);
  }
  return calls;
}
const held = (): string[] => [...platform.identifiers].toSorted();

describe('an e-mail that one customer had and another one uses', () => {
  test('leaves the target when the other is out, and the one stays without it', async () => {
    await apply(add(1, { customer: 'a', email: 'e', phone: 'p' }));
    await pushAll();
    await apply(tells(2, { customer: 'b', email: 'e' }));
    expect(await pushAll()).toEqual(['remove b', 'add a']);
    expect(held()).toEqual(['a', 'p']);
  });

  test('stays when the other is in, and goes when the other does', async () => {
    await apply(add(1, { customer: 'a', email: 'e' }));
    await pushAll();
    await apply(add(2, { customer: 'b', email: 'e' }));
    await pushAll();
    expect(held()).toEqual(['a', 'b', 'e']);
    await apply(remove(3, { customer: 'b' }));
    expect(await pushAll()).toEqual(['remove b', 'add a']);
    expect(held()).toEqual(['a']);
  });

  test('is not pushed for the one who used it before, when that becomes known later', async () => {
    await apply(tells(2, { customer: 'b', email: 'e' }));
    await apply(add(1, { customer: 'a', email: 'e' }));
    await pushAll();
    expect(held()).toEqual(['a']);
  });

  test('comes back with a newer event', async () => {
    await apply(add(1, { customer: 'a', email: 'e' }), tells(2, { customer: 'b', email: 'e' }), tells(3, { customer: 'a', email: 'e' }));
    await pushAll();
    expect(held()).toEqual(['a', 'e']);
  });

  test('is not brought back by an add that was under way when it moved', async () => {
    await apply(add(1, { customer: 'a', email: 'e' }));
    const add1 = await read();
    const late = await begin(add1);
    await apply(tells(2, { customer: 'b', email: 'e' }));
    await pushAll();
    arrive(add1);
    await end(late, add1);
    expect(held()).toEqual(['a', 'e']);
    expect(await pushAll()).toEqual(['remove b', 'add a']);
    expect(held()).toEqual(['a']);
  });

  test('is not brought back by an add of which nobody ever hears', async () => {
    await apply(add(1, { customer: 'a', email: 'e' }));
    const add1 = await read();
    const lost = await begin(add1);
    await apply(tells(2, { customer: 'b', email: 'e' }));
    await pushAll();
    arrive(add1);
    await loseSight(lost);
    await pushAll();
    expect(held()).toEqual(['a']);
  });

  test('is not brought back by such an add either when the customer has been merged with a lead meanwhile', async () => {
    await apply(add(1, { customer: 'a', email: 'e' }));
    const add1 = await read();
    const late = await begin(add1);
    await apply(tells(2, { customer: 'b', email: 'e' }), tells(3, { cio: 'x' }));
    await apply(tells(4, { customer: 'a', cio: 'x' }));
    await pushAll();
    arrive(add1);
    await end(late, add1);
    await pushAll();
    expect(held()).toEqual(['a']);
  });

  test('which is shared by persons of two scopes, belongs to both', async () => {
    await apply(add(1, { customer: 'a', email: 'e' }, { people: 'us' }), add(2, { customer: 'b', email: 'e' }, { people: 'eu' }));
    await pushAll();
    await apply(add(3, { customer: 'b', email: 'e' }, { people: 'eu', name: 'cio.audience_remove' }));
    expect(await pushAll()).toEqual(['remove b', 'add a']);
    expect(held()).toEqual(['a', 'e']);
  });
});

test('a removal pushes the same customer id of another scope again', async () => {
  await apply(add(1, { customer: 'c', email: 'e' }, { people: 'us' }), add(1, { customer: 'c', email: 'f' }, { people: 'eu' }));
  await pushAll();
  await apply(add(2, { customer: 'c' }, { people: 'eu', name: 'cio.audience_remove' }));
  expect(await pushAll()).toEqual(['remove c', 'add c']);
  expect(held()).toEqual(['c', 'e']);
});

test('a phone that two share stays while one of them is in, also when the removal of the other was never heard of and they are back', async () => {
  await apply(add(1, { customer: 'a', phone: 'p' }), add(1, { customer: 'b', phone: 'p' }));
  await pushAll();
  await apply(remove(2, { customer: 'b' }));
  const removal = await read();
  const lost = await begin(removal);
  arrive(removal);
  await apply(add(3, { customer: 'b' }), tells(4, { customer: 'b', phone: 'q' }));
  await loseSight(lost);
  await pushAll();
  expect(held()).toEqual(['a', 'b', 'p', 'q']);
});

test('a removal that comes after a newer exclusion reaches the platforms, where another tool may have put the person', async () => {
  await apply(add(2, { customer: 'a' }, { audienceKey: CROSS_SELL }));
  await apply(remove(1, { customer: 'a' }));
  expect(await pushAll()).toEqual(['remove a']);
});

describe('two persons who turn out to be one', () => {
  test('leave the target also when an add of the one who went ends after the merge', async () => {
    await apply(add(1, { email: 'e' }), remove(2, { customer: 'c' }));
    await push(await read());
    const lead = await read();
    const late = await begin(lead);
    await apply(tells(3, { customer: 'c', email: 'e' }));
    await pushAll();
    arrive(lead);
    await end(late, lead);
    expect(await pushAll()).toEqual(['remove c']);
    expect(held()).toEqual([]);
  });

  test('do not take others with them: a removal of the one who went, decided after the merge, pushes again who shared a phone', async () => {
    await apply(add(1, { customer: 'other', phone: 'p' }), add(1, { email: 'e', phone: 'p' }), add(4, { customer: 'c' }));
    await pushAll();
    await apply(remove(2, { email: 'e' }));
    const removal = await read();
    const late = await begin(removal);
    await apply(tells(3, { customer: 'c', email: 'e' }), tells(5, { customer: 'c', phone: 'q' }));
    await pushAll();
    arrive(removal);
    await end(late, removal);
    await pushAll();
    expect(held()).toEqual(['c', 'e', 'other', 'p', 'q']);
  });

  test('are in the arm of the person who is left, and pushed (or not) accordingly', async () => {
    const half = makeAudience({ key: HALF, holdout: 0.5 });
    for (let round = 0; round < 12; round++) {
      const names = { customer: `c${String(round)}`, email: `e${String(round)}` };
      const [lead, customer] = await apply(add(1, { email: names.email }, { audienceKey: HALF }), tells(1, { customer: names.customer }));
      await apply(tells(2, names));
      const arm = isHeldOut(half, customer!) ? 'holdout' : 'treatment';
      expect(await database.query('select person_id, arm from memberships where person_id = any($1)', [[lead, customer]])).toEqual([{ person_id: customer, arm }]);
      const wanted = await database.query<{ wanted: string }>('select wanted from deliveries where person_id = any($1)', [[lead, customer]]);
      expect(wanted.map((row) => row.wanted).includes('in')).toBe(arm === 'treatment');
    }
  });

  test('refuse as the newest word of either says, and are pushed when it is a grant', async () => {
    await apply(tells(1, { email: 'e' }, { consent: { ad_user_data: 'denied' } }), add(2, { email: 'e' }), tells(3, { customer: 'c' }, { consent: { ad_user_data: 'granted' } }));
    expect(await pushAll()).toEqual([]);
    await apply(tells(4, { customer: 'c', email: 'e' }));
    expect(await pushAll()).toEqual(['add c']);
    await apply(tells(5, { email: 'f' }, { consent: { ad_personalization: 'denied' } }), tells(6, { customer: 'c', email: 'f' }));
    expect(await pushAll()).toEqual(['remove c']);
    expect(held()).toEqual([]);
  });

  test('and a third: every row points to the last, whose timeline has the events of all', async () => {
    const events = [add(1, { email: 'e' }), add(2, { cio: 'x' }), tells(3, { cio: 'x', email: 'e' }), add(4, { customer: 'c' }), tells(5, { customer: 'c', email: 'e' })];
    for (const event of events) await apply(event);
    const [view, ...others] = await ledger.readPersons({ kind: 'email', value: 'e' }, 10);
    expect(others).toEqual([]);
    expect(view).toMatchObject({ customer_id: 'c', cio_ids: ['x'], email_hashes: ['e'] });
    expect(view?.events.map((event) => event.event_id)).toEqual(events.map(({ eventId }) => eventId).toReversed());
    expect(await database.query('select distinct merged_into from persons where merged_into is not null')).toEqual([{ merged_into: view?.person_id }]);
    for (const { eventId } of events) expect(await ledger.readSettled(eventId)).toMatchObject({ personId: view?.person_id });
  });

  test('end the window that was armed for the one who went', async () => {
    const lead = add(1, { email: 'e' });
    const [leadId] = await apply(lead, tells(1, { customer: 'c' }));
    await apply(tells(2, { customer: 'c', email: 'e' }));
    await ledger.applyEvents([{ kind: 'expire', personId: leadId!, audienceKey: CART, eventId: lead.eventId, at: lead.occurredAt + 7 * DAY }]);
    expect(await database.query('select customer_id, state, reason from memberships join persons using (person_id)')).toEqual([{ customer_id: 'c', state: 'out', reason: 'expired' }]);
  });

  test('lose nothing when a third one, new in the same batch, comes between them', async () => {
    // A process whose clock is ahead has made this lead, so the new one of this batch is the older by its id.
    await apply(add(1, { email: 'e' }), tells(1, { customer: 'c' }));
    await database.query(`update persons set person_id = 'p_ffff' where customer_id is null`);
    for (const table of ['person_identifiers', 'memberships', 'deliveries', 'events']) {
      await database.query(`update ${table} set person_id = 'p_ffff' where person_id not in (select person_id from persons)`);
    }
    await apply(tells(2, { cio: 'x' }), tells(3, { cio: 'x', email: 'e' }), tells(4, { customer: 'c', cio: 'x' }));
    expect(await database.query('select customer_id, audience_key from memberships left join persons using (person_id)')).toEqual([{ customer_id: 'c', audience_key: CART }]);
  });
});

test('an event of an audience that this process does not know leaves nobody behind, and its e-mail goes on naming its person', async () => {
  expect(await apply(add(1, { email: 'e' }, { audienceKey: 'another_v1' }))).toEqual(['unknown_audience']);
  expect(await database.query('select 1 from persons')).toEqual([]);
  await apply(tells(2, { customer: 'c' }), tells(3, { customer: 'c', email: 'e' }));
  await apply(add(4, { email: 'e' }));
  expect(await database.query('select customer_id from memberships join persons using (person_id)')).toEqual([{ customer_id: 'c' }]);
});
