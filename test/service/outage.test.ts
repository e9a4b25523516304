/** Promise 6: an outage of a platform costs time, not data, and one workflow shows it. */
import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CART_AT_META, startService, type TestService } from '../support/service.ts';
import { seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const SYNC_STATE = defineSearchAttributeKey('SyncState', SearchAttributeType.KEYWORD);
const SYNC = 'headgate/sync/meta_main/high_intent_cart_7d_v1';
let service: TestService;
let sync: WorkflowHandle;
beforeAll(async () => {
  service = await startService();
  sync = service.client.workflow.getHandle(SYNC);
});
afterEach(async () => {
  service.sandbox.faults.set(undefined, null);
  await sync.signal('pushNow');
  await until(syncState, (state) => state === 'ok');
});
afterAll(() => service.stop());

const syncState = async (): Promise<unknown> => {
  const { typedSearchAttributes } = await sync.describe();
  return typedSearchAttributes.get(SYNC_STATE);
};
const details = async (): Promise<string> => {
  const metadata = await sync.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
};
const isIn = (hash: string): Promise<unknown> => until(() => service.members(CART_AT_META), (members) => members.includes(hash), 30_000);

test('while Meta answers 500 nothing is lost, one workflow says why, and all is well after it is back', async () => {
  service.sandbox.faults.set('meta_main', { fault: 'http_500', ms: 0 });
  const people = Array.from({ length: 5 }, somebody);
  for (const { person } of people) expect(await service.post(person)).toMatchObject({ status: 200 });
  await until(syncState, (state) => state === 'retrying');
  expect(await details()).toContain('Service temporarily unavailable');
  const { count } = await service.client.workflow.count("SyncState != 'ok' and ExecutionStatus = 'Running'");
  expect(count).toBe(1);
  const audience = await service.read('/v1/audiences/high_intent_cart_7d_v1');
  expect(audience.body).toMatchObject({ targets: [{ state: 'retrying', pending_adds: 5, cause: expect.stringContaining('temporarily') as string }] });

  service.sandbox.faults.set('meta_main', null);
  for (const { hash } of people) await isIn(hash);
  await until(syncState, (state) => state === 'ok');
  expect(await details()).toContain('`ok`');
});

test('a throttled account rests for as long as Meta says, and shows it', async () => {
  service.sandbox.faults.set('meta_main', { fault: 'rate_limit', ms: 0 }, 1);
  const { person, hash } = somebody();
  await service.post(person);
  await until(syncState, (state) => state === 'throttled');
  const calls = () => service.sandbox.store.state.calls;
  await isIn(hash);
  const refused = calls().findIndex((call) => call.answer === 400);
  const [before, after] = [calls()[refused], calls()[refused + 1]];
  expect(Date.parse(after!.at) - Date.parse(before!.at)).toBeGreaterThanOrEqual(5_000);
});

test('a call that was applied but never answered is made again, and the person is in once', async () => {
  service.sandbox.faults.set('meta_main', { fault: 'timeout_applied', ms: 0 }, 1);
  const { person, hash } = somebody();
  await service.post(person);
  await until(
    () => service.database.query<{ status: string }>("select d.status from deliveries d join persons using (person_id) where customer_id = $1", [person.customer_id]),
    ([row]) => row?.status === 'accepted',
  );
  expect(service.members(CART_AT_META).filter((member) => member === hash)).toHaveLength(1);
});

test('an add whose answer was lost does not survive a removal that came meanwhile', async () => {
  service.sandbox.faults.set('meta_main', { fault: 'timeout_applied', ms: 0 }, 1);
  const { person, hash } = somebody();
  await service.post({ ...person, timestamp: seconds() - 10 });
  await isIn(hash);
  await service.post({ ...person, event: 'cio.audience_remove' });
  await until(() => service.members(CART_AT_META), (members) => !members.includes(hash), 30_000);
  // The add may still be carried out until its deadline; so once that is over the removal is sent again.
  const pushes = async (): Promise<{ operation: string; outcome: string | null }[]> => {
    // The sweep would look too, within the minute.
    await sync.signal('wake');
    return service.database.query("select operation, outcome from pushes where (select person_id from persons where customer_id = $1) = any(person_ids) order by started_at", [person.customer_id]);
  };
  const outcomes = await until(pushes, (rows) => rows.length >= 3 && rows.every(({ outcome }) => outcome !== null), 60_000);
  expect(outcomes).toEqual([{ operation: 'add', outcome: 'unknown' }, { operation: 'remove', outcome: 'answered' }, { operation: 'remove', outcome: 'answered' }]);
});

test('a revoked token is stuck at once, says what to do, and pushNow goes on when it is mended', async () => {
  service.sandbox.faults.set('meta_main', { fault: 'unauthorised', ms: 0 });
  const { person, hash } = somebody();
  await service.post(person);
  await until(syncState, (state) => state === 'stuck');
  expect(await details()).toMatch(/What to do: .*system user token/);
  service.sandbox.faults.set('meta_main', null);
  await sync.signal('pushNow');
  await isIn(hash);
});

test('a paused target keeps what is pending, also over a restart, and resume pushes it', async () => {
  expect(await sync.executeUpdate('pause')).toContain('paused');
  const { person, hash } = somebody();
  await service.post(person);
  await service.stopHeadgate();
  await service.startHeadgate();
  sync = service.client.workflow.getHandle(SYNC);
  await until(syncState, (state) => state === 'paused');
  expect(service.members(CART_AT_META)).not.toContain(hash);
  expect(await sync.executeUpdate('resume')).toContain('again');
  await isIn(hash);
});
