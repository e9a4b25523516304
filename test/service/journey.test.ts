/** The mission: a person enters an audience, leaves it when they buy, and leaves by themselves when the window ends. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DAY_S, seconds, somebody } from '../support/somebody.ts';
import { CART_AT_META, CROSS_SELL_AT_META, startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

const CROSS_SELL = 'post_purchase_cross_sell_14d_v1';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const isIn = (id: string, hash: string): Promise<string[]> => until(() => service.members(id), (members) => members.includes(hash));
const isOut = (id: string, hash: string): Promise<string[]> => until(() => service.members(id), (members) => !members.includes(hash));

test('a person enters an audience and leaves it by a second webhook', async () => {
  const { hash, person } = somebody();
  const added = await service.post(person);
  expect(added).toMatchObject({ status: 200, body: { status: 'applied', audience: 'in' } });
  await isIn(CART_AT_META, hash);
  expect(await service.post({ ...person, event: 'cio.audience_remove' })).toMatchObject({ status: 200, body: { status: 'applied', audience: 'out' } });
  await isOut(CART_AT_META, hash);
});

test('whoever buys leaves the cart audience and enters the cross-sell one', async () => {
  const { hash, person } = somebody();
  await service.post({ ...person, timestamp: seconds() - 60 });
  await isIn(CART_AT_META, hash);
  await service.post({ ...person, audience_key: CROSS_SELL });
  await isIn(CROSS_SELL_AT_META, hash);
  await isOut(CART_AT_META, hash);
});

test('a removal that overtakes its add leaves the person outside', async () => {
  const { hash, person } = somebody();
  const now = seconds();
  await service.post({ ...person, event: 'cio.audience_remove', timestamp: now });
  const late = await service.post({ ...person, timestamp: now - 30 });
  expect(late.body).toMatchObject({ status: 'superseded', audience: 'out' });
  await until(
    () => service.database.query<{ n: number }>("select count(*)::int as n from deliveries where status = 'pending'"),
    ([row]) => row?.n === 0,
  );
  expect(service.members(CART_AT_META)).not.toContain(hash);
});

test('a lead who was added by e-mail and bought as a customer is taken out', async () => {
  const {
    hash,
    person: { email, customer_id },
  } = somebody();
  await service.post({ email, timestamp: seconds() - 60 });
  await isIn(CART_AT_META, hash);
  await service.post({ email, customer_id, audience_key: CROSS_SELL });
  await isIn(CROSS_SELL_AT_META, hash);
  await isOut(CART_AT_META, hash);
});

test('a window that is about to end lets the person go within seconds, without a new event', async () => {
  const { hash, person } = somebody();
  const eventId = crypto.randomUUID();
  await service.post({ ...person, event_id: eventId, timestamp: seconds() - 7 * DAY_S + 3 });
  await isIn(CART_AT_META, hash);
  await isOut(CART_AT_META, hash);
  const result = (await service.client.workflow.getHandle(eventId).result()) as { audience: string; because: string };
  expect(result).toMatchObject({ audience: 'out', because: 'expired' });
});

test('an add whose window is already over is recorded and leaves the person outside', async () => {
  const { hash, person } = somebody();
  const answer = await service.post({ ...person, timestamp: seconds() - 8 * DAY_S });
  expect(answer.body).toMatchObject({ status: 'expired', audience: 'out' });
  expect(service.members(CART_AT_META)).not.toContain(hash);
});

test('a newer add extends the window and ends the workflow of the older one', async () => {
  const { person } = somebody();
  const [older, newer] = [crypto.randomUUID(), crypto.randomUUID()];
  const now = seconds();
  await service.post({ ...person, event_id: older, timestamp: now - 3600 });
  const handle = service.client.workflow.getHandle(older);
  await until(() => handle.describe(), ({ status }) => status.name === 'RUNNING');
  const { body } = await service.post({ ...person, event_id: newer, timestamp: now });
  expect(Date.parse(String(body['until']))).toBe(Math.round(now * 1_000) + 7 * DAY_S * 1_000);
  expect(await handle.result()).toMatchObject({ audience: 'in', because: `added by ${newer}` });
});
