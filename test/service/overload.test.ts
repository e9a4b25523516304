/** A burst at 500 connections while servers are there, asleep or gone: nobody is answered with what is not durable, and nobody's answer is lost. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Proxy } from '../support/proxy.ts';
import { postWebhook, startWiredService, type TestService, type WebhookAnswer, type WiredService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CONNECTIONS = 500;

let wired: WiredService;
let service: TestService;
let wire: Proxy;
beforeAll(async () => {
  wired = await startWiredService();
  ({ service, wire } = wired);
});
afterAll(() => wired.stop());

type Answers = Map<string, WebhookAnswer>;

/** As many events, each of another person. */
async function burst(): Promise<Answers> {
  const answers: Answers = new Map();
  const client = async (): Promise<void> => {
    const eventId = crypto.randomUUID();
    answers.set(eventId, await postWebhook(service.url, { ...somebody().person, event_id: eventId }));
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  return answers;
}

const statusesOf = (answers: Answers): Record<string, number> => Object.fromEntries([...Map.groupBy(answers.values(), ({ status }) => status)].map(([status, { length }]) => [status, length]));

/** Waits until each of them was decided, once, and has its workflow. */
async function untilTakenEffect(answers: Answers): Promise<void> {
  const ids = [...answers.keys()];
  await until(async () => (await service.database.query<{ count: number }>('select count(*)::int as count from exposures where event_id = any($1)', [ids]))[0]?.count, (count) => count === CONNECTIONS, 60_000);
  await until(async () => (await service.database.query('select 1 from outbox limit 1')).length, (waiting) => waiting === 0, 60_000);
}

test('with everything there all are taken, and each has its workflow', async () => {
  const answers = await burst();
  // A 202 is safe in a lifeboat: on a busy machine a commit can take longer than the door's patience.
  const { 200: decided = 0, 202: queued = 0 } = statusesOf(answers);
  expect(decided + queued).toBe(CONNECTIONS);
  await untilTakenEffect(answers);
});

test('with Temporal asleep all are taken, and their workflows start when it wakes', async () => {
  process.kill(service.temporal.pid, 'SIGSTOP');
  const answers = await burst();
  process.kill(service.temporal.pid, 'SIGCONT');
  expect(statusesOf(answers)).toEqual({ 200: CONNECTIONS });
  await untilTakenEffect(answers);
});

test('with Temporal gone all are taken, and their workflows start when it is back', async () => {
  service.temporal.kill();
  const answers = await burst();
  expect(statusesOf(answers)).toEqual({ 200: CONNECTIONS });
  await service.temporal.restart();
  await untilTakenEffect(answers);
});

test('with the ledger gone all are taken by lifeboats, and decided when it is back', async () => {
  wire.cut();
  const answers = await burst();
  expect(statusesOf(answers)).toEqual({ 202: CONNECTIONS });
  wire.mend();
  await untilTakenEffect(answers);
});

test('with both gone nothing is claimed, and each answer says when to come again', async () => {
  service.temporal.kill();
  wire.cut();
  const answers = await burst();
  expect(statusesOf(answers)).toEqual({ 503: CONNECTIONS });
  expect(new Set([...answers.values()].map(({ retryAfter }) => Number(retryAfter) > 0))).toEqual(new Set([true]));
  await service.temporal.restart();
  wire.mend();
  await until(() => service.parts.ledger.connection.isUp, Boolean);
  // Customer.io comes again, with the same ids.
  expect((await service.post({ ...somebody().person })).status).toBeLessThan(300);
});
