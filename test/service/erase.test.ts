/** `headgate person erase`, end to end: out of the platforms, Temporal and the ledger, with a receipt that does not say who it was. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CART_AT_META, REGISTRY, startService, type TestService } from '../support/service.ts';
import { runCommand } from '../support/command.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const erase = (...args: string[]) => runCommand(service, REGISTRY, 'person', 'erase', ...args);
/** Everything that the ledger holds, as text. */
async function everything(): Promise<string> {
  const tables = await service.database.query<{ name: string }>("select tablename as name from pg_tables where schemaname = 'public'");
  const rows = await Promise.all(tables.map(({ name }) => service.database.query(`select t::text from ${name} t`)));
  return JSON.stringify(rows);
}
let erasedEvent = '';
const historyOf = (eventId: string) => service.client.workflow.getHandle(eventId).describe().then(({ status }) => status.name, () => 'none');

test('an erased person is out of the audience at the platform, and nothing is left of them but the ids of their events', async () => {
  const { person, hash } = somebody();
  const other = somebody();
  const { body } = await service.post({ ...person, attributes: { note: 'a note of theirs' } });
  const eventId = String(body['event_id']);
  erasedEvent = eventId;
  await service.post(other.person);
  await service.post({ ...person, event_id: `${eventId}-invalid`, audience_key: 'unknown_v1' });
  await until(() => service.members(CART_AT_META), (members) => members.includes(hash) && members.includes(other.hash));
  await until(() => historyOf(eventId), (status) => status === 'RUNNING');

  const { output, errors, status } = await erase('--customer-id', person.customer_id, '--because', 'asked for it');
  expect([status, errors]).toEqual([0, expect.any(String)]);
  expect(output).toMatch(/left at platforms .*nowhere/);
  expect(output).not.toContain(person.customer_id);
  expect(service.members(CART_AT_META)).toEqual([other.hash]);
  const text = await everything();
  for (const trace of [person.customer_id, hash, 'a note of theirs']) expect(text).not.toContain(trace);
  expect(text).toContain(other.hash);
  expect(await service.database.query('select person_id, customer_id, outcome, audience_key from exposures where event_id = $1', [eventId])).toEqual([
    { person_id: null, customer_id: null, outcome: 'entered', audience_key: 'high_intent_cart_7d_v1' },
  ]);
  expect((await service.post({ ...person, event_id: eventId })).body['status']).toBe('duplicate');
  expect(service.members(CART_AT_META)).toEqual([other.hash]);
});

test('while a platform is down it waits and says so; once it is back the person leaves it, and then the ledger', async () => {
  const { person, hash } = somebody();
  await service.post(person);
  await until(() => service.members(CART_AT_META), (members) => members.includes(hash));
  service.sandbox.faults.set('meta_main', { fault: 'http_500', ms: 0 });
  const erasing = erase('--email', person.email, '--json');
  const open = await until(
    () => service.database.query<{ erasure_id: string }>('select erasure_id from erasures where finished_at is null'),
    (rows) => rows.length === 1,
  );
  const { erasure_id: id } = open[0] ?? { erasure_id: '' };
  await until(() => service.parts.gateway.readErasureProgress(id), (progress) => progress.includes('meta_main/high_intent_cart_7d_v1: pending'));
  expect(service.members(CART_AT_META)).toContain(hash);
  service.sandbox.faults.set(undefined, null);
  await service.client.workflow.getHandle('headgate/sync/meta_main/high_intent_cart_7d_v1').signal('pushNow');
  const { output, status } = await erasing;
  expect(status).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ erasure_id: id, receipt: { left_at_platforms: [], rows: { memberships: 1, deliveries: 1 } } });
  expect(service.members(CART_AT_META)).not.toContain(hash);
});

test('whom a platform does not let go can be erased all the same, and the receipt says where they are left', async () => {
  const { person, hash } = somebody();
  await service.post(person);
  await until(() => service.members(CART_AT_META), (members) => members.includes(hash));
  service.sandbox.faults.set('meta_main', { fault: 'refuse_removals', ms: 0 });
  const { output, errors, status } = await erase('--customer-id', person.customer_id, '--anyway', '--json');
  service.sandbox.faults.set(undefined, null);
  expect([status, errors]).toEqual([0, expect.any(String)]);
  expect((JSON.parse(output) as { receipt: { left_at_platforms: string[] } }).receipt.left_at_platforms).toEqual([expect.stringContaining('meta_main/high_intent_cart_7d_v1')]);
  expect(await everything()).not.toContain(person.customer_id);
});

test('nobody, two names and no name are told apart', async () => {
  expect((await erase('--customer-id', 'nobody-at-all')).errors).toContain('Nobody goes by this customer_id');
  expect((await erase()).errors).toContain('exactly one of --customer-id, --email, --cio-id and --person-id');
});

test('Temporal deletes the histories of an erased person, in its own time', async () => {
  await until(() => historyOf(erasedEvent), (status) => status === 'none', 110_000);
});
