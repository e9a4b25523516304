/** The only place that builds things: from the environment and the registry to a running api, a running worker, or both. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { readFile } from 'node:fs/promises';
import { createActivities } from './activities/index.ts';
import { createApp, GroupCommit, Watchdog, type DoorSource } from './api/index.ts';
import { connectDestinations } from './config/connect-destinations.ts';
import type { Environment } from './config/environment.ts';
import type { Registry } from './config/registry.ts';
import type { Destination } from './destinations/destination.ts';
import { identifyPerson } from './destinations/identify-person.ts';
import { hashOnce, normaliseEmail } from './destinations/user-data.ts';
import type { PersonClaim } from './domain/event.ts';
import type { IdentifiersByPlatform, RawPerson } from './domain/identifiers.ts';
import type { TargetRef } from './domain/registry.ts';
import { openLedger, type Ledger } from './ledger/index.ts';
import type { Logger } from './monitoring/logger.ts';
import { createMetrics, type Metrics } from './monitoring/metrics.ts';
import { Relay, Sweep, Waker } from './relay/index.ts';
import { registerSearchAttributes, runWorkers, TemporalGateway, type TemporalConnection, type TemporalSettings } from './temporal/index.ts';

/** What the parts of one process share. */
export interface Parts {
  environment: Environment;
  registry: Registry;
  ledger: Ledger;
  gateway: TemporalGateway;
  waker: Waker;
  sweep: Sweep;
  logger: Logger;
  metrics: Metrics;
  destinations: ReadonlyMap<string, Destination>;
  /** Stops what all parts share; call it last. */
  close: () => Promise<void>;
}

export interface PartsOptions {
  environment: Environment;
  registry: Registry;
  databaseUrl: string;
  temporal: TemporalConnection;
  temporalSettings: TemporalSettings;
  /** Where destinations with `sandbox: true` go. */
  sandboxUrl: string | undefined;
  /** For the list of running processes: `api`, `worker`. */
  role: string;
  /** True when workers of the same connection run in this process. */
  eager: boolean;
  logger: Logger;
}

export interface Part {
  stop: () => Promise<void>;
}

export function buildParts(options: PartsOptions): Parts {
  const { environment, registry, logger, temporal } = options;
  const metrics = createMetrics();
  const ledger = openLedger({ url: options.databaseUrl, logger, policies: registry.policies, connections: 20 });
  const gateway = new TemporalGateway({ client: temporal.client, eager: options.eager });
  const destinations = connectDestinations(registry, options.sandboxUrl);
  const timeoutOf = (target: TargetRef): number => destinations.get(target.destination)?.timeoutMs ?? 0;
  const waker = new Waker({ send: (target, signal) => gateway.wakeSync(target, timeoutOf(target), signal), restOf: (target) => ledger.readTargetRest(target), logger, metrics });
  const wake = (targets: readonly TargetRef[]): void => {
    waker.wake(targets);
  };
  const self = { processId: randomUUID(), role: options.role, registryHash: registry.hash };
  const sweep = new Sweep({ ledger, audienceKeys: [...registry.policies.audiences.keys()], wake, self, logger, metrics });
  const closing = new AbortController();
  void registerSearchAttributes(temporal.client, options.temporalSettings.namespace, logger, closing.signal);
  sweep.start();
  waker.pushNow([...registry.policies.audiences.values()].flatMap((audience) => audience.targets));
  return {
    environment,
    registry,
    ledger,
    gateway,
    waker,
    sweep,
    logger,
    metrics,
    destinations,
    close: async () => {
      closing.abort();
      waker.stop();
      await sweep.stop();
      await ledger.close();
    },
  };
}

