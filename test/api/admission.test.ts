/** The door takes in no more than it can hold, over real HTTP. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import express from 'express';
import { afterEach, expect, test } from 'vitest';
import { admit } from '../../src/api/admission.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { until } from '../support/until.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function startDoor(mostBytes: number, patienceMs = 3_600_000) {
  const metrics = createMetrics();
  const app = express();
  app.post('/', admit({ mostBytes, largestBody: 100, patienceMs, metrics, refuse: (_request, response) => void response.status(503).end() }), express.raw({ type: () => true }), (_request, response) => void response.status(200).end());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => { server.closeAllConnections(); server.close(); });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const held = async (): Promise<number> => (await metrics.bodyBytes.get()).values[0]?.value ?? 0;
  /** Begins a request and keeps its body back. */
  const begin = async (headers: string): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    closing.push(() => socket.destroy());
    const before = await held();
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`);
    await until(held, (bytes) => bytes > before);
    return socket;
  };
  const post = async (body: string): Promise<number> => (await fetch(`http://127.0.0.1:${String(port)}/`, { method: 'POST', body })).status;
  return { begin, post, held, metrics };
}

test('bodies beyond what the door can hold are refused with 503 and counted, and taken again when there is room', async () => {
  const { begin, post, held, metrics } = await startDoor(150);
  const slow = await begin('Content-Length: 90');
  expect(await post('x'.repeat(60))).toBe(200);
  expect(await post('x'.repeat(61))).toBe(503);
  expect(await metrics.shed.get()).toMatchObject({ values: [{ value: 1, labels: { reason: 'memory' } }] });
  slow.destroy();
  await until(held, (bytes) => bytes === 0);
  expect(await post('x'.repeat(61))).toBe(200);
});

test('a body of unknown length counts as the largest', async () => {
  const { begin, post } = await startDoor(150);
  await begin('Transfer-Encoding: chunked');
  expect(await post('x'.repeat(50))).toBe(200);
  expect(await post('x'.repeat(51))).toBe(503);
});

test('bodies that are announced and never sent do not keep the door shut', async () => {
  const { begin, post, metrics } = await startDoor(150, 0);
  const slow = await begin('Content-Length: 100');
  const cut = once(slow, 'close');
  slow.resume();
  expect(await post('x'.repeat(100))).toBe(200);
  await cut;
  expect(await metrics.shed.get()).toMatchObject({ values: [{ value: 1, labels: { reason: 'slow' } }] });
});

test('a body that is there keeps its room for as long as it is decided', async () => {
  const { begin, post, held } = await startDoor(150, 0);
  expect(await post('x'.repeat(100))).toBe(200);
  await until(held, (bytes) => bytes === 0);
  await begin('Content-Length: 40');
  expect(await post('x'.repeat(100))).toBe(200);
});
