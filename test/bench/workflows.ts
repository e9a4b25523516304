/** Event workflows completed a second while the relay drains the outbox, against empty workflows on the same server. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker, type NativeConnection } from '@temporalio/worker';
import type { Client } from '@temporalio/client';
import { createActivities } from '../../src/activities/index.ts';
import { parseRegistry } from '../../src/config/registry.ts';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { openLedger, type Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { Relay } from '../../src/relay/index.ts';
import { MOST_OPEN_STARTS } from '../../src/relay/relay.ts';
import { connectNative, isRefused, readTemporalSettings, runWorkers, TemporalGateway } from '../../src/temporal/index.ts';
import { makeEvent, person } from '../support/events.ts';
import { BENCH_REGISTRY } from './registry.ts';
import { comparison, inTurns, limit, type Row } from './row.ts';
import { NO_TEMPORAL } from '../support/no-temporal.ts';
import { QUIET_MONITOR } from '../support/quiet-monitor.ts';

const EMPTY_QUEUE = 'bench-empty';
const logger = createLogger({ level: 'error', pretty: false });
const registry = parseRegistry(BENCH_REGISTRY, 'bench.yaml', { variables: {}, sandboxAllowed: true });

export interface Servers {
  databaseUrl: string;
  temporalAddress: string;
}

interface BenchWorkers {
  connection: NativeConnection;
  client: Client;
  ledger: Ledger;
  stop: () => Promise<void>;
}

/** Headgate's workers and one for empty workflows, in this process. */
export async function startBenchWorkers({ databaseUrl, temporalAddress }: Servers): Promise<BenchWorkers> {
  const settings = readTemporalSettings({}, temporalAddress);
  const { native, client, close } = await connectNative(settings, logger);
  const ledger = openLedger({ url: databaseUrl, logger, policies: registry.policies, connections: 20 });
  const activities = createActivities({ ledger, policies: registry.policies, destinations: new Map(), exporters: new Map(), actions: new Map(), wakeAction: () => undefined, sizesEveryMs: 6 * 3_600_000, wake: () => undefined, monitor: QUIET_MONITOR, gateway: NO_TEMPORAL, stopping: new AbortController().signal, logger, metrics: createMetrics() });
  const workers = await runWorkers({ connection: native, namespace: 'default', dataConverter: settings.dataConverter, activities });
  const emptyWorker = await Worker.create({
    connection: native,
    taskQueue: EMPTY_QUEUE,
    maxCachedWorkflows: 300,
    workflowsPath: fileURLToPath(new URL('./empty-workflows.ts', import.meta.url)),
  });
  const running = emptyWorker.run();
  return {
    connection: native,
    client,
    ledger,
    stop: async () => {
      emptyWorker.shutdown();
      await Promise.all([running, workers.stop()]);
      await ledger.close();
      await close();
    },
  };
}

async function untilCompleted(client: Client, query: string, count: number): Promise<void> {
  while ((await client.workflow.count(`${query} and ExecutionStatus = 'Completed'`)).count < count) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return count / ((performance.now() - began) / 1_000);
}

let runs = 0;

/** Empty workflows completed a second, started as the relay starts. */
function runEmpty(client: Client, count: number): Promise<number> {
  const prefix = `empty-${String(++runs)}`;
  return perSecond(count, async () => {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) await client.workflow.start('empty', { taskQueue: EMPTY_QUEUE, workflowId: `${prefix}-${String(next++)}` });
    };
    await Promise.all(Array.from({ length: MOST_OPEN_STARTS }, lane));
    await untilCompleted(client, `WorkflowId STARTS_WITH '${prefix}-'`, count);
  });
}

const removals = (prefix: string, count: number): HeadgateEvent[] =>
  Array.from({ length: count }, (_, index) => makeEvent({ ...person(`${prefix}-${String(index)}`), eventId: `${prefix}-${String(index)}`, name: 'cio.audience_remove' }));

/** Events decided before the clock starts; then the relay starts their workflows until all have completed. */
async function runEvents(client: Client, ledger: Ledger, count: number, eager: boolean): Promise<number> {
  const prefix = `event-${String(++runs)}`;
  for (let events = removals(prefix, count); events.length > 0; events = events.slice(500)) {
    await ledger.applyEvents(events.slice(0, 500).map((event) => ({ kind: 'event', event })));
  }
  const gateway = new TemporalGateway({ client, eager });
  const relay = new Relay({
    drainOutbox: (size, carry) => ledger.drainOutbox(size, carry),
    carry: (entry) => (entry.action === 'start' ? gateway.startEvent(entry.event, entry.decision) : Promise.resolve('ended')),
    isRefused,
    doorLoad: () => 0,
    logger,
    metrics: createMetrics(),
  });
  const rate = await perSecond(count, async () => {
    relay.start();
    await untilCompleted(client, `WorkflowId STARTS_WITH '${prefix}-'`, count);
  });
  await relay.stop();
  return rate;
}

export async function benchWorkflows(servers: Servers, rounds: number, count: number): Promise<Row[]> {
  const split = await benchSplit(servers, rounds, count);
  const together = await startBenchWorkers(servers);
  try {
    await runEmpty(together.client, 20);
    const { client, ledger } = together;
    const measured = await inTurns(rounds, { baseline: () => runEmpty(client, count), value: () => runEvents(client, ledger, count, true) });
    const one = comparison('event workflows completed in a drain, api and worker in one process (eager start), against an empty workflow', 'workflows/s', 1.1, measured);
    return [split, one, ...(await historySizes(together))];
  } finally {
    await together.stop();
  }
}

/** The workers in a process of their own, as in production. */
async function benchSplit(servers: Servers, rounds: number, count: number): Promise<Row> {
  const child = fork(fileURLToPath(new URL('./worker-process.ts', import.meta.url)), [servers.databaseUrl, servers.temporalAddress]);
  await new Promise((resolve) => child.once('message', resolve));
  const { client, close } = await connectNative(readTemporalSettings({}, servers.temporalAddress), logger);
  const ledger = openLedger({ url: servers.databaseUrl, logger, policies: registry.policies });
  try {
    await runEmpty(client, 20);
    const measured = await inTurns(rounds, { baseline: () => runEmpty(client, count), value: () => runEvents(client, ledger, count, false) });
    return comparison('event workflows completed in a drain, against an empty workflow on the same server', 'workflows/s', 0.8, measured);
  } finally {
    await ledger.close();
    await close();
    child.kill('SIGKILL');
  }
}

/** What one event costs Temporal: the number is a design number, so it is kept. */
async function historySizes({ client, ledger }: BenchWorkers): Promise<Row[]> {
  const gateway = new TemporalGateway({ client, eager: false });
  const sizeOf = async (event: HeadgateEvent): Promise<number> => {
    const { outcomes } = await ledger.applyEvents([{ kind: 'event', event }]);
    const [outcome] = outcomes;
    if (outcome?.kind !== 'decided') throw new Error('the event was not decided');
    await gateway.startEvent(event, outcome.decision);
    const handle = client.workflow.getHandle(event.eventId);
    await handle.result();
    return (await handle.fetchHistory()).events?.length ?? 0;
  };
  const week = 7 * 86_400_000;
  return [
    limit('Temporal history events of a removal', 'events', 7, await sizeOf(makeEvent({ ...person('history-1'), name: 'cio.audience_remove' }))),
    limit('Temporal history events of an add whose window ends', 'events', 14, await sizeOf(makeEvent({ ...person('history-2'), occurredAt: Date.now() - week + 2_000 }))),
  ];
}
