/** A resync pushes every member again; pausing and resuming loses nothing. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CART_AT_META, startService, type TestService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
const TARGET = { destination: 'meta_main', audienceKey: CART };
let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const SYNC_STATE = defineSearchAttributeKey('SyncState', SearchAttributeType.KEYWORD);
const statuses = () => service.database.query<{ status: string; wanted: string; count: number }>('select status, wanted, count(*)::int as count from deliveries group by 1, 2 order by 1, 2');
const untilSettled = () => until(statuses, (rows) => rows.every(({ status }) => status === 'accepted'), 30_000);

test('a platform that has forgotten its members, and kept some that left, is as the ledger says after a resync', async () => {
  const [staying, leaving] = [Array.from({ length: 20 }, somebody), somebody()];
  for (const { person } of [...staying, leaving]) await service.post({ ...person, timestamp: Date.now() / 1_000 - 10 });
  await service.post({ ...leaving.person, event: 'cio.audience_remove' });
  await untilSettled();

  service.sandbox.store.reset();
  service.sandbox.store.apply({ destination: 'meta_main', audience: CART_AT_META, action: 'add', rows: [{ EMAIL: leaving.hash }] });
  const id = await service.parts.gateway.startResync(CART, ['meta_main'], { withFormer: true });
  expect(await service.client.workflow.getHandle(id).result()).toMatchObject([{ destination: 'meta_main', members: 21, marked: 21, after: null, pending: 0 }]);
  expect(service.members(CART_AT_META).toSorted()).toEqual(staying.map(({ hash }) => hash).toSorted());
  const [first] = service.sandbox.store.state.calls;
  expect(first).toMatchObject({ action: 'remove' });
});

test('without those who left, only present members are pushed', async () => {
  service.sandbox.store.reset();
  const id = await service.parts.gateway.startResync(CART, ['meta_main']);
  expect(await service.client.workflow.getHandle(id).result()).toMatchObject([{ members: 20, pending: 0 }]);
  expect(service.sandbox.store.state.calls.map(({ action }) => action)).toEqual(['add']);
});

test('in the end the platform is asked for the size, and more members than Headgate sent are called strange', async () => {
  const id = await service.parts.gateway.startResync(CART, ['meta_main'], { verify: true });
  expect(await service.client.workflow.getHandle(id).result()).toMatchObject([{ members: 20, size: { verdict: 'plausible', takenIn: 20, told: { atLeast: 20, atMost: 20 } } }]);
  service.sandbox.store.say('meta_main', CART_AT_META, { approximate_count_lower_bound: 2_000, approximate_count_upper_bound: 2_400 });
  const again = await service.parts.gateway.startResync(CART, ['meta_main'], { verify: true });
  expect(await service.client.workflow.getHandle(again).result()).toMatchObject([{ size: { verdict: 'strange', message: expect.stringContaining('another tool') as string } }]);
});

test('a resync of a paused target waits, shows how far it is, and goes on over a restart once the target is resumed', async () => {
  await service.parts.gateway.updateSync(TARGET, 'pause');
  service.sandbox.store.reset();
  const id = await service.parts.gateway.startResync(CART, ['meta_main']);
  await until(() => service.parts.gateway.readResync(id), ({ targets: [target] }) => target?.marked === 20);
  await service.stopHeadgate();
  await service.startHeadgate();
  expect(await service.parts.gateway.readResync(id)).toMatchObject({ status: 'RUNNING', targets: [{ members: 20, marked: 20 }] });
  expect(service.members(CART_AT_META)).toEqual([]);
  await service.parts.gateway.updateSync(TARGET, 'resume');
  expect(await service.client.workflow.getHandle(id).result()).toMatchObject([{ members: 20, pending: 0 }]);
  expect(service.members(CART_AT_META)).toHaveLength(20);
});

test('a decision that comes during a resync stays the newest', async () => {
  const { person, hash } = somebody();
  await service.post({ ...person, timestamp: Date.now() / 1_000 - 10 });
  await untilSettled();
  await service.parts.gateway.updateSync(TARGET, 'pause');
  const id = await service.parts.gateway.startResync(CART, ['meta_main']);
  await until(() => service.parts.gateway.readResync(id), ({ targets: [target] }) => target?.after === null);
  await service.post({ ...person, event: 'cio.audience_remove' });
  await service.parts.gateway.updateSync(TARGET, 'resume');
  await service.client.workflow.getHandle(id).result();
  await untilSettled();
  expect(service.members(CART_AT_META)).not.toContain(hash);
});

test('a sync hands over to a new run before its history is so long that a worker in a crowd cannot go through it, and keeps what it shows', async () => {
  const sync = service.client.workflow.getHandle(`headgate/sync/meta_main/${CART}`);
  const { runId: first } = await sync.describe();
  service.sandbox.faults.set('meta_main', { fault: 'unauthorised', ms: 0 });
  let lengths = 0;
  for (let count = 0; count < 60 && (await sync.describe()).runId === first; count++) {
    const { historyLength } = await sync.describe();
    lengths = Math.max(lengths, historyLength);
    await service.post(somebody().person);
    await sync.executeUpdate('retry', { args: [null] });
    await until(async () => (await sync.describe()).historyLength, (length) => length !== historyLength + 2);
  }
  const { runId, typedSearchAttributes } = await sync.describe();
  expect(runId).not.toBe(first);
  expect(lengths).toBeLessThan(300);
  expect(typedSearchAttributes.get(SYNC_STATE)).toBe('stuck');
  service.sandbox.faults.set('meta_main', null);
  await service.parts.gateway.wakeSync(TARGET, 'pushNow');
  await untilSettled();
});

test('an operator asks for a resync in the Temporal UI, and is told what is wrong with what they typed', async () => {
  const before = service.members(CART_AT_META).length;
  service.sandbox.store.reset();
  const sync = service.client.workflow.getHandle('headgate/sync/meta_main/high_intent_cart_7d_v1');
  await expect(sync.executeUpdate('resync', { args: ['everybody'] })).rejects.toMatchObject({ cause: { message: 'resync takes nothing, true or false' } });
  await expect(sync.executeUpdate('retry', { args: [42] })).rejects.toMatchObject({ cause: { message: expect.stringContaining('in quotes') as string } });
  const said = await sync.executeUpdate<string, []>('resync');
  expect(said).toMatch(/^every member of high_intent_cart_7d_v1 is pushed to meta_main again: workflow headgate\/resync\//);
  await until(() => service.members(CART_AT_META).length, (count) => count === before);
});
