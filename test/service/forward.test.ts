/** `cio.forward` through the whole service: the door, Temporal, Postgres, and stand-ins of tools over HTTP. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { FaultName } from '../../src/sandbox/faults.ts';
import type { Forwarded } from '../../src/workflows/contract.ts';
import { runCommand } from '../support/command.ts';
import { SECRET, startService, type TestService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const SIGNING = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const registry = (changed = 'live'): string => `
sources:
  demo: { signing_secret: ${SECRET} }
audiences:
  high_intent_cart_7d_v1: { description: Abandoned a cart, owner: { name: Tests }, window: 7d }
actions:
  direct_mail:
    kind: http
    sandbox: true
    url: https://mail.example/v1/letters
    signing_secret: ${SIGNING}
    headers: { authorization: "Bearer a-secret-token" }
    timeout: 2s
    calls_per_minute: 100000
    body:
      customer: "{{ customer_id }}"
      sku: "{{ attributes.sku | default: 'none' }}"
      value: "{{ attributes.cart_value }}"
      campaign: "Because of {{ context.campaign_name }}"
  in_order: { kind: http, sandbox: true, ordered: true, url: "https://loyalty.example/points", timeout: 2s, calls_per_minute: 100000, body: { n: "{{ attributes.n }}", who: "{{ customer_id }}" } }
  ops_slack: { kind: slack, sandbox: true, bot_token: xoxb-for-tests, channel: C0OPS, text: "{{ customer_id }} left {{ attributes.cart }}", calls_per_minute: 100000 }
  analytics: { kind: segment, sandbox: true, write_key: a-write-key, event: "Cart abandoned" }
  held: { kind: segment, sandbox: true, write_key: a-write-key, event: Held, mode: ${changed} }
  tried: { kind: segment, sandbox: true, write_key: a-write-key, event: Tried, mode: test, test_profiles: [qa_1] }
`;

let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: registry('paused') });
});
afterAll(() => service.stop());
afterEach(async () => {
  service.sandbox.faults.set(undefined, null);
  await Promise.all(['direct_mail', 'in_order'].map((action) => service.parts.gateway.wakeAction(action, 'pushNow')));
});

const command = (...args: string[]) => runCommand(service, registry(), ...args);
const SYNC_STATE = defineSearchAttributeKey('SyncState', SearchAttributeType.KEYWORD);
const handle = (action: string) => service.client.workflow.getHandle(`headgate/action/${action}`);
const state = async (action: string): Promise<unknown> => (await handle(action).describe()).typedSearchAttributes.get(SYNC_STATE);
const details = async (action: string): Promise<string> => (await handle(action).query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';
const fault = (action: string, kind: FaultName, more: { ms?: number; values?: string[] } = {}, calls?: number): void => {
  service.sandbox.faults.set(action, { fault: kind, ms: more.ms ?? 0, values: more.values }, calls);
};
const received = (action: string) => service.sandbox.forwards.of(action);
const idsAt = (action: string): (string | null)[] => received(action).map(({ id }) => id);
async function forward(action: string, more: Record<string, unknown> = {}): Promise<string> {
  const { status, body } = await service.post({ ...somebody().person, event: 'cio.forward', audience_key: undefined, action, ...more });
  expect([status, body['status']]).toEqual([200, 'applied']);
  return String(body['event_id']);
}
const resultOf = (eventId: string): Promise<Forwarded> => until(() => service.client.workflow.getHandle(eventId).result() as Promise<Forwarded>, () => true);
const shown = async (eventId: string): Promise<Record<string, unknown>> => (await service.read(`/v1/events/${eventId}`)).body['forward'] as Record<string, unknown>;
const settled = (eventId: string): Promise<Record<string, unknown>> => until(() => shown(eventId), ({ state: at }) => at !== 'waiting', 60_000);

test('an event goes to its action once, signed, with its template filled in, and its workflow says what came back', async () => {
  const eventId = await forward('direct_mail', { customer_id: 'c_"1', attributes: { cart_value: 182.5 }, context: { campaign_name: 'Cart "abandoners" \\ ✓' } });
  const { forward: result, status } = await resultOf(eventId);
  expect([status, result]).toEqual(['applied', { action: 'direct_mail', state: 'sent', attempts: 1, status: 202, answer: `{"accepted":"${eventId}"}` }]);
  const came = received('direct_mail').find(({ id }) => id === eventId);
  expect(came).toMatchObject({ times: 1, method: 'POST', path: '/v1/letters', body: { customer: 'c_"1', sku: 'none', value: 182.5, campaign: 'Because of Cart "abandoners" \\ ✓' } });
  expect(came?.headers).toMatchObject({ 'idempotency-key': eventId, 'content-type': 'application/json' });
  expect((await service.post({ customer_id: 'c_"1', event: 'cio.forward', audience_key: undefined, action: 'direct_mail', event_id: eventId })).body['status']).toBe('duplicate');
  expect((await service.post({ customer_id: 'c_"1', event: 'cio.forward', audience_key: undefined, action: 'analytics', event_id: eventId })).status).toBe(409);
  expect(await service.database.query('select name, outcome, metric from exposures where event_id = $1', [eventId])).toEqual([{ name: 'cio.forward', outcome: 'noted', metric: 'direct_mail' }]);
});

test('Slack and Segment get what they understand; a value cannot mention a channel', async () => {
  const slack = await forward('ops_slack', { customer_id: 'c_2', attributes: { cart: '<!channel> & co' } });
  const track = await forward('analytics', { customer_id: 'c_3', attributes: { sku: 'A' }, context: { campaign_id: 7, campaign_name: 'Carts', step_id: '9' } });
  expect((await settled(slack))['state']).toBe('sent');
  expect((await settled(track))['state']).toBe('sent');
  expect(received('ops_slack')[0]).toMatchObject({ id: slack, path: '/api/chat.postMessage', body: { channel: 'C0OPS', text: 'c_2 left &lt;!channel&gt; &amp; co' } });
  expect(received('analytics')[0]).toMatchObject({ id: track, path: '/v1/track', body: { messageId: track, userId: 'c_3', event: 'Cart abandoned', properties: { sku: 'A' }, context: { campaign: { id: 7, name: 'Carts' }, step_id: '9' } } });
});

test('what the door does not understand is said with its path', async () => {
  const wrong = await service.post({ ...somebody().person, event: 'cio.forward', audience_key: undefined, action: 'nowhere' });
  expect([wrong.status, wrong.body['problems']]).toEqual([422, [{ path: 'action', message: '"nowhere" is not an action of headgate.yaml' }]]);
  expect((await service.post({ ...somebody().person, event: 'cio.forward', audience_key: undefined })).body['problems']).toEqual([{ path: 'action', message: 'is missing: say which action of headgate.yaml' }]);
  const test = await service.post({ ...somebody().person, event: 'cio.forward', audience_key: undefined, action: 'analytics', event_id: 'unsent' });
  expect(test.body['status']).toBe('test');
});

test('a refusal is final and shown in the tool\'s words, others go through, and a retry sends it again', async () => {
  fault('direct_mail', 'named_invalid', { values: ['poison'] });
  const refused = await forward('direct_mail', { attributes: { sku: 'poison' } });
  const other = await forward('direct_mail');
  expect(await settled(refused)).toMatchObject({ state: 'refused', attempts: 1, status: 422, reason: expect.stringContaining('this is not accepted') as string });
  expect((await settled(other))['state']).toBe('sent');
  expect((await resultOf(refused)).forward).toMatchObject({ state: 'refused', reason: expect.stringContaining('HTTP 422') as string });
  service.sandbox.faults.set(undefined, null);
  expect(await service.parts.gateway.updateAction('direct_mail', 'retry')).toContain('1 refused event');
  expect((await settled(refused))['state']).toBe('sent');
});

describe('sent again until the tool has it, and there it counts once', () => {
  test.each<FaultName>(['rate_limit', 'timeout_applied', 'reset_applied'])('after %s', async (kind) => {
    fault('direct_mail', kind, { ms: 1_000 }, 1);
    const eventId = await forward('direct_mail');
    expect(await settled(eventId)).toMatchObject({ state: 'sent', attempts: 2 });
    expect(idsAt('direct_mail').filter((id) => id === eventId)).toHaveLength(1);
  });
});

test('an event that alone breaks the tool holds up no other, and is tried for as long as it takes', async () => {
  fault('direct_mail', 'unnamed_invalid', { values: ['breaks'] });
  const broken = await forward('direct_mail', { attributes: { sku: 'breaks' } });
  await until(() => shown(broken), ({ attempts }) => Number(attempts) >= 1);
  const others = await Promise.all(Array.from({ length: 5 }, () => forward('direct_mail')));
  for (const other of others) expect((await settled(other))['state']).toBe('sent');
  expect(await shown(broken)).toMatchObject({ state: 'waiting', reason: expect.stringContaining('HTTP 500') as string });
  service.sandbox.faults.set(undefined, null);
  await service.parts.gateway.wakeAction('direct_mail', 'pushNow');
  expect((await settled(broken))['state']).toBe('sent');
});

test('a tool that is down is one line that says why, slows no other down, and gets everything once it is back', async () => {
  fault('direct_mail', 'unauthorised');
  const waiting = await Promise.all(Array.from({ length: 6 }, () => forward('direct_mail')));
  await until(() => state('direct_mail'), (at) => at === 'stuck', 30_000);
  expect(await details('direct_mail')).toMatch(/the key is not valid[^]*Look at the token/);
  const elsewhere = await forward('analytics');
  expect((await settled(elsewhere))['state']).toBe('sent');
  const list = (await service.read('/v1/actions')).body['actions'] as Record<string, unknown>[];
  expect(list.find(({ action }) => action === 'direct_mail')).toMatchObject({ state: 'stuck', waiting: 6, cause: expect.stringContaining('401') as string });
  service.sandbox.faults.set(undefined, null);
  await service.parts.gateway.wakeAction('direct_mail', 'pushNow');
  for (const eventId of waiting) expect((await settled(eventId))['state']).toBe('sent');
  await until(() => state('direct_mail'), (at) => at === 'ok', 30_000);
});

test('of one person, an ordered action gets one event after the other, as they were accepted; other persons do not wait', async () => {
  const [ada, bob] = [somebody().person, somebody().person];
  fault('in_order', 'unnamed_invalid', { values: ['first'] });
  const first = await forward('in_order', { ...ada, attributes: { n: 'first' } });
  const second = await forward('in_order', { ...ada, attributes: { n: 'second' } });
  const third = await forward('in_order', { ...ada, attributes: { n: 'third' } });
  const other = await forward('in_order', { ...bob, attributes: { n: 'of bob' } });
  expect((await settled(other))['state']).toBe('sent');
  expect([(await shown(first))['state'], (await shown(second))['state']]).toEqual(['waiting', 'waiting']);
  service.sandbox.faults.set(undefined, null);
  await service.parts.gateway.wakeAction('in_order', 'pushNow');
  await settled(third);
  expect(received('in_order').map(({ body }) => (body as { n: string }).n)).toEqual(['of bob', 'first', 'second', 'third']);
});

test('in mode test only test profiles are sent; paused keeps everything until headgate.yaml says otherwise', async () => {
  const [mine, theirs] = [await forward('tried', { customer_id: 'qa_1' }), await forward('tried')];
  expect((await settled(mine))['state']).toBe('sent');
  expect(await settled(theirs)).toMatchObject({ state: 'skipped', attempts: 1 });
  expect(idsAt('tried')).toEqual([mine]);
  const held = await forward('held');
  await until(() => state('held'), (at) => at === 'paused');
  expect(idsAt('held')).toEqual([]);
  await service.stopHeadgate();
  await service.startHeadgate(registry('live'));
  expect((await settled(held))['state']).toBe('sent');
});

test('an operator pauses an action, and resumes it', async () => {
  expect(await service.parts.gateway.updateAction('analytics', 'pause')).toContain('is paused');
  const eventId = await forward('analytics');
  await until(() => service.client.workflow.getHandle(eventId).query<{ currentDetails?: string }>('__temporal_workflow_metadata'), ({ currentDetails }) => currentDetails?.includes('it is paused') ?? false);
  expect((await shown(eventId))['state']).toBe('waiting');
  await service.parts.gateway.updateAction('analytics', 'resume');
  expect((await resultOf(eventId)).forward.state).toBe('sent');
});

test('a call that nobody settled, because its worker was killed, is made again under the same id', async () => {
  const eventId = await forward('held', { attributes: { of: 'a killed worker' } });
  await settled(eventId);
  await service.database.query(`update forwards set state = 'waiting', settled_at = null, calling_until = clock_timestamp() + interval '1 second', fields = $2 where event_id = $1`, [eventId, JSON.stringify({ event_id: eventId, customer_id: 'c', context: {}, attributes: {} })]);
  await service.parts.gateway.wakeAction('held');
  expect((await settled(eventId))['state']).toBe('sent');
  expect(received('held').find(({ id }) => id === eventId)?.times).toBe(2);
});

test('an operator sends an event, looks at it, lists the actions and tries one, all from the command line', async () => {
  const sent = await command('send', 'forward', '--action', 'direct_mail', '--customer-id', 'c_cli', '--attribute', 'sku=FROM-CLI', '--json');
  const eventId = (JSON.parse(sent.output) as { event_id: string }).event_id;
  await settled(eventId);
  expect((await command('event', eventId)).output).toMatch(/direct_mail: sent at .*1 attempt[^]*HTTP 202/);
  expect((await command('action', 'list')).output).toMatch(/direct_mail .*http .*live .*ok/);
  const dry = await command('action', 'test', 'direct_mail', '--attribute', 'sku=TRIED', '--dry-run');
  expect([dry.output.includes('"sku": "TRIED"'), dry.output.includes('a-secret-token'), idsAt('direct_mail').some((id) => id?.startsWith('headgate-test-'))]).toEqual([true, false, false]);
  fault('ops_slack', 'misconfigured');
  const failed = await command('action', 'test', 'ops_slack');
  expect([failed.status, failed.output]).toEqual([1, expect.stringContaining('channel_not_found → Invite the app')]);
});

test('headgate template --check posts every template with people of every kind to a running Headgate, which decides nothing', async () => {
  const counts = (): Promise<unknown> => service.database.query("select (select count(*) from memberships) as members, (select count(*) from forwards) as forwards, (select count(*) from exposures) as exposures, (select count(*) from quarantine) as quarantined");
  const before = await counts();
  const { output, status, errors } = await command('template', '--check', '--url', service.url, '--json');
  expect([status, errors]).toEqual([0, '']);
  const { templates } = JSON.parse(output) as { templates: { what: string; rendered: { answer: string; problems: string[] }[] }[] };
  expect(templates.map(({ what }) => what)).toEqual(['cio.audience_add high_intent_cart_7d_v1', 'cio.audience_remove high_intent_cart_7d_v1', 'cio.exposure', ...['direct_mail', 'in_order', 'ops_slack', 'analytics', 'held', 'tried'].map((action) => `cio.forward ${action}`)]);
  for (const { answer } of templates.flatMap(({ rendered }) => rendered)) expect(answer).toContain('200 {"status":"test","event_id":"unsent"');
  expect(await counts()).toEqual(before);
});

test('answers are kept without e-mail addresses, and an erased person is gone from what went to actions', async () => {
  const { person } = somebody();
  const eventId = await forward('direct_mail', { ...person, attributes: { note: 'a note of theirs' } });
  await settled(eventId);
  const rows = async (): Promise<unknown[]> => service.database.query('select 1 from forwards where event_id = $1', [eventId]);
  expect(await rows()).toHaveLength(1);
  const { output, status } = await command('person', 'erase', '--customer-id', person.customer_id, '--json');
  expect(status).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ receipt: { rows: { forwards: 1 } } });
  expect(await rows()).toEqual([]);
  expect((await service.post({ ...person, event: 'cio.forward', audience_key: undefined, action: 'direct_mail', event_id: eventId })).body['status']).toBe('duplicate');
});
