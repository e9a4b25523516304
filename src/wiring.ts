/** The only place that builds things: from the environment and the registry to a running api, a running worker, or both. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { createActivities, noticeRestore } from './activities/index.ts';
import { Contacts, Monitor } from './alerting/index.ts';
import { AuditLog, createApp, createWorkerApp, DoorCounter, GroupCommit, listen, Watchdog, type DoorSource } from './api/index.ts';
import { ConfigurationError } from './config/configuration-error.ts';
import { connectActions } from './config/connect-actions.ts';
import { connectDestinations } from './config/connect-destinations.ts';
import { connectExporters } from './config/connect-exporters.ts';
import type { Environment } from './config/environment.ts';
import { operatorTokensOf } from './config/operator-tokens.ts';
import type { Registry } from './config/registry.ts';
import type { Action } from './actions/configured-action.ts';
import { createConsole, type TargetActions } from './console/index.ts';
import type { Destination } from './destinations/destination.ts';
import { identifyPerson } from './destinations/identify-person.ts';
import { hashOnce, normaliseEmail } from './destinations/user-data.ts';
import type { Patience } from './domain/alerts.ts';
import type { PersonClaim } from './domain/event.ts';
import type { IdentifiersByPlatform, RawPerson } from './domain/identifiers.ts';
import { holdOf, holdsEverything } from './domain/holding.ts';
import { targetKey, targetsOf, type TargetRef } from './domain/registry.ts';
import { openLedger, type Ledger, type Observed, type OutboxEntry, type TargetRest } from './ledger/index.ts';
import type { Logger } from './monitoring/logger.ts';
import { createMetrics, type Metrics } from './monitoring/metrics.ts';
import { placeOfEvent, traced, within, type Tracing } from './monitoring/tracing.ts';
import { ActionWaker, Relay, Sweep, Waker } from './relay/index.ts';
import type { Exporter } from './warehouse/exporter.ts';
import { createTypeActivities, ledgerStore } from './workflow-types/index.ts';
import { currentVersionCommand, isRefused, readRuntimeMetrics, registerSearchAttributes, runWorkers, TemporalGateway, TypesUnbundled, type TemporalConnection, type TemporalSettings } from './temporal/index.ts';
import { VERSION } from './version.ts';

/** What the parts of one process share. */
export interface Parts {
  environment: Environment;
  registry: Registry;
  ledger: Ledger;
  gateway: TemporalGateway;
  waker: Waker;
  actionWaker: ActionWaker;
  sweep: Sweep;
  logger: Logger;
  metrics: Metrics;
  tracer: Tracing;
  temporalSettings: TemporalSettings;
  destinations: ReadonlyMap<string, Destination>;
  exporters: ReadonlyMap<string, Exporter>;
  contacts: Contacts;
  monitor: Monitor;
  actions: ReadonlyMap<string, Action>;
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
  /** How soon the monitor believes what it sees; for tests. */
  patience?: Patience;
  logger: Logger;
  tracer?: Tracing;
}

export interface Part {
  stop: () => Promise<void>;
}

