import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLedger, type Ledger, type OutboxEntry } from '../../src/ledger/index.ts';
import type { JsonObject } from '../../src/domain/event.ts';
import type { EventType } from '../../src/domain/event-type.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { until } from '../support/until.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makeEvent, makePolicies, person } from '../support/events.ts';

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createDatabase();
  ledger = openLedger({ url: database.url, policies: makePolicies(), logger: createLogger({ level: 'silent', pretty: false }) });
});
afterAll(async () => {
  await ledger.close();
  await database.drop();
});

const everything = (entries: OutboxEntry[]): Promise<OutboxEntry[]> => Promise.resolve(entries);

test('removals leave first, and an entry leaves once', async () => {
  const [add, removal] = [makeEvent(person('a')), makeEvent({ ...person('b'), name: 'cio.audience_remove' })];
  await ledger.applyEvents([add, removal].map((event) => ({ kind: 'event', event })));
  const seen: string[] = [];
  await ledger.drainOutbox(10, (entries) => {
    seen.push(...entries.map((entry) => entry.eventId));
    return everything(entries);
  });
  expect(seen).toEqual([removal.eventId, add.eventId]);
  expect(await ledger.drainOutbox(10, everything)).toEqual({ taken: 0, done: 0 });
  expect(await ledger.outboxLag()).toEqual({ waiting: 0, oldestAt: null });
});

test('what one process holds is not handed to another; what it leaves undone is', async () => {
  const events = [makeEvent(person('c')), makeEvent(person('d'))];
  await ledger.applyEvents(events.map((event) => ({ kind: 'event', event })));
  await ledger.drainOutbox(1, async (held) => {
    const other = await ledger.drainOutbox(10, everything);
    expect(other).toEqual({ taken: 1, done: 1 });
    expect(held).toHaveLength(1);
    return [];
  });
  expect(await ledger.drainOutbox(10, everything)).toEqual({ taken: 1, done: 1 });
});

test('what a process that died was carrying is free at once', async () => {
  await ledger.applyEvents([{ kind: 'event', event: makeEvent(person('e')) }]);
  const dying = new pg.Client({ connectionString: database.url });
  dying.on('error', () => undefined);
  await dying.connect();
  await dying.query('begin');
  await dying.query('select * from outbox for update skip locked');
  expect(await ledger.drainOutbox(10, everything)).toEqual({ taken: 0, done: 0 });
  await database.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'");
  // The server ends a process a moment after it was told to.
  await until(() => ledger.drainOutbox(10, everything), ({ taken, done }) => taken === 1 && done === 1);
});

test('an event that Temporal forgot is put there again as what its workflow was started with; one of a type that this process has not got is left to others', async () => {
  const own = makeEvent({ ...person('own'), name: 'shop.refund', attributes: { order_id: 'o-1' }, type: { workflow: 'refundWatch', summary: 'refund of o-1' } });
  delete own.audienceKey;
  const add = makeEvent(person('again'));
  await ledger.applyEvents([own, add].map((event) => ({ kind: 'event', event })));
  const seen: OutboxEntry[] = [];
  const takeAll = () => ledger.drainOutbox(10, (entries) => (seen.push(...entries), everything(entries)));
  await takeAll();
  const [started, startedAdd] = [seen.find(({ eventId }) => eventId === own.eventId), seen.find(({ eventId }) => eventId === add.eventId)];
  seen.length = 0;

  expect(await ledger.nextOpenWork('own', '', 10, Date.now() - 60_000)).toEqual({ eventIds: [own.eventId], after: null });
  expect((await ledger.nextOpenWork('windows', '', 1_000, 0)).eventIds).toContain(add.eventId);
  expect(await ledger.enqueueAgain([own.eventId])).toBe(0);
  const types = new Map([['shop.refund', { startOf: (data: JsonObject) => ({ workflow: 'refundWatch', summary: `refund of ${data['order_id'] as string}` }) } as unknown as EventType]]);
  expect(await ledger.enqueueAgain([own.eventId, add.eventId], types)).toBe(2);
  expect(await ledger.enqueueAgain([own.eventId, add.eventId], types)).toBe(0);
  await takeAll();
  for (const [before, id] of [[started, own.eventId], [startedAdd, add.eventId]] as const) {
    const again = seen.find(({ eventId }) => eventId === id);
    if (before?.action !== 'start' || again?.action !== 'start') throw new Error('was not started');
    expect(again.decision).toEqual(before.decision);
    const { eventId, name, audienceKey, occurredAt, receivedAt, people, source, attributes, context, type, person: who } = before.event;
    expect(again.event).toMatchObject({ eventId, name, occurredAt, receivedAt, people, source, attributes, context, ...(audienceKey === undefined ? {} : { audienceKey }), ...(type ? { type } : {}), ...(who.customerId === undefined ? {} : { person: { customerId: who.customerId } }) });
  }
});
