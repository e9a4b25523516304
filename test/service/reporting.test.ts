/** Customer.io's reporting feed, from its signed post to the analyst's row and the event's workflow. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sign } from '../../src/api/index.ts';
import { REGISTRY, SECRET, startService, type TestService, type WebhookAnswer } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const REPORTING_SECRET = 'a-reporting-secret-for-tests';
const SOURCES = `sources:
  demo: { signing_secret: ${SECRET}, reporting_secret: ${REPORTING_SECRET}, reporting: { ends_memberships: [email.unsubscribed] } }
  quiet: { signing_secret: ${SECRET}, reporting_secret: ${REPORTING_SECRET}, people: demo, reporting: { workflows: only_where_needed, ends_memberships: [email.unsubscribed] } }
  deaf: { signing_secret: ${SECRET} }`;

let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: REGISTRY.replace(/sources:\n.*\n/, `${SOURCES}\n`) });
});
afterAll(() => service.stop());

interface Given {
  source?: string;
  secret?: string;
  type?: string;
}
async function post(body: object | string, { source = 'demo', secret = REPORTING_SECRET, type = 'application/json' }: Given = {}): Promise<WebhookAnswer> {
  const raw = typeof body === 'string' ? body : JSON.stringify(body);
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const response = await fetch(`${service.url}/v1/webhooks/${source}/reporting`, {
    method: 'POST', body: raw, headers: { 'content-type': type, 'x-cio-timestamp': timestamp, 'x-cio-signature': sign(secret, timestamp, raw) },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
let count = 0;
const report = (more: object = {}): Record<string, unknown> & { event_id: string } => ({
  event_id: `report-${String(++count)}`, object_type: 'email', metric: 'opened', timestamp: Date.now() / 1_000,
  data: { identifiers: { id: 'c_reported' }, delivery_id: 'd', campaign_id: 7, prefetched: true }, ...more,
});
const rowOf = async (eventId: string) => (await service.database.query('select * from exposures where event_id = $1', [eventId]))[0];
const workflowOf = (eventId: string) => service.client.workflow.getHandle(eventId).describe().then(({ type }) => type, () => undefined);

test('a report is answered at once, is one row however often it comes, and has its workflow', async () => {
  const body = report();
  const answers = await Promise.all([post(body), post(body), post(body)]);
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(answers.map((answer) => answer.body['status']).toSorted()).toEqual(['applied', 'duplicate', 'duplicate']);
  expect(await rowOf(body.event_id)).toMatchObject({ channel: 'email', metric: 'opened', campaign_id: '7', delivery_id: 'd', machine: true, customer_id: 'c_reported' });
  await until(() => workflowOf(body.event_id), (type) => type === 'exposure');
  expect(await (await service.client.workflow.getHandle(body.event_id).describe()).staticSummary()).toBe('email opened: c_reported');
  const { body: read } = await service.read(`/v1/events/${body.event_id}`);
  expect(read).toMatchObject({ name: 'cio.report', channel: 'email', metric: 'opened', status: 'applied' });
});

test('a wrong key is refused, also the one of the webhook action, and a source without a reporting key says so', async () => {
  expect((await post(report(), { secret: SECRET })).status).toBe(401);
  const { status, body } = await post(report(), { source: 'deaf' });
  expect([status, body['problem']]).toEqual([401, expect.stringContaining('give it a reporting_secret')]);
});

test('a signed body that is not understood is no 4xx, which would stop the feed, and waits in quarantine', async () => {
  const legacy = '{"event_type":"email_drafted","event_id":"old-1","timestamp":1,"data":{"email":"ada@example.com"}}';
  for (const body of ['{"metric":', '[]', '"x"', legacy, JSON.stringify({ ...report(), event_id: undefined })]) {
    expect(await post(body)).toMatchObject({ status: 200, body: { status: 'quarantined' } });
  }
  expect(await post(report(), { type: 'text/plain' })).toMatchObject({ status: 200, body: { status: 'applied' } });
  const kept = await service.database.query<{ body: string }>("select body from quarantine where event_name = 'cio.report'");
  expect(kept).toHaveLength(5);
  expect(JSON.stringify(kept)).not.toContain('ada@example.com');
});

test('an id that a webhook action has used already is quarantined, not lost', async () => {
  const { person } = somebody();
  const { body } = await service.post(person);
  const id = String(body['event_id']);
  expect(await post(report({ event_id: id }))).toMatchObject({ status: 200, body: { status: 'quarantined' } });
  expect(await service.database.query('select reason from quarantine where event_id = $1', [id])).toEqual([{ reason: 'conflict' }]);
});

test('who unsubscribes is taken out at the platform, where the source says so, also without workflows for the other reports', async () => {
  const { person, hash } = somebody();
  await service.post({ ...person, timestamp: Date.now() / 1_000 - 10 });
  await until(() => service.members('6000000000001'), (members) => members.includes(hash));
  const data = { identifiers: { id: person.customer_id } };
  const [opened, unsubscribed] = [report({ data }), report({ data, metric: 'unsubscribed' })];
  for (const body of [opened, unsubscribed]) expect((await post(body, { source: 'quiet' })).body['status']).toBe('applied');
  await until(() => service.members('6000000000001'), (members) => !members.includes(hash));
  await until(() => workflowOf(unsubscribed.event_id), (type) => type === 'exposure');
  expect(await workflowOf(opened.event_id)).toBeUndefined();
  expect(await rowOf(opened.event_id)).toMatchObject({ metric: 'opened' });
});

test('reports that come while the ledger is away are rows once it is back', async () => {
  const body = report();
  service.parts.ledger.connection.suspect(new Error('tests'));
  const { status } = await post(body);
  expect([200, 202]).toContain(status);
  await until(() => rowOf(body.event_id), (row) => row !== undefined);
});