export function buildParts(options: PartsOptions): Parts {
  const { environment, registry, logger, temporal } = options;
  options.temporalSettings.keyring.logTo(logger);
  const metrics = createMetrics([readRuntimeMetrics]);
  metrics.processInfo.set({ role: options.role, registry: registry.hash, version: VERSION }, 1);
  const ledger = openLedger({ url: options.databaseUrl, logger, policies: registry.policies, connections: 20 });
  const closing = new AbortController();
  let registering: Promise<void> | undefined;
  const register = (): void => {
    registering ??= registerSearchAttributes(temporal.client, options.temporalSettings.namespace, logger, closing.signal, registry.types.flatMap(({ attributeNames }) => attributeNames)).finally(() => (registering = undefined));
  };
  // An eager start would go past Temporal's choice of a version.
  const gateway = new TemporalGateway({ client: temporal.client, eager: options.eager && environment.deployment === undefined, onRefused: register });
  const destinations = connectDestinations(registry, options.sandboxUrl);
  const exporters = connectExporters(registry, options.sandboxUrl);
  const actions = connectActions(registry, options.sandboxUrl);
  const actionWaker = new ActionWaker({ send: (action, signal) => gateway.wakeAction(action, signal), logger });
  // A target that holds everything, or that another process' registry has, is not woken: that would only fill its sync's history.
  const restOf = async (target: TargetRef): Promise<TargetRest> => {
    const rest = await ledger.readTargetRest(target);
    return { ...rest, paused: rest.paused || holdsEverything(holdOf(registry.policies, target, rest.life)) };
  };
  const waker = new Waker({ send: (target, signal) => gateway.wakeSync(target, signal), restOf, logger, metrics });
  const wake = (targets: readonly TargetRef[]): void => {
    waker.wake(targets);
  };
  const self = { processId: randomUUID(), role: options.role, registryHash: registry.hash };
  const targets = targetsOf(registry.policies);
  const filling = { targets, start: (target: TargetRef) => gateway.startFill(target) };
  const exporting = { exporters: [...exporters.keys()], start: (exporter: string) => gateway.startExport(exporter) };
  const acting = { actions: [...actions.values()].filter(({ entry }) => entry.mode !== 'paused').map(({ entry }) => entry.name), wake: (action: string) => { actionWaker.wake(action); } };
  const { contacts, monitor } = buildMonitor(options, ledger, metrics);
  const scheduleMonitor = (): Promise<void> => gateway.scheduleMonitor();
  const sizes = { targets, everyMs: registry.watching.sizesEveryMs, start: () => gateway.startSizes() };
  const sweep = new Sweep({ ledger, audiences: [...registry.policies.audiences.values()], wake, filling, exporting, acting, scheduleMonitor, sizes, self, logger, metrics });
  register();
  sweep.start();
  waker.pushNow(targets);
  // Also because another registry than before may say that it is paused no more, or where it is.
  for (const action of actions.keys()) actionWaker.pushNow(action);
  return {
    environment,
    registry,
    ledger,
    gateway,
    waker,
    actionWaker,
    sweep,
    logger,
    metrics,
    tracer: options.tracer,
    temporalSettings: options.temporalSettings,
    destinations,
    exporters,
    contacts,
    monitor,
    actions,
    close: async () => {
      closing.abort();
      await monitor.stop();
      waker.stop();
      actionWaker.stop();
      await sweep.stop();
      await ledger.close();
    },
  };
}

function buildMonitor({ registry, environment, patience, logger }: PartsOptions, ledger: Ledger, metrics: Metrics): { contacts: Contacts; monitor: Monitor } {
  const targets = targetsOf(registry.policies);
  const contacts = new Contacts({ ...registry.alerting, audiences: registry.policies.audiences, targets });
  const observed: Observed = {
    targets,
    audienceKeys: [...registry.policies.audiences.keys()],
    sources: [...registry.sources.keys()],
    exporters: [...registry.exporters.keys()],
    actions: [...registry.actions.keys()],
    sizesEveryMs: registry.watching.sizesEveryMs,
    leastToServe: ({ destination }) => registry.policies.destinations.get(destination)?.clocks?.leastToServe ?? null,
    holdOf: (target, standing) => holdOf(registry.policies, target, standing?.life ?? 'active'),
  };
  // On a machine of one's own the api is where this process' environment says.
  const own = environment.production ? undefined : urlOf(environment.HEADGATE_PORT, environment);
  const links = { headgate: environment.HEADGATE_PUBLIC_URL?.replace(/\/+$/, '') ?? own };
  const { thresholds } = registry.alerting;
  return { contacts, monitor: new Monitor({ ledger, observed, thresholds, contacts, links, ...(patience ? { patience } : {}), logger, metrics }) };
}

