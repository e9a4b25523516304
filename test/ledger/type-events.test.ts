/** What workflow types ask of the ledger, and what their own events do to it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { openLedger, type Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createTypeSteps, ledgerStore, type TypeSteps } from '../../src/workflow-types/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CART, DAY, makeAudience, makeEvent, makePolicies } from '../support/events.ts';

const T = Date.now() - DAY;
let database: TestDatabase;
let ledger: Ledger;
let steps: TypeSteps;
beforeAll(async () => {
  database = await createDatabase();
  const policies = makePolicies([makeAudience({ key: CART })]);
  ledger = openLedger({ url: database.url, policies, logger: createLogger({ level: 'silent', pretty: false }) });
  const entities = { signal: () => Promise.resolve(false), signalWithStart: () => Promise.resolve() };
  steps = createTypeSteps({ store: ledgerStore(ledger, () => undefined), entities, policies });
});
afterAll(async () => {
  await ledger.close();
  await database.drop();
});

let last = 0;
async function happens(name: string, seconds: number, person: HeadgateEvent['person'], more: Partial<HeadgateEvent> = {}): Promise<{ event: HeadgateEvent; personId: string }> {
  const event = makeEvent({ eventId: `e-${String(++last)}`, name, occurredAt: T + seconds * 1_000, person, identifiers: {}, ...more });
  delete event.audienceKey;
  const { outcomes } = await ledger.applyEvents([{ kind: 'event', event }]);
  const [outcome] = outcomes;
  if (outcome?.kind !== 'decided') throw new Error(JSON.stringify(outcome));
  return { event, personId: outcome.decision.personId ?? '' };
}
const inSeconds = (personId: string, from: number, until: number) => ({ personId, event: 'shop.refund', from: T + from * 1_000, until: T + until * 1_000 });

test('a window ends with its last moment and begins after its first; tests, other names and other people do not count', async () => {
  const { personId } = await happens('shop.refund', 0, { customerId: 'c_1' });
  await happens('shop.refund', 60, { customerId: 'c_1' });
  await happens('shop.refund', 120, { customerId: 'c_1' });
  await happens('shop.other', 60, { customerId: 'c_1' });
  await happens('shop.refund', 60, { customerId: 'c_2' });
  await happens('shop.refund', 60, { customerId: 'c_1' }, { test: true });
  expect([await steps.countEvents(inSeconds(personId, 0, 120)), await steps.countEvents(inSeconds(personId, -1, 119))]).toEqual([2, 2]);
  expect(await steps.lastEvent(inSeconds(personId, 0, 119))).toMatchObject({ occurredAt: T + 60_000 });
  expect(await steps.lastEvent(inSeconds(personId, 121, 130))).toBeNull();
});

test('whoever was merged into the person counts, asked by either name', async () => {
  const lead = await happens('shop.refund', 0, { emailHash: 'a'.repeat(64) });
  const customer = await happens('shop.refund', 10, { customerId: 'c_merged' });
  await happens('shop.refund', 20, { customerId: 'c_merged', emailHash: 'a'.repeat(64) });
  expect(await Promise.all([lead, customer].map(({ personId }) => steps.countEvents(inSeconds(personId, -1, 30))))).toEqual([3, 3]);
  const survivor = (await ledger.personsOf(lead.personId))[0];
  expect(await ledger.personsOf(customer.personId)).toEqual(await ledger.personsOf(lead.personId));
  expect([lead.personId, customer.personId]).toContain(survivor);
});

test('what a workflow emits weeks later counts for the person, and does not bring back an e-mail that they have changed since', async () => {
  const emailHash = (letter: string): string => letter.repeat(64);
  const meta = (letter: string) => ({ identifiers: { meta: [{ type: 'email', value: emailHash(letter) }] } });
  const first = await happens('shop.refund', 0, { customerId: 'c_moves', emailHash: emailHash('b') }, meta('b'));
  await happens('shop.other', 100, { customerId: 'c_moves', emailHash: emailHash('c') }, meta('c'));
  // Somebody else uses the first one now.
  const other = await happens('shop.other', 200, { customerId: 'c_other', emailHash: emailHash('b') }, meta('b'));
  const about = { event: first.event, personId: first.personId };
  const emitted = await steps.emit({ ...about, emit: { suffix: 'back', event: 'cio.audience_add', audienceKey: CART, occurredAt: T + 300_000 } });
  expect(emitted).toEqual({ eventId: `${first.event.eventId}~back`, status: 'applied' });
  expect((await steps.emit({ ...about, emit: { suffix: 'back', event: 'cio.audience_add', audienceKey: CART, occurredAt: T + 400_000 } })).status).toBe('duplicate');
  expect((await ledger.readEvent(emitted.eventId))?.person_id).toBe(first.personId);
  expect(await database.query('select person_id from person_identifiers where kind = $1 and value = $2', ['email', emailHash('b')])).toEqual([{ person_id: other.personId }]);
  expect(JSON.stringify(await database.query('select today from persons where person_id = $1', [first.personId]))).not.toContain(emailHash('b'));
  await expect(steps.emit({ ...about, emit: { suffix: 'back', event: 'cio.exposure', occurredAt: T } })).rejects.toMatchObject({ nonRetryable: true, type: 'conflict' });
  await expect(steps.emit({ ...about, emit: { suffix: 'task', event: 'cio.forward', action: 'nobody', occurredAt: T } })).rejects.toMatchObject({ nonRetryable: false, type: 'misconfigured', message: expect.stringContaining('nobody is not an action of headgate.yaml') as string });
});
