/** Promise 7: one bad row fails alone, also when the platform does not say which one it is. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CART_AT_META, startService, type TestService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

test('when Meta counts an invalid row without naming it, that one is rejected with the reason and the others go through', async () => {
  // A failing platform lets them gather, so that they share a call.
  service.sandbox.faults.set('meta_main', { fault: 'http_500', ms: 0 });
  const people = Array.from({ length: 40 }, somebody);
  const [poison] = people.slice(17);
  if (!poison) throw new Error('nobody');
  await Promise.all(people.map(({ person }) => service.post(person)));
  service.sandbox.faults.set('meta_main', { fault: 'unnamed_invalid', ms: 0, values: [poison.hash] });
  const before = service.sandbox.store.sizeOf('meta_main', CART_AT_META);
  await service.client.workflow.getHandle('headgate/sync/meta_main/high_intent_cart_7d_v1').signal('pushNow');

  const statuses = (): Promise<{ status: string; count: number }[]> => service.database.query('select status, count(*)::int as count from deliveries group by 1 order by 1');
  await until(statuses, (rows) => rows.every(({ status }) => status !== 'pending'), 60_000);
  expect(before).toBe(0);
  expect(await statuses()).toEqual([{ status: 'accepted', count: 39 }, { status: 'rejected', count: 1 }]);
  const { body } = await service.read(`/v1/people?email=${encodeURIComponent(poison.person.email)}`);
  expect(JSON.stringify(body)).toMatch(/Meta counts 1 invalid rows and names 0/);
  expect(service.members(CART_AT_META)).toHaveLength(39);
});