/** The api: door, relay, reading. Resolves when it listens. */
export async function startApi(parts: Parts, temporalUi: string | undefined): Promise<Part & { url: string }> {
  const { environment, registry, ledger, gateway, waker, monitor, logger, metrics, tracer } = parts;
  const onCommitted = (wakes: readonly TargetRef[]): void => {
    waker.wake(wakes);
    relay.nudge();
  };
  const commit: GroupCommit = new GroupCommit({
    applyEvents: (items) => ledger.applyEvents(items),
    quarantine: (entries) => ledger.quarantine(entries),
    suspectLedger: (reason) => {
      ledger.connection.suspect(reason);
    },
    launchLifeboat: (batch) => gateway.launchLifeboat(batch),
    onCommitted,
    logger, metrics, tracer,
  });
  const relay: Relay = new Relay({
    drainOutbox: (limit, carry) => ledger.drainOutbox(limit, carry),
    carry: carrier(gateway, metrics, tracer),
    isRefused,
    doorLoad: () => commit.unanswered,
    logger,
    metrics,
  });
  let draining = false;
  const counter = new DoorCounter(ledger);
  const watchdog = new Watchdog({
    isLedgerUp: () => ledger.connection.isUp,
    askTemporal: () => gateway.ask(),
    monitorAge: () => ledger.monitorAge(),
    look: (findings) => monitor.standIn(findings),
    tell: (change, finding) => monitor.tellWithoutLedger(change, finding),
    logger,
    metrics,
  });
  const shared = {
    sources: new Map([...registry.sources].map(([name, source]): [string, DoorSource] => [name, source])),
    ...{ policies: registry.policies, watching: registry.watching },
    identify: identifier(registry),
    host: environment.HEADGATE_HOST,
    readToken: environment.HEADGATE_READ_TOKEN,
    operatorTokens: operatorTokensOf(environment),
    audit: new AuditLog({ ledger, logger }),
    emailHash, commit, onCommitted, ledger, watchdog, temporalUi, logger, metrics, tracer,
  };
  const app = createApp({
    ...shared,
    count: (source, feed, answer) => {
      counter.add(source, feed, answer);
    },
    erasing: { start: (given) => gateway.startErasure(given), progress: (id) => gateway.readErasureProgress(id) },
    testAlerts: (owner) => monitor.test(owner),
    console: createConsole({ ...shared, actions: targetActions(gateway) }),
    isDraining: () => draining,
  });
  const listener = await listen(await createHttpServer(environment, app), environment.HEADGATE_PORT, environment.HEADGATE_HOST);
  relay.start();
  watchdog.start();
  counter.start();
  return {
    url: urlOf(listener.port, environment),
    stop: async () => {
      draining = true;
      await wait(environment.drainMs);
      await watchdog.stop();
      await listener.close();
      await commit.drain();
      await counter.stop();
      await relay.stop();
    },
  };
}

/** What an operator asks of a sync, as the command line and the Temporal UI do. */
const targetActions = (gateway: TemporalGateway): TargetActions => ({
  pause: (target) => gateway.updateSync(target, 'pause'),
  resume: (target) => gateway.updateSync(target, 'resume'),
  retry: (target) => gateway.updateSync(target, 'retry', null),
  pushNow: async (target) => {
    await gateway.wakeSync(target, 'pushNow');
    return `${targetKey(target)} is asked to push now`;
  },
});

/** Takes an entry of the outbox to Temporal; resolves with what became of it. */
function carrier(gateway: TemporalGateway, metrics: Metrics, tracer: Tracing): (entry: OutboxEntry) => Promise<string> {
  return (entry) =>
    traced(
      tracer,
      () => ({ place: within(placeOfEvent(entry.eventId)), name: `${entry.action} workflow`, kind: 'client', attributes: { event_id: entry.eventId } }),
      async () => {
        if (entry.action === 'end') return gateway.endEvent(entry.eventId).then(() => 'ended');
        const result = await gateway.startEvent(entry.event, entry.decision);
        if (entry.event.type && result === 'started') metrics.typeStarts.inc({ workflow: entry.event.type.workflow });
        return result;
      },
    );
}

