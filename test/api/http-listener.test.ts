import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { listen, type Listener } from '../../src/api/http-listener.ts';

const open: Listener[] = [];
const clients: Worker[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.terminate();
  for (const listener of open.splice(0)) await listener.close();
});
const start = async (server: Server, port = 0, sockets?: number): Promise<Listener> => {
  const listener = await listen(server, port, '127.0.0.1', sockets === undefined ? {} : { sockets });
  open.push(listener);
  return listener;
};
const answering = (): Server => createServer((_request, response) => response.end('here'));

const CONNECTIONS = 300;
/** Connects from another thread, and says so when the kernel has taken all of them, whatever this thread does. */
const CLIENT = `
const { connect } = require('node:net');
const { workerData, parentPort } = require('node:worker_threads');
const state = new Int32Array(workerData.shared);
for (let count = 0; count < workerData.connections; count++) {
  connect(workerData.port, '127.0.0.1', () => { Atomics.add(state, 0, 1); Atomics.notify(state, 0); }).on('error', () => undefined);
}
`;

/** In how many rounds of the event loop as many connections are accepted as wait. */
async function roundsToAccept(sockets?: number): Promise<number> {
  const server = createServer();
  const { port } = await start(server, 0, sockets);
  let accepted = 0;
  server.on('connection', () => accepted++);
  const shared = new SharedArrayBuffer(4);
  const client = new Worker(CLIENT, { eval: true, workerData: { port, shared, connections: CONNECTIONS } });
  clients.push(client);
  await once(client, 'online');
  const connected = new Int32Array(shared);
  // This thread stands still until all of them wait.
  for (let seen = 0; seen < CONNECTIONS; seen = Atomics.load(connected, 0)) Atomics.wait(connected, 0, seen);
  let rounds = 0;
  for (; accepted < CONNECTIONS; rounds++) await new Promise((resolve) => setImmediate(resolve));
  return rounds;
}

test.runIf(process.platform === 'linux')('senders that connect at once are not accepted one by one, a round of the event loop each', async () => {
  expect(await roundsToAccept(1)).toBeGreaterThan(CONNECTIONS * 0.8);
  expect(await roundsToAccept()).toBeLessThan(CONNECTIONS * 0.2);
});

test('every socket of the port answers, and none does after closing', async () => {
  const listener = await start(answering());
  const url = `http://127.0.0.1:${String(listener.port)}`;
  const ask = async (): Promise<string> => (await fetch(url, { headers: { connection: 'close' } })).text();
  expect(new Set(await Promise.all(Array.from({ length: 200 }, ask)))).toEqual(new Set(['here']));
  await open.pop()?.close();
  await expect(ask()).rejects.toThrow();
});

test('a second instance on the same port is refused, although the first one has many sockets there', async () => {
  const { port } = await start(answering());
  await expect(listen(answering(), port, '127.0.0.1')).rejects.toThrow('EADDRINUSE');
});
