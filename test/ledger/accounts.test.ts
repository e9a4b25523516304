/** One budget of calls per destination, also between several processes. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openLedger, type Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makePolicies } from '../support/events.ts';

let database: TestDatabase;
let ledgers: [Ledger, Ledger];
beforeAll(async () => {
  database = await createDatabase();
  const open = (): Ledger => openLedger({ url: database.url, policies: makePolicies(), logger: createLogger({ level: 'silent', pretty: false }) });
  ledgers = [open(), open()];
});
beforeEach(() => database.query('truncate accounts'));
afterAll(async () => {
  for (const ledger of ledgers) await ledger.close();
  await database.drop();
});

const take = (index: number, more: { operation?: 'add' | 'remove'; callsPerMinute?: number; now?: boolean; destination?: string } = {}) =>
  ledgers[index % 2]!.takeCall(more.destination ?? 'meta_main', { callsPerMinute: more.callsPerMinute ?? 1, operation: more.operation ?? 'add', now: more.now ?? false });

test('forty calls at once from two processes take the burst and no more; removals have some to themselves', async () => {
  const adds = await Promise.all(Array.from({ length: 40 }, (_, index) => take(index)));
  expect(adds.filter(({ waitMs }) => waitMs === 0)).toHaveLength(7);
  expect(adds.every(({ resting }) => !resting)).toBe(true);
  const removals = await Promise.all(Array.from({ length: 40 }, (_, index) => take(index, { operation: 'remove' })));
  expect(removals.filter(({ waitMs }) => waitMs === 0)).toHaveLength(3);
});

test('who has to wait is told for how long', async () => {
  for (let index = 0; index < 7; index++) await take(index);
  const { waitMs } = await take(0);
  expect(waitMs).toBeGreaterThan(50_000);
  expect(waitMs).toBeLessThanOrEqual(60_000);
});

test('an account without a budget is never made to wait', async () => {
  const calls = await Promise.all(Array.from({ length: 50 }, (_, index) => ledgers[index % 2]!.takeCall('meta_main', { callsPerMinute: undefined, operation: 'add', now: false })));
  expect(calls.every(({ waitMs }) => waitMs === 0)).toBe(true);
});

test('a rest that the platform asked for holds for both processes and for no other account, and a person may end it', async () => {
  await ledgers[0].restAccount('meta_main', 30_000, 'quota');
  const waiting = await take(1);
  expect(waiting.resting).toBe(true);
  expect(waiting.waitMs).toBeGreaterThan(25_000);
  expect(await take(1, { destination: 'meta_second' })).toEqual({ waitMs: 0, resting: false });
  expect(await take(1, { now: true })).toEqual({ waitMs: 0, resting: false });
});

test('a shorter rest does not end a longer one', async () => {
  await ledgers[0].restAccount('meta_main', 30_000, 'long');
  await ledgers[1].restAccount('meta_main', 1_000, 'short');
  expect((await take(0)).waitMs).toBeGreaterThan(25_000);
});
