/** Promise 5 and 10: Temporal's database may be lost whole; what was decided is in the ledger, and goes on from there. */
import { afterAll, beforeAll, test } from 'vitest';
import { CART_AT_META, startService, type TestService } from '../support/service.ts';
import { DAY_S, seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const isIn = (hash: string, expected: boolean) => until(() => service.members(CART_AT_META).includes(hash), (found) => found === expected, 60_000);

test("with Temporal's database wiped while windows are open and pushes wait, windows end, pushes go through, and new events have their workflows", async () => {
  const [leaving, waiting, later] = [somebody(), somebody(), somebody()];
  await service.post({ ...leaving.person, timestamp: seconds() - 7 * DAY_S + 8 });
  await isIn(leaving.hash, true);
  service.sandbox.faults.set('meta_main', { fault: 'http_500', ms: 0 });
  await service.post(waiting.person);
  await until(() => service.read('/v1/audiences/high_intent_cart_7d_v1'), ({ body }) => JSON.stringify(body).includes('"state":"retrying"'));

  service.temporal.kill();
  await service.temporal.restartEmpty();
  service.sandbox.faults.set(undefined, null);
  await until(() => service.database.query("select 1 from memberships where expires_at < now() and state = 'in'"), (rows) => rows.length === 1, 30_000);
  await service.parts.sweep.sweepOnce();
  await isIn(leaving.hash, false);
  await isIn(waiting.hash, true);

  const id = crypto.randomUUID();
  await service.post({ ...later.person, event_id: id });
  await until(() => service.client.workflow.getHandle(id).describe(), ({ status }) => status.name === 'RUNNING', 30_000);
  await isIn(later.hash, true);
  await service.client.workflow.getHandle('headgate/sync/meta_main/high_intent_cart_7d_v1').describe();
}, 180_000);
