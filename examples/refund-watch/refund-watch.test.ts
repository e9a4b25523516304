/** The whole example: real workflows, in a Temporal server that skips time. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestKit, type TestKit } from 'headgate/testing';

let kit: TestKit;
beforeAll(async () => {
  kit = await createTestKit({ workflows: `${import.meta.dirname}/workflows`, actions: ['cx_tool'] });
});
afterAll(() => kit.close());

test('the third refund within sixty days opens one task, and only that one', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  const refund = (orderId: string) => kit.send('shop.refund', { person, attributes: { order_id: orderId, amount: 25 } });
  expect(await (await refund('o-1')).result()).toMatchObject({ task: null, because: 'few' });
  await kit.sleep('30 days');
  expect(await (await refund('o-2')).result()).toMatchObject({ task: null, because: 'few' });
  await kit.sleep('29 days');
  const third = await refund('o-3');
  expect(await third.result()).toMatchObject({ because: '3 refunds' });
  expect(kit.actions.calls('cx_tool', person.customer_id)).toMatchObject([{ emittedBy: third.eventId, attributes: { title: '3 refunds within 60 days', refunds: 3, latest_order: 'o-3' } }]);
});
