/** The whole example: real workflows, on a Temporal server that skips time. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestKit, type TestKit } from 'headgate/testing';

/** What the shop would answer, by subscription; `down`: it fails three times. */
const shop = new Map<string, string>();
let refused = 0;
const askShop: typeof fetch = (input) => {
  const id = new URL(input instanceof Request ? input.url : input).pathname.split('/').at(-1) ?? '';
  const status = shop.get(id) ?? 'paused';
  if (status !== 'down') return Promise.resolve(Response.json({ status }));
  if (++refused === 3) shop.delete(id);
  return Promise.resolve(new Response('', { status: 503 }));
};

let kit: TestKit;
beforeAll(async () => {
  kit = await createTestKit({
    workflows: `${import.meta.dirname}/workflows`,
    actions: ['direct_mail', 'loyalty'],
    settings: { 'win-back': { shop_url: 'https://shop.example/subscriptions/{subscription_id}' } },
    fetch: askShop,
  });
});
afterAll(() => kit.close());

type Person = ReturnType<TestKit['webhooks']['person']>;
const pause = (person: Person, at?: Date) => kit.send('subscription.paused', { person, attributes: { subscription_id: `sub_${person.customer_id}`, product: 'Coffee' }, ...(at ? { at } : {}) });
const resume = (person: Person, at?: Date) => kit.send('subscription.resumed', { person, attributes: { subscription_id: `sub_${person.customer_id}` }, ...(at ? { at } : {}) });
const sentTo = ({ customer_id }: Person): string[] => kit.emitted().filter(({ customerId }) => customerId === customer_id).map(({ action }) => action ?? '');

/** Pauses, and waits until the person's workflow runs and sleeps. */
async function pausing(person: Person) {
  const run = await pause(person);
  await run.result();
  const entity = kit.entity('winBack', run.personId);
  await kit.until(() => entity.query<{ doing: string }>('standing'), ({ doing }) => doing === 'waits before the postcard');
  return { run, entity, ended: () => kit.resultOf(entity) };
}

test('a postcard after three days, a bonus two weeks later, and a month later it gives up', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  const { run, entity, ended } = await pausing(person);
  await kit.sleep('2 days');
  expect(sentTo(person)).toEqual([]);
  await kit.sleep('25 hours');
  await kit.until(() => sentTo(person), ({ length }) => length === 1);
  expect(kit.actions.calls('direct_mail', person.customer_id)).toMatchObject([{ eventId: `${run.eventId}~postcard`, attributes: { subscription_id: `sub_${person.customer_id}`, product: 'Coffee' } }]);
  await kit.sleep('14 days');
  await kit.until(() => sentTo(person), ({ length }) => length === 2);
  expect(await entity.query('standing')).toMatchObject({ doing: 'waits after the bonus' });
  expect(await ended()).toEqual({ because: 'gave up', sent: [`${run.eventId}~postcard`, `${run.eventId}~bonus`] });
  expect(sentTo(person)).toEqual(['direct_mail', 'loyalty']);
});

test.for([
  ['before the postcard', '2 days', []],
  ['between postcard and bonus', '10 days', ['direct_mail']],
  ['after the bonus', '20 days', ['direct_mail', 'loyalty']],
] as const)('a resumed subscription ends it %s', async ([, days, sent], context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  const { ended } = await pausing(person);
  await kit.sleep(days);
  expect(await (await resume(person)).result()).toMatchObject({ told: 'told' });
  expect(await ended()).toMatchObject({ because: 'resumed' });
  expect(sentTo(person)).toEqual(sent);
});

test('a signal that was lost is made up for by the ledger, at the next look', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  const { ended } = await pausing(person);
  // In the ledger, and nobody is told: as if Temporal had lost the signal.
  await kit.remember('subscription.resumed', { person, attributes: { subscription_id: `sub_${person.customer_id}` } });
  expect(await ended()).toEqual({ because: 'resumed', sent: [] });
});

test('a resumption that came first, late news of the pause, and both at the same time: no postcard', async (context) => {
  kit.needsTimeSkipping(context);
  const now = await kit.now();
  for (const pausedAt of [new Date(now.getTime() - 60_000), now]) {
    const person = kit.webhooks.person();
    await (await resume(person, now)).result();
    const run = await pause(person, pausedAt);
    await run.result();
    expect(await kit.resultOf(kit.entity('winBack', run.personId))).toEqual({ because: 'resumed', sent: [] });
  }
});

test('a second pause without a resumption belongs to the first', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  const { run, ended } = await pausing(person);
  await kit.sleep('1 day');
  await (await pause(person)).result();
  expect(await ended()).toEqual({ because: 'gave up', sent: [`${run.eventId}~postcard`, `${run.eventId}~bonus`] });
});

test('who resumes and pauses again, begins again; the lost word of the resumption does not matter', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  const { ended } = await pausing(person);
  await kit.sleep('1 day');
  await kit.remember('subscription.resumed', { person, attributes: { subscription_id: `sub_${person.customer_id}` } });
  await kit.sleep('1 day');
  const again = await pause(person);
  await again.result();
  await kit.sleep('2 days');
  // Three days after the first pause and two after the second.
  expect(sentTo(person)).toEqual([]);
  expect(await ended()).toEqual({ because: 'gave up', sent: [`${again.eventId}~postcard`, `${again.eventId}~bonus`] });
});

test('nobody gets a second postcard within ninety days', async (context) => {
  kit.needsTimeSkipping(context);
  const person = kit.webhooks.person();
  const first = await pausing(person);
  await kit.sleep('4 days');
  await (await resume(person)).result();
  await first.ended();
  await kit.sleep('20 days');
  const second = await pausing(person);
  expect(await second.ended()).toEqual({ because: 'had a postcard not long ago', sent: [] });
  await kit.sleep('90 days');
  const third = await pausing(person);
  expect(await third.ended()).toMatchObject({ because: 'gave up' });
  expect(sentTo(person)).toEqual(['direct_mail', 'direct_mail', 'loyalty']);
});

test('a lead who turns out to be a customer is still found', async (context) => {
  kit.needsTimeSkipping(context);
  const lead = kit.webhooks.lead();
  const run = await kit.send('subscription.paused', { person: lead, attributes: { subscription_id: 'sub_lead' } });
  await run.result();
  // The customer has resumed, with the lead's address.
  const known = await kit.send('subscription.resumed', { person: { customer_id: 'c_known', ...lead }, attributes: { subscription_id: 'sub_lead' } });
  expect(await known.result()).toMatchObject({ told: 'told', workflowId: `headgate/entity/winBack/${run.personId}` });
  expect(await kit.resultOf(kit.entity('winBack', run.personId))).toMatchObject({ because: 'resumed' });
});

test('the shop has the last word; while it is down nothing is sent, and nothing is lost', async (context) => {
  kit.needsTimeSkipping(context);
  const active = kit.webhooks.person();
  shop.set(`sub_${active.customer_id}`, 'active');
  expect(await (await pausing(active)).ended()).toEqual({ because: 'resumed', sent: [] });

  const person = kit.webhooks.person();
  shop.set(`sub_${person.customer_id}`, 'down');
  const { ended } = await pausing(person);
  expect(await ended()).toMatchObject({ because: 'gave up' });
  expect(kit.failedAttempts.filter(({ step }) => step === 'askShop')).toHaveLength(3);
});
