/** The whole example: real workflows, on a Temporal server that skips time. The rule alone is tried on thousands of customers in judge.test.ts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestKit, type TestKit, type WebhookOptions } from 'headgate/testing';

let kit: TestKit;
beforeAll(async () => {
  kit = await createTestKit({ workflows: `${import.meta.dirname}/workflows`, actions: ['cx_tool'] });
});
afterAll(() => kit.close());

type Person = ReturnType<TestKit['webhooks']['person']>;
const refund = (person: NonNullable<WebhookOptions['person']>, options: WebhookOptions = {}) => kit.send('shop.refund', { person, attributes: { order_id: 'o-1', amount: 25 }, ...options });
const tasksOf = ({ customer_id }: Person) => kit.actions.calls('cx_tool', customer_id);

/** Sends so many refunds at the same moment and waits for all their workflows. */
async function burst(person: Person, size: number): Promise<void> {
  const at = await kit.now();
  const runs = await Promise.all(Array.from({ length: size }, () => refund(person, { at })));
  await Promise.all(runs.map((run) => run.result()));
}

test('the third refund within sixty days opens one task', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  expect(await (await refund(person)).result()).toMatchObject({ task: null, because: 'few' });
  await kit.sleep('30 days');
  expect(await (await refund(person)).result()).toMatchObject({ task: null, because: 'few' });
  await kit.sleep('29 days');
  const third = await refund(person, { attributes: { order_id: 'o-3', amount: 25 } });
  expect(await third.result()).toMatchObject({ because: '3 refunds' });
  expect(tasksOf(person)).toMatchObject([{ emittedBy: third.eventId, attributes: { title: '3 refunds within 60 days', refunds: 3, latest_order: 'o-3' } }]);
});

test('three refunds of the same moment, and two more, open one task with all of them', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  await burst(person, 5);
  expect(tasksOf(person)).toMatchObject([{ attributes: { refunds: 5 } }]);
});

test('a repeated webhook counts once; one that comes late counts where it belongs', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  const first = await kit.now();
  await kit.sleep('50 days');
  for (const times of [1, 2, 3]) expect((await refund(person, { event_id: 'again' })).status).toBe(times === 1 ? 'applied' : 'duplicate');
  await (await refund(person)).result();
  expect(tasksOf(person)).toHaveLength(0);
  expect(await (await refund(person, { at: first })).result()).toMatchObject({ because: '3 refunds' });
  expect(tasksOf(person)).toHaveLength(1);
});

test('quiet for thirty days after a task; then it goes on', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  await burst(person, 3);
  await kit.sleep('29 days');
  expect(await (await refund(person)).result()).toMatchObject({ because: 'quiet' });
  await kit.sleep('2 days');
  expect(await (await refund(person)).result()).toMatchObject({ because: '5 refunds' });
  expect(tasksOf(person)).toHaveLength(2);
});

test('settled refunds do not count, and end the quiet', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  await burst(person, 3);
  await kit.sleep('1 day');
  await (await kit.send('shop.refund_cleared', { person, attributes: { by: 'Kim' } })).result();
  await kit.sleep('1 day');
  expect(await (await refund(person)).result()).toMatchObject({ because: 'few' });
  await burst(person, 2);
  expect(tasksOf(person)).toHaveLength(2);
});

test('a lead and a customer who turn out to be one, in the middle of it, get one task', async (context) => {
  kit.needsTimeSkipping(context);
  const lead = kit.webhooks.lead();
  const customer = { customer_id: 'c_merged' };
  const before = await Promise.all([refund(lead), refund(lead), refund(customer)]);
  // This one names both.
  const linking = await refund({ ...customer, ...lead });
  const after = await refund(customer);
  await Promise.all([...before, linking, after].map((run) => run.result()));
  const tasks = kit.emitted().filter(({ emittedBy }) => [...before, linking, after].some(({ eventId }) => eventId === emittedBy));
  expect(tasks).toMatchObject([{ event: 'cio.forward', attributes: { refunds: 5 } }]);
});
