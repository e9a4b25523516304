/**
 * Payload encryption through the whole service: what the server of Temporal holds (asked over gRPC, without keys), and keys that come, change and go while
 * workflows sleep. The tests of this file go on from one another: each starts Headgate anew with other keys, on the same ledger and Temporal.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sha256 } from '../../src/destinations/user-data.ts';
import { writeNewKey } from '../../src/encryption/index.ts';
import { runCommand } from '../support/command.ts';
import { readRaw, type RawWorkflow } from '../support/raw-histories.ts';
import { CART_AT_META, REGISTRY, startService, type TestService } from '../support/service.ts';
import { somebody, type Somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
const SYNC = `headgate/sync/meta_main/${CART}`;
const [A, B] = [writeNewKey('2026-05'), writeNewKey('2026-11')];
const WITH_ACTION = `${REGISTRY}
actions:
  ops_slack: { kind: slack, sandbox: true, bot_token: xoxb-for-tests, channel: C0OPS, text: "{{ customer_id }} left {{ attributes.cart }}", calls_per_minute: 100000 }
`;

let service: TestService;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-keys-'));
  service = await startService({ registry: WITH_ACTION });
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

const isIn = (who: Somebody, expected: boolean) => until(() => service.members(CART_AT_META).includes(who.hash), (found) => found === expected, 60_000);

/** Somebody whose workflow is open because they are in the audience. */
interface Sleeper {
  who: Somebody;
  eventId: string;
}

async function enter(more: Record<string, unknown> = {}): Promise<Sleeper> {
  const [who, eventId] = [somebody(), crypto.randomUUID()];
  expect((await service.post({ ...who.person, event_id: eventId, ...more })).body['status']).toBe('applied');
  await isIn(who, true);
  await until(() => service.client.workflow.getHandle(eventId).describe().catch(() => undefined), (found) => found?.status.name === 'RUNNING');
  return { who, eventId };
}

/** The removal ends the sleeper's workflow, which has to read its own history for that. */
const leave = async ({ who }: Sleeper): Promise<void> => {
  expect((await service.post({ ...who.person, event: 'cio.audience_remove' })).body['status']).toBe('applied');
};
const ended = ({ eventId }: Sleeper) => until(() => service.client.workflow.getHandle(eventId).describe(), ({ status }) => status.name === 'COMPLETED', 90_000);
const restart = async (variables: Record<string, string>): Promise<void> => {
  await service.stopHeadgate();
  await service.startHeadgate(undefined, variables);
};
const rawOf = async ({ eventId }: Pick<Sleeper, 'eventId'>): Promise<RawWorkflow> => (await readRaw(service.temporal, `WorkflowId = '${eventId}'`))[0]!;
const keysIn = ({ payloads }: RawWorkflow): unknown[] => [...new Set(payloads.filter(({ path }) => !isPlainByNature(path)).map(({ keyId, encoding }) => keyId ?? encoding))];

/** What docs/encryption.md says is never encrypted: search attributes, and what Temporal's own worker notes of itself. */
const isPlainByNature = (path: string): boolean => /[sS]earchAttributes\.indexedFields|markerRecordedEventAttributes\.details\.data$/.test(path);

const ENCRYPTED = [
  'workflowExecutionStartedEventAttributes.input',
  'workflowExecutionCompletedEventAttributes.result',
  'described.executionConfig.userMetadata.summary',
  'userMetadata.summary',
  'markerRecordedEventAttributes.details.result',
  'activityTaskScheduledEventAttributes.input',
  'activityTaskCompletedEventAttributes.result',
  'activityTaskFailedEventAttributes.failure.encodedAttributes',
  'activityTaskFailedEventAttributes.failure.applicationFailureInfo.details',
  'workflowExecutionUpdateAcceptedEventAttributes.acceptedRequest.input.args',
  'workflowExecutionUpdateCompletedEventAttributes.outcome.success',
];

const sleepers: Record<'plain' | 'a1' | 'a2' | 'a3', Sleeper> = {} as never;