/** The workers. Resolves when they poll. */
export async function startWorker(parts: Parts, connection: Parameters<typeof runWorkers>[0]['connection'], namespace: string): Promise<Part & { failed: Promise<never> }> {
  const { environment, ledger, gateway, registry, destinations, exporters, actions, waker, actionWaker, monitor, logger, metrics, tracer } = parts;
  // Before the first push. When it cannot be found out now, the monitor does within a minute.
  await noticeRestore(parts).catch((error: unknown) => { logger.warn({ err: error }, 'Whether the ledger or Temporal was restored could not be found out yet.'); });
  const wake = (targets: readonly TargetRef[]): void => {
    waker.wake(targets);
  };
  const stopping = new AbortController();
  const activities = createActivities({ ledger, policies: registry.policies, destinations, exporters, actions, sizesEveryMs: registry.watching.sizesEveryMs, wake, wakeAction: (action) => { actionWaker.wake(action); }, stopping: stopping.signal, gateway, monitor, logger, metrics, tracer });
  const { deployment } = environment;
  const workers = await runWorkers({ connection, namespace, dataConverter: parts.temporalSettings.dataConverter, activities, types: typeWorkflows(parts, wake), tracer, deployment }).catch((error: unknown) => {
    throw error instanceof TypesUnbundled ? new ConfigurationError('The workflow types cannot be bundled', error.problems) : error;
  });
  if (deployment) logger.info({ deployment }, `The workers are a version of a deployment: they get work once it is current (${currentVersionCommand(deployment)}) or ramping.`);
  return {
    failed: workers.failed,
    stop: () => {
      stopping.abort();
      return workers.stop();
    },
  };
}

/** Undefined where headgate.yaml has no workflow types. */
function typeWorkflows({ registry, ledger, gateway, logger, metrics }: Parts, wake: (targets: readonly TargetRef[]) => void): Parameters<typeof runWorkers>[0]['types'] {
  if (registry.types.length === 0) return undefined;
  const activities = createTypeActivities(registry.types, {
    store: ledgerStore(ledger, wake),
    entities: gateway.entities,
    policies: registry.policies,
    settings: registry.workflows.settings,
    count: (step) => { metrics.typeSteps.inc({ ...step }); },
    logger,
  });
  return { modules: registry.types, activities };
}

/** What a worker tells of itself, on a port of its own: whether it is well, and its metrics. */
export async function startWorkerEndpoints({ environment, ledger, metrics }: Parts, isPolling: () => boolean): Promise<Part> {
  const port = environment.HEADGATE_METRICS_PORT;
  if (port === 0) return { stop: () => Promise.resolve() };
  const app = createWorkerApp({ host: environment.HEADGATE_HOST, readToken: environment.HEADGATE_READ_TOKEN, isPolling, isLedgerUp: () => ledger.connection.isUp, metrics });
  const { close } = await listen(createServer(LIMITS, app), port, environment.HEADGATE_HOST, { sockets: 1 });
  return { stop: close };
}

function identifier(registry: Registry): (person: RawPerson) => { claim: Partial<PersonClaim>; identifiers: IdentifiersByPlatform } {
  const platforms = [...new Set([...registry.destinations.values()].map((destination) => destination.platform))];
  return (person) => identifyPerson(person, platforms);
}

function emailHash(email: string): string | undefined {
  const normalised = normaliseEmail(email);
  return normalised === undefined ? undefined : hashOnce(normalised);
}

/** How long a request may be on its way, and how often that is looked at (Node's default: each 30 s). Milliseconds. */
const LIMITS = { headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 2_000, keepAliveTimeout: 65_000 };

async function createHttpServer(environment: Environment, app: Parameters<typeof createServer>[1]): Promise<Server> {
  const { HEADGATE_TLS_CERT: cert, HEADGATE_TLS_KEY: key } = environment;
  if (cert === undefined || key === undefined) return createServer(LIMITS, app);
  return createSecureServer({ ...LIMITS, cert: await readFile(cert), key: await readFile(key) }, app);
}

function urlOf(port: number, environment: Environment): string {
  const host = environment.HEADGATE_HOST === '0.0.0.0' ? '127.0.0.1' : environment.HEADGATE_HOST;
  return `${environment.HEADGATE_TLS_CERT === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}
