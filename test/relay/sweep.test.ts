/** The sweep against a real ledger, with no Temporal at all: what would wait for a workflow happens all the same. */
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TargetRef } from '../../src/domain/registry.ts';
import { openLedger, type Ledger } from '../../src/ledger/index.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { Sweep } from '../../src/relay/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, DAY, makeAudience, makeEvent, makePolicies, person } from '../support/events.ts';

const logger = pino({ level: 'silent' });
let database: TestDatabase;
let ledger: Ledger;
let woken: TargetRef[];

beforeEach(async () => {
  database = await createDatabase();
  ledger = openLedger({ url: database.url, policies: makePolicies(), logger });
  woken = [];
});
afterEach(async () => {
  await ledger.connection.close();
  await database.drop();
});
const makeSweep = (processId = 'one', registryHash = 'hash', log = logger): Sweep =>
  new Sweep({ ledger, audiences: [makeAudience({ key: CART })], wake: (targets) => woken.push(...targets), self: { processId, role: 'api', registryHash }, logger: log, metrics: createMetrics() });
const statesOf = (): Promise<{ state: string; reason: string }[]> => database.query('select state, reason from memberships order by person_id');

/** An add whose window was open when it arrived, and is over now. */
async function addWithWindowOver(name: string): Promise<void> {
  const occurredAt = Date.now() - 7 * DAY - 1_000;
  await ledger.applyEvents([{ kind: 'event', event: makeEvent({ ...person(name), occurredAt, receivedAt: occurredAt + 1_000 }) }]);
}

test('a window that is over ends although no workflow ended it', async () => {
  await addWithWindowOver('late');
  expect(await statesOf()).toEqual([{ state: 'in', reason: 'added' }]);
  await makeSweep().sweepOnce();
  expect(await statesOf()).toEqual([{ state: 'out', reason: 'expired' }]);
  expect(woken).toContainEqual({ destination: 'meta_main', audienceKey: CART });
});

test('a window that is still open stays open', async () => {
  await ledger.applyEvents([{ kind: 'event', event: makeEvent(person('early')) }]);
  await makeSweep().sweepOnce();
  expect(await statesOf()).toEqual([{ state: 'in', reason: 'added' }]);
});

test('a sync that sleeps on pending rows is woken', async () => {
  await ledger.applyEvents([{ kind: 'event', event: makeEvent(person('pending')) }]);
  await makeSweep().sweepOnce();
  expect(woken).toEqual([{ destination: 'meta_main', audienceKey: CART }]);
});

test('two sweeps at once end each window once', async () => {
  await Promise.all(['a', 'b', 'c'].map(addWithWindowOver));
  await Promise.all([makeSweep('one').sweepOnce(), makeSweep('two').sweepOnce()]);
  expect(await statesOf()).toEqual(Array.from({ length: 3 }, () => ({ state: 'out', reason: 'expired' })));
  expect(await database.query('select 1 from memberships where revision <> 2')).toEqual([]);
});

test('a ledger that is down does not end the process; the next round does the work', async () => {
  await addWithWindowOver('late');
  const gone = openLedger({ url: 'postgres://nobody@127.0.0.1:1/none', policies: makePolicies(), logger });
  const sweep = new Sweep({ ledger: gone, audiences: [makeAudience({ key: CART })], wake: () => undefined, self: { processId: 'x', role: 'api', registryHash: 'h' }, logger, metrics: createMetrics() });
  await expect(sweep.sweepOnce()).resolves.toBeUndefined();
  await gone.connection.close();
  await makeSweep().sweepOnce();
  expect(await statesOf()).toEqual([{ state: 'out', reason: 'expired' }]);
});

test('two processes with different registries are noticed, once, by whoever sees the other one; two with the same are not', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => void lines.push(line) });
  const [before, after] = [makeSweep('before', 'old', log), makeSweep('after', 'new', log)];
  await before.sweepOnce();
  await makeSweep('its twin', 'old', log).sweepOnce();
  expect(lines).toEqual([]);
  await after.sweepOnce();
  await after.sweepOnce();
  expect(lines).toEqual([expect.stringMatching(/"processes":"api, api".*have loaded another headgate\.yaml: restart them all with the same one/)]);
  await before.sweepOnce();
  expect(lines).toHaveLength(2);
});