/** The api: door, relay, reading. Resolves when it listens. */
export async function startApi(parts: Parts, temporalUi: string | undefined): Promise<Part & { url: string }> {
  const { environment, registry, ledger, gateway, waker, logger, metrics } = parts;
  const commit: GroupCommit = new GroupCommit({
    applyEvents: (items) => ledger.applyEvents(items),
    quarantine: (entries) => ledger.quarantine(entries),
    suspectLedger: (reason) => {
      ledger.connection.suspect(reason);
    },
    launchLifeboat: (batch) => gateway.launchLifeboat(batch),
    onCommitted: (wakes) => {
      waker.wake(wakes);
      relay.nudge();
    },
    logger,
    metrics,
  });
  const relay: Relay = new Relay({
    drainOutbox: (limit, carry) => ledger.drainOutbox(limit, carry),
    carry: (entry) => (entry.action === 'start' ? gateway.startEvent(entry.event, entry.decision) : gateway.endEvent(entry.eventId).then(() => 'ended')),
    doorLoad: () => commit.waiting,
    logger,
    metrics,
  });
  const watchdog = new Watchdog({ isLedgerUp: () => ledger.connection.isUp, askTemporal: () => gateway.ask(), logger, metrics });
  const app = createApp({
    sources: new Map([...registry.sources].map(([name, source]): [string, DoorSource] => [name, source])),
    policies: registry.policies,
    identify: identifier(registry),
    emailHash,
    commit,
    ledger,
    watchdog,
    host: environment.HEADGATE_HOST,
    readToken: environment.HEADGATE_READ_TOKEN,
    temporalUi,
    logger,
    metrics,
  });
  const server = await listen(await createHttpServer(environment, app), environment.HEADGATE_PORT, environment.HEADGATE_HOST);
  relay.start();
  watchdog.start();
  return {
    url: urlOf(server, environment),
    stop: async () => {
      watchdog.stop();
      await closeServer(server);
      await commit.drain();
      await relay.stop();
    },
  };
}

/** The workers. Resolves when they poll. */
export async function startWorker(parts: Parts, connection: Parameters<typeof runWorkers>[0]['connection'], namespace: string): Promise<Part & { failed: Promise<never> }> {
  const { ledger, registry, destinations, waker, logger, metrics } = parts;
  const wake = (targets: readonly TargetRef[]): void => {
    waker.wake(targets);
  };
  const activities = createActivities({ ledger, policies: registry.policies, destinations, wake, logger, metrics });
  return runWorkers({ connection, namespace, activities });
}

/** A worker's metrics, on a port of their own; needs no token on loopback. */
export async function startWorkerMetrics({ environment, metrics }: Parts): Promise<Part> {
  const port = environment.HEADGATE_METRICS_PORT;
  if (port === 0) return { stop: () => Promise.resolve() };
  const server = createServer((_request, response) => {
    void metrics.registry.metrics().then((text) => response.setHeader('Content-Type', metrics.registry.contentType).end(text));
  });
  await listen(server, port, environment.HEADGATE_HOST);
  return { stop: () => closeServer(server) };
}

function identifier(registry: Registry): (person: RawPerson) => { claim: Partial<PersonClaim>; identifiers: IdentifiersByPlatform } {
  const platforms = [...new Set([...registry.destinations.values()].map((destination) => destination.platform))];
  return (person) => identifyPerson(person, platforms);
}

function emailHash(email: string): string | undefined {
  const normalised = normaliseEmail(email);
  return normalised === undefined ? undefined : hashOnce(normalised);
}

async function createHttpServer(environment: Environment, app: Parameters<typeof createServer>[1]): Promise<Server> {
  const { HEADGATE_TLS_CERT: cert, HEADGATE_TLS_KEY: key } = environment;
  const limits = { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 65_000 };
  if (cert === undefined || key === undefined) return createServer(limits, app);
  return createSecureServer({ ...limits, cert: await readFile(cert), key: await readFile(key) }, app);
}

async function listen(server: Server, port: number, host: string): Promise<Server> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 1_024 }, resolve);
  });
  return server;
}

/** Answers what is under way; idle connections are closed at once. */
async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeIdleConnections();
  });
}

function urlOf(server: Server, environment: Environment): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : environment.HEADGATE_PORT;
  const host = environment.HEADGATE_HOST === '0.0.0.0' ? '127.0.0.1' : environment.HEADGATE_HOST;
  return `${environment.HEADGATE_TLS_CERT === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}
