/** Workflow types from a folder outside the source tree, through the whole service: the door, the ledger, Temporal, tools. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { copyTypes, type OutsideTypes } from '../support/outside-types.ts';
import { SECRET, startService, type TestService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const registry = (types: string): string => `
sources:
  demo: { signing_secret: ${SECRET} }
audiences:
  high_intent_cart_7d_v1: { description: Abandoned a cart, owner: { name: Tests }, window: 7d }
actions:
  cx_tool: { kind: http, sandbox: true, url: "https://cx.example/tasks", calls_per_minute: 100000, body: { who: "{{ customer_id }}", refunds: "{{ attributes.refunds }}", order: "{{ attributes.order }}" } }
${types}
`;

let outside: OutsideTypes;
let service: TestService;
let withTypes: string;
beforeAll(async () => {
  outside = await copyTypes();
  withTypes = registry(`workflows: { folders: [${outside.folder}], settings: { refund-watch: { shop: main } } }`);
  service = await startService({ registry: withTypes });
});
afterAll(async () => {
  await service.stop();
  await outside.remove();
});

const handle = (eventId: string) => service.client.workflow.getHandle(eventId);
const resultOf = <T>(eventId: string): Promise<T> => until(() => handle(eventId).result() as Promise<T>, () => true);
const send = (event: string, person: object, attributes: object, more: object = {}) => service.post({ event, audience_key: undefined, ...person, attributes, ...more });
async function sent(event: string, person: object, attributes: object, more: object = {}): Promise<string> {
  const { status, body } = await send(event, person, attributes, more);
  expect([status, body['status']]).toEqual([200, 'applied']);
  return String(body['event_id']);
}
const received = () => service.sandbox.forwards.of('cx_tool');

test('the third refund in 60 days opens one task, whatever comes twice, and older refunds do not count', async () => {
  const { person } = somebody();
  const day = 86_400;
  const now = Math.floor(Date.now() / 1_000);
  const refund = (order: string, days: number, eventId?: string) =>
    sent('shop.refund', person, { order_id: order, amount: 20 }, { timestamp: now - days * day, ...(eventId === undefined ? {} : { event_id: eventId }) });
  await refund('o-0', 61);
  const first = await refund('o-1', 59);
  const second = await refund('o-2', 1);
  const third = await refund('o-3', 0);
  expect(await resultOf(first)).toEqual({ refunds: 2, order: 'main order o-1', last: expect.any(String) as string });
  expect(await resultOf(second)).toMatchObject({ refunds: 2, last: first });
  expect(await resultOf(third)).toMatchObject({ refunds: 3, last: second });
  const tasksOfThem = () => received().filter(({ body }) => (body as { who: string }).who === person.customer_id);
  const calls = await until(tasksOfThem, (found) => found.length > 0);
  expect(calls).toMatchObject([{ id: `${third}~task`, body: { refunds: 3, order: 'main order o-3' } }]);
  const again = await send('shop.refund', person, { order_id: 'o-3', amount: 20 }, { event_id: third, timestamp: now });
  expect(again.body).toMatchObject({ status: 'duplicate', first: 'applied' });
  // The task is an event like any other.
  expect((await service.read(`/v1/events/${third}~task`)).body).toMatchObject({ name: 'cio.forward', forward: { action: 'cx_tool' }, attributes: { refunds: 3 } });
});

test('its workflow says in the Temporal UI what it is about, and is found by its own search attribute', async () => {
  const eventId = await sent('shop.refund', somebody().person, { order_id: 'o-found', amount: 12.5 });
  await resultOf(eventId);
  const described = await handle(eventId).describe();
  expect([described.type, described.taskQueue, await described.staticSummary()]).toEqual(['refundWatch', 'headgate-steps', 'refund of 12.5 for o-found']);
  const keyword = (name: string) => described.typedSearchAttributes.get(defineSearchAttributeKey(name, SearchAttributeType.KEYWORD));
  expect([keyword('EventName'), keyword('Source'), keyword('OrderId')]).toEqual(['shop.refund', 'demo', 'o-found']);
  const event = (await service.read(`/v1/events/${eventId}`)).body;
  expect(event).toMatchObject({ name: 'shop.refund', status: 'applied', attributes: { order_id: 'o-found', amount: 12.5, currency: 'EUR' } });
  const { person_id: personId } = event;
  expect(keyword('PersonId')).toBe(personId);
  const metrics = await service.parts.metrics.text();
  expect(metrics).toMatch(/headgate_type_workflows_started_total\{workflow="refundWatch"\} [1-9]/);
  expect(metrics).toMatch(/headgate_type_steps_total\{workflow="refundWatch",step="lookUpOrder",outcome="done"\} [1-9]/);
});

test('every mistake in its attributes is listed; the event waits in quarantine and is replayed once it is mended', async () => {
  const { person } = somebody();
  const { status, body } = await send('shop.refund', person, { order_id: '', amount: 'a lot', note: 'call ada@example.com' }, { event_id: 'refund-with-mistakes' });
  expect([status, body['status']]).toEqual([422, 'invalid']);
  expect((body['problems'] as { path: string }[]).map(({ path }) => path)).toEqual(['attributes.order_id', 'attributes.amount']);
  const kept = (await service.read('/v1/quarantine?event=shop.refund')).body['entries'] as { id: number }[];
  const response = await fetch(`${service.url}/v1/quarantine/${String(kept[0]?.id)}/replay`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ set: { 'attributes.order_id': 'o-mended', 'attributes.amount': 5 } }),
  });
  expect(await response.json()).toMatchObject({ outcome: 'replayed', status: 'applied' });
  expect(await resultOf('refund-with-mistakes')).toMatchObject({ refunds: 1, order: 'main order o-mended' });
  expect((await service.read('/v1/events/refund-with-mistakes')).body['attributes']).toMatchObject({ note: expect.stringContaining('sha256:') as string });
});

test('an event of no type is refused with the names that there are', async () => {
  const { status, body } = await send('shop.unknown', somebody().person, {});
  expect(status).toBe(422);
  expect(body['problems']).toEqual([{ path: 'event', message: expect.stringContaining('shop.refund, shop.subscription_paused') as string }]);
});

test('an entity lives for each person, is told by other types, and its person may turn out to be another one meanwhile', async () => {
  const known = somebody().person;
  // Paused as a lead, who has only an e-mail address.
  const paused = await sent('shop.subscription_paused', { email: known.email, customer_id: undefined }, { subscription_id: 's-1' });
  const entity = await resultOf<string>(paused);
  expect(entity).toMatch(/^headgate\/entity\/winBack\/p_/);
  await until(received, (calls) => calls.some(({ id }) => id === `${paused}~letter`));
  expect(await resultOf<string>(await sent('shop.subscription_resumed', somebody().person, {}))).toBe('nobody');
  // A customer who had been known before: the lead is merged into them.
  await sent('cio.exposure', { customer_id: known.customer_id }, {}, { exposure: 'seen' });
  const resumed = await sent('shop.subscription_resumed', known, {});
  expect(await resultOf<string>(resumed)).toBe('told');
  expect(await resultOf(entity)).toEqual({ pauses: 1, resumedBy: resumed });
});

test('whoever is erased is forgotten by their entity too', async () => {
  const { person } = somebody();
  const entity = await resultOf<string>(await sent('shop.subscription_paused', person, { subscription_id: 's-9' }));
  // Visibility tells of it a little later.
  const personId = entity.split('/').at(-1) ?? '';
  const listed = async (): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { workflowId } of service.client.workflow.list({ query: `PersonId = '${personId}'` })) ids.push(workflowId);
    return ids;
  };
  await until(listed, (ids) => ids.includes(entity));
  const response = await fetch(`${service.url}/v1/erasures`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ customer_id: person.customer_id, by: 'tests' }) });
  expect(response.status).toBeLessThan(300);
  await until(() => handle(entity).describe().then(() => 'there', (error: unknown) => (error as Error).name), (seen) => seen === 'WorkflowNotFoundError');
});

test('a process without the type takes none of its work: events that were accepted go on when one with it is back', async () => {
  const { person } = somebody();
  const { event } = await understood(person);
  await service.stopHeadgate();
  await service.startHeadgate(registry('workflows: []'));
  expect((await send('shop.refund', person, { order_id: 'o-1', amount: 1 })).status).toBe(422);
  // Accepted by another process, and not started: this one looks into the outbox.
  await service.parts.ledger.applyEvents([{ kind: 'event', event }]);
  await until(() => handle(event.eventId).describe(), ({ status }) => status.name === 'RUNNING');
  await service.stopHeadgate();
  await service.startHeadgate(withTypes);
  expect(await resultOf(event.eventId)).toMatchObject({ refunds: 1 });
});

async function understood(person: object) {
  const { eventFromObject } = await import('../../src/api/event-from-body.ts');
  const { types } = service.parts.registry.policies;
  const made = eventFromObject(
    { schema_version: 1, event_id: crypto.randomUUID(), event: 'shop.refund', ...person, attributes: { order_id: 'o-1', amount: 1 } },
    { source: 'demo', people: 'demo', receivedAt: Date.now(), hasAudience: () => false, types, identify: () => ({ claim: {}, identifiers: {} }) },
  );
  if ('problems' in made) throw new Error(JSON.stringify(made.problems));
  return made;
}
