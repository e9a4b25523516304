/** Restarts under traffic: whoever looks at /readyz sees no 5xx and no broken connection, and no push is lost by its worker. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../../src/embedded/ports.ts';
import { prepareEntryPoints, type EntryPoint, type EntryPoints } from '../support/entry-points.ts';
import { CART_AT_META, postWebhook, REGISTRY } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

let points: EntryPoints;
beforeAll(async () => {
  points = await prepareEntryPoints(REGISTRY);
});
afterAll(() => points.stop());

const LOOK_EVERY_MS = 100;
const DRAIN_SECONDS = '1';
/** A process that starts beside senders that never rest gets little of a busy machine. */
const PATIENCE_MS = 60_000;

interface Balancer {
  url: string;
  add: (port: number) => void;
  ready: () => number[];
  close: () => void;
}

/** As simple as a load balancer can be: asks each backend whether it is ready, and never tries a request twice. */
async function startBalancer(): Promise<Balancer> {
  const backends = new Map<number, boolean>();
  const ready = (): number[] => [...backends].flatMap(([port, is]) => (is ? [port] : []));
  const looking = setInterval(() => {
    for (const port of backends.keys()) {
      fetch(`http://127.0.0.1:${String(port)}/readyz`).then(({ ok }) => backends.set(port, ok), () => backends.set(port, false));
    }
  }, LOOK_EVERY_MS);
  let turn = 0;
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const choice = ready();
    const passed = httpRequest({ port: choice[turn++ % choice.length], path: incoming.url, method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.writeHead(502).end('{}'));
    incoming.pipe(passed);
  };
  const server = createServer(forward);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    add: (port) => void backends.set(port, false),
    ready,
    close: () => {
      clearInterval(looking);
      server.closeAllConnections();
      server.close();
    },
  };
}

test('apis and workers that are replaced one after the other under traffic cost no answer and no push', async () => {
  const balancer = await startBalancer();
  const startApi = async (): Promise<EntryPoint> => {
    const port = await findFreePort();
    const api = points.run('src/server.ts', { HEADGATE_PORT: String(port), HEADGATE_DRAIN_SECONDS: DRAIN_SECONDS });
    balancer.add(port);
    await until(balancer.ready, (ports) => ports.includes(port), PATIENCE_MS);
    return api;
  };
  const startWorker = async (): Promise<EntryPoint> => {
    const worker = points.run('src/worker.ts', { HEADGATE_METRICS_PORT: '0' });
    await until(worker.output, (text) => text.includes('Headgate worker is ready'), PATIENCE_MS);
    return worker;
  };
  const stop = async ({ child, exited }: EntryPoint): Promise<void> => {
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
  };

  const [apis, workers] = [[await startApi()], [await startWorker()]];
  const people: string[] = [];
  const answers = new Map<number, number>();
  let sending = true;
  const sender = async (): Promise<void> => {
    while (sending) {
      const { person, hash } = somebody();
      const { status } = await postWebhook(balancer.url, person);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      people.push(hash);
    }
  };
  const senders = Promise.all(Array.from({ length: 4 }, sender));
  for (let round = 0; round < 3; round++) {
    apis.push(await startApi());
    workers.push(await startWorker());
    const sent = people.length;
    await Promise.all([stop(apis[round]!), stop(workers[round]!)]);
    await until(() => people.length, (count) => count > sent + 20);
  }
  sending = false;
  await senders;
  // A 202 is safe in a lifeboat: on a busy machine a commit can take longer than the door's patience.
  expect([...answers.keys()].filter((status) => status >= 300)).toEqual([]);

  const members = (): Set<string> => new Set(points.sandbox.store.state.destinations['meta_main']?.audiences[CART_AT_META]?.hashes);
  await until(members, (hashes) => people.every((hash) => hashes.has(hash)), PATIENCE_MS);
  const connection = await Connection.connect({ address: points.temporal.address });
  const { workflow } = new Client({ connection });
  const attempts: unknown[] = [];
  // A sync hands over to a new run now and then.
  for await (const { workflowId, runId } of workflow.list({ query: "WorkflowId = 'headgate/sync/meta_main/high_intent_cart_7d_v1'" })) {
    const { events } = await workflow.getHandle(workflowId, runId).fetchHistory();
    attempts.push(...(events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) => (started ? [started.attempt] : [])));
  }
  expect(attempts.length).toBeGreaterThan(2);
  // A push that is tried anew was lost by its worker: a second attempt is a lost heartbeat.
  expect(attempts.filter((attempt) => attempt !== 1)).toEqual([]);
  await connection.close();
  balancer.close();
}, 300_000);