test('switched on while plain workflows sleep: they go on', async () => {
  sleepers.plain = await enter();
  expect(keysIn(await rawOf(sleepers.plain))).toEqual(['json/plain']);
  await restart({ HEADGATE_ENCRYPTION_KEYS: A });
  await leave(sleepers.plain);
  await ended(sleepers.plain);
  await isIn(sleepers.plain.who, false);
  expect(keysIn(await rawOf(sleepers.plain))).toEqual(['json/plain', '2026-05']);
});

test('the server of Temporal holds nothing of a person or of attributes, but for what the guide says', async () => {
  const secrets = { attribute: 'a-very-private-sku', campaign: 'Divorced lately', phone: '+15559876543' };
  const more = { attributes: { sku: secrets.attribute }, context: { campaign_name: secrets.campaign }, phone: secrets.phone };
  sleepers.a1 = await enter(more);
  // Failures too: of a step that is tried again, of one that gives up, and of an update that is refused.
  service.sandbox.faults.set('meta_main', { fault: 'http_500', ms: 0 });
  const failing = somebody();
  await service.post({ ...failing.person, ...more });
  const sync = service.client.workflow.getHandle(SYNC);
  const details = async (): Promise<string> => (await sync.query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';
  await until(details, (seen) => seen.includes('Service temporarily unavailable'));
  service.sandbox.faults.set(undefined, null);
  await service.parts.gateway.wakeSync({ destination: 'meta_main', audienceKey: CART }, 'pushNow');
  await isIn(failing, true);
  await expect(service.parts.gateway.updateSync({ destination: 'meta_main', audienceKey: CART }, 'retry', sleepers.a1.who.person.customer_id)).resolves.toContain('tried again');
  const forwarded = crypto.randomUUID();
  const forwarding = somebody();
  await service.post({ ...forwarding.person, ...more, attributes: { cart: secrets.attribute }, event: 'cio.forward', audience_key: undefined, action: 'ops_slack', event_id: forwarded });
  await until(() => service.sandbox.forwards.of('ops_slack').map(({ id }) => id), (ids) => ids.length > 0);
  await until(() => service.client.workflow.getHandle(forwarded).describe().catch(() => undefined), (found) => found?.status.name === 'COMPLETED');
  sleepers.a2 = await enter(more);
  sleepers.a3 = await enter();

  const raw = (await readRaw(service.temporal)).filter(({ workflowId }) => workflowId !== sleepers.plain.eventId);
  expect(raw.map(({ type }) => type)).toEqual(expect.arrayContaining(['audienceAdd', 'audienceRemove', 'audienceSync', 'actionQueue', 'forward', 'schedule']));
  // Of all syncs, queues and schedules, those that were started plain have plain payloads from before.
  const since = raw.filter(({ type }) => ['audienceAdd', 'audienceRemove', 'forward'].includes(type));
  const plain = since.flatMap(({ type, payloads }) => payloads.filter(({ encoding, path }) => encoding !== 'binary/encrypted' && !isPlainByNature(path)).map(({ path }) => `${type} ${path}`));
  expect([...new Set(plain)]).toEqual([]);
  const people = [sleepers.a1.who, sleepers.a2.who, failing, forwarding].flatMap(({ person, hash }) => [person.email, person.customer_id, hash]);
  const private_ = [...Object.values(secrets), sha256(secrets.phone), sha256(secrets.phone.slice(1)), ...people, 'temporarily unavailable', 'sku', 'campaign_name'];
  for (const { workflowId, type, everything } of raw) expect({ workflowId, type, found: private_.filter((secret) => everything.includes(secret)) }).toEqual({ workflowId, type, found: [] });
  // The same search finds what it looks for where it is allowed to stand.
  expect(raw.some(({ everything }) => everything.includes(CART))).toBe(true);
  // Summaries, updates, failures, what steps found: each is a payload, and encrypted.
  const encrypted = new Set(raw.flatMap(({ payloads }) => payloads.filter(({ encoding }) => encoding === 'binary/encrypted').map(({ path }) => path.replace(/^events\./, ''))));
  for (const path of ENCRYPTED) expect(encrypted).toContain(path);
}, 180_000);

test('rotated while a workflow sleeps: with the new key first and the old one behind it, it goes on', async () => {
  await restart({ HEADGATE_ENCRYPTION_KEYS: `${B},${A}` });
  await leave(sleepers.a1);
  await ended(sleepers.a1);
  await isIn(sleepers.a1.who, false);
  expect(keysIn(await rawOf(sleepers.a1))).toEqual(['2026-05', '2026-11']);
  expect(await service.client.workflow.getHandle(sleepers.a1.eventId).result()).toMatchObject({ audience: 'out' });
});

test('what goes on for ever is begun anew, so that it does not need the old key for ever', async () => {
  const target = { destination: 'meta_main', audienceKey: CART };
  await service.parts.gateway.updateSync(target, 'pause');
  const before = await service.client.workflow.getHandle(SYNC).describe();
  const since = new Date().toISOString();
  const { variables } = service.parts.environment;
  const command = async (...args: string[]) => runCommand(service, WITH_ACTION, 'encryption', ...args, '--since', since, '--json');
  vi.stubEnv('HEADGATE_ENCRYPTION_KEYS', variables['HEADGATE_ENCRYPTION_KEYS']);
  const needed = await until(async () => JSON.parse((await command('status')).output) as { for_ever: string[]; needed: boolean; reads_with: string[] }, ({ for_ever: ids }) => ids.includes(SYNC));
  expect(needed).toMatchObject({ needed: true, reads_with: ['2026-11', '2026-05'] });
  expect((await command('renew')).status).toBe(0);
  vi.unstubAllEnvs();
  const after = await service.client.workflow.getHandle(SYNC).describe();
  expect(after.runId).not.toBe(before.runId);
  // A pause outlives it, and everything that the new run and the new schedule hold is of the new key.
  expect(await service.read(`/v1/audiences/${CART}`)).toMatchObject({ body: { targets: [{ state: 'paused' }] } });
  await service.parts.gateway.updateSync(target, 'resume');
  const raw = await readRaw(service.temporal, `ExecutionStatus = 'Running' AND WorkflowType IN ('audienceSync', 'actionQueue') AND StartTime > '${since}'`);
  expect(raw.map(({ type }) => type)).toEqual(expect.arrayContaining(['audienceSync', 'actionQueue', 'schedule']));
  for (const one of raw) expect({ id: one.workflowId, keys: keysIn(one) }).toEqual({ id: one.workflowId, keys: ['2026-11'] });
});

test('the old key dropped too early: the workflow stays open and says which key it wants, and goes on by itself when the key is back', async () => {
  const file = join(folder, 'keys');
  await writeFile(file, B);
  await restart({ HEADGATE_ENCRYPTION_KEYS_FILE: file });
  await leave(sleepers.a2);
  // The event itself is decided and has a workflow of its own, under the new key.
  const failure = await until(
    async () => (await service.client.workflow.getHandle(sleepers.a2.eventId).fetchHistory()).events?.find(({ workflowTaskFailedEventAttributes }) => workflowTaskFailedEventAttributes)?.workflowTaskFailedEventAttributes?.failure,
    (found) => found !== undefined && found !== null,
  );
  const { payloadCodecs, payloadConverter } = service.client.options.loadedDataConverter;
  const [attributes] = await payloadCodecs[0]!.decode([failure!.encodedAttributes!]);
  const { message } = payloadConverter.fromPayload<{ message: string }>(attributes!);
  expect(message).toContain('encrypted with the key "2026-05", which this process does not have (it has 2026-11)');
  expect(message).toContain(`Add that key to HEADGATE_ENCRYPTION_KEYS_FILE (${file})`);
  expect((await service.client.workflow.getHandle(sleepers.a2.eventId).describe()).status.name).toBe('RUNNING');
  await writeFile(file, `${B}\n${A}\n`);
  await ended(sleepers.a2);
  await isIn(sleepers.a2.who, false);
}, 180_000);

test('switched off by `plain` in the first place: what was encrypted goes on, what is new is plain', async () => {
  await restart({ HEADGATE_ENCRYPTION_KEYS: `plain,${B},${A}` });
  const late = await enter();
  expect(keysIn(await rawOf(late))).toEqual(['json/plain']);
  await leave(sleepers.a3);
  await ended(sleepers.a3);
  await isIn(sleepers.a3.who, false);
  expect(keysIn(await rawOf(sleepers.a3))).toEqual(['2026-05', 'json/plain']);
});
