/** Promise 2: the same event_id, any number of times, is one event, one workflow, one decision. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { postWebhook, startService, type TestService } from '../support/service.ts';
import { seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

test('fifty posts of one event at once give one decision, one workflow and fifty answers of 2xx', async () => {
  const body = { ...somebody().person, event_id: crypto.randomUUID(), timestamp: seconds() };
  const answers = await Promise.all(Array.from({ length: 50 }, () => postWebhook(service.url, body)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  const statuses = answers.map((answer) => answer.body['status']);
  expect(statuses.filter((status) => status === 'applied')).toHaveLength(1);
  expect(statuses.filter((status) => status === 'duplicate')).toHaveLength(49);
  expect(answers.find((answer) => answer.body['status'] === 'duplicate')?.body).toMatchObject({ first: 'applied', audience: 'in' });
  const workflows = () => service.client.workflow.count(`WorkflowId = '${body.event_id}'`);
  await until(workflows, ({ count }) => count === 1);
  expect(await service.database.query('select 1 from exposures where event_id = $1', [body.event_id])).toHaveLength(1);
});

test('a duplicate that comes when the workflow has long ended starts no second one', async () => {
  const body = { ...somebody().person, event: 'cio.audience_remove', event_id: crypto.randomUUID(), timestamp: seconds() };
  await postWebhook(service.url, body);
  const handle = service.client.workflow.getHandle(body.event_id);
  await until(() => handle.describe(), ({ status }) => status.name === 'COMPLETED');
  expect((await postWebhook(service.url, body)).body).toMatchObject({ status: 'duplicate', first: 'applied' });
  expect(await service.database.query("select 1 from outbox where event_id = $1 and action = 'start'", [body.event_id])).toHaveLength(0);
});

test('one id for two webhooks of a template is a conflict: 409, kept in quarantine, counted', async () => {
  const { person } = somebody();
  const id = crypto.randomUUID();
  await service.post({ ...person, event_id: id });
  const second = await service.post({ ...person, event_id: id, event: 'cio.audience_remove' });
  expect(second).toMatchObject({ status: 409, body: { status: 'conflict', event_id: id } });
  expect(await service.database.query('select reason from quarantine where event_id = $1', [id])).toEqual([{ reason: 'conflict' }]);
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  expect(metrics).toMatch(/headgate_webhook_answers_total\{source="demo",status="conflict"\} 1/);
});

test('without an event_id the same body is the same event', async () => {
  const body = { ...somebody().person, event_id: undefined, timestamp: Math.floor(seconds()), context: { delivery_id: 'RPIL' } };
  const [first, second] = [await service.post(body), await service.post(body)];
  expect(first.body['status']).toBe('applied');
  expect(second.body).toMatchObject({ status: 'duplicate', event_id: first.body['event_id'] });
});
