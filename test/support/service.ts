/** The whole service in this process, on a real Postgres, a real Temporal server and the sandbox over HTTP. */
import type { Client } from '@temporalio/client';
import { adopt } from '../../src/adopt.ts';
import { sign } from '../../src/api/index.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { parseRegistry, type Registry } from '../../src/config/registry.ts';
import { sandboxDestinations } from '../../src/config/sandbox-destinations.ts';
import { withWorkflowTypes } from '../../src/config/workflows.ts';
import type { Patience } from '../../src/domain/alerts.ts';
import { Lifecycle } from '../../src/lifecycle.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { connectNative, readTemporalSettings } from '../../src/temporal/index.ts';
import { buildParts, startApi, startWorker, type Parts } from '../../src/wiring.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { startProxy, type Proxy } from './proxy.ts';
import { startTestTemporal, type TestTemporal } from './temporal.ts';

export const SECRET = 'a-signing-secret-for-tests';
export const CART_AT_META = '6000000000001';
export const CROSS_SELL_AT_META = '6000000000002';

export const REGISTRY = `
sources:
  demo: { signing_secret: ${SECRET} }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_1, timeout: 2s }
audiences:
  high_intent_cart_7d_v1:
    description: Abandoned a cart
    owner: { name: Tests }
    window: 7d
    targets: { meta_main: "${CART_AT_META}" }
  post_purchase_cross_sell_14d_v1:
    description: Paid
    owner: { name: Tests }
    window: 14d
    excludes: [high_intent_cart_7d_v1]
    targets: { meta_main: "${CROSS_SELL_AT_META}" }
`;

export interface WebhookAnswer {
  status: number;
  body: Record<string, unknown>;
  retryAfter?: string;
}

export interface TestService {
  url: string;
  client: Client;
  parts: Parts;
  sandbox: Sandbox;
  database: TestDatabase;
  temporal: TestTemporal;
  /** Signs and posts a webhook; what is left out is filled in for an add of a new event to the cart audience, now. */
  post: (body: Record<string, unknown>) => Promise<WebhookAnswer>;
  /** The e-mail hashes that the sandbox believes to be in an audience. */
  members: (platformAudienceId: string) => string[];
  read: (path: string) => Promise<WebhookAnswer>;
  /** Stops the api, the worker and what they share; servers stay. */
  stopHeadgate: () => Promise<void>;
  /**
   * @param changed another headgate.yaml than before. Rejects with the ConfigurationError of a process that would not start.
   * @param variables instead of those that the service was started with
   */
  startHeadgate: (changed?: string, variables?: Record<string, string>) => Promise<void>;
  stop: () => Promise<void>;
}

export interface ServiceOptions {
  registry?: string;
  destination?: string;
  /** A registry with everything that the stand-ins have, when the service is to see less of it at first. */
  standIns?: string;
  /** How soon the monitor believes what it sees. */
  patience?: Patience;
  /** Variables besides its ports, such as tokens. */
  environment?: Record<string, string>;
  /** Puts something between Headgate and its database. */
  through?: (databaseUrl: string) => Promise<string>;
}

/** Every file that starts one stops it in `afterAll`. */
export async function startService(options: ServiceOptions = {}): Promise<TestService> {
  const destination = options.destination ?? 'meta_main';
  const parse = (text: string): Registry => parseRegistry(text, 'headgate.yaml', { variables: {}, sandboxAllowed: true });
  // Beside it is nothing: what `workflows:` names must be absolute.
  const load = (text: string): Promise<Registry> => withWorkflowTypes(parse(text), '/nowhere');
  let registry = await load(options.registry ?? REGISTRY);
  const database = await createDatabase();
  const databaseUrl = (await options.through?.(database.url)) ?? database.url;
  const temporal = await startTestTemporal();
  const sandbox = await startSandbox({ port: 0, destinations: sandboxDestinations(options.standIns === undefined ? registry : parse(options.standIns)) });
  let headgate = await startHeadgate(registry, databaseUrl, temporal, sandbox, options);
  const service: TestService = {
    url: headgate.url,
    client: headgate.client,
    parts: headgate.parts,
    sandbox,
    database,
    temporal,
    post: (body) => postWebhook(service.url, body),
    members: (id) => sandbox.store.state.destinations[destination]?.audiences[id]?.hashes ?? [],
    read: async (path) => {
      const response = await fetch(`${service.url}${path}`);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    stopHeadgate: () => headgate.life.stop(),
    startHeadgate: async (changed, variables) => {
      if (changed !== undefined) registry = await load(changed);
      headgate = await startHeadgate(registry, databaseUrl, temporal, sandbox, { ...options, ...(variables ? { environment: variables } : {}) });
      Object.assign(service, { url: headgate.url, client: headgate.client, parts: headgate.parts });
    },
    stop: async () => {
      await headgate.life.stop();
      await sandbox.close();
      await temporal.stop();
      await database.drop();
    },
  };
  return service;
}

/** A service whose wire to its ledger can be cut, frozen and mended. */
export interface WiredService {
  service: TestService;
  wire: Proxy;
  stop: () => Promise<void>;
}

export async function startWiredService(options: Omit<ServiceOptions, 'through'> = {}): Promise<WiredService> {
  let wire: Proxy | undefined;
  const service = await startService({
    ...options,
    through: async (url) => {
      wire = await startProxy(url);
      return wire.url;
    },
  });
  if (!wire) throw new Error('the service did not ask for its wire');
  const { close } = wire;
  return {
    service,
    wire,
    stop: async () => {
      await service.stop();
      await close();
    },
  };
}

async function startHeadgate(registry: Registry, databaseUrl: string, temporal: TestTemporal, sandbox: Sandbox, { patience, environment: variables = {} }: Pick<ServiceOptions, 'patience' | 'environment'> = {}) {
  const life = new Lifecycle((line) => process.stderr.write(`${line}\n`));
  const logger = createLogger({ level: process.env['HEADGATE_LOG_LEVEL'] ?? 'silent', pretty: false });
  const environment = readEnvironment({ ...variables, HEADGATE_PORT: '0', HEADGATE_METRICS_PORT: '0' });
  await adopt(registry, databaseUrl, logger);
  const settings = readTemporalSettings(environment.variables, temporal.address);
  const connection = await connectNative(settings, logger);
  life.started('temporal', connection.close);
  const parts = buildParts({
    environment,
    registry,
    databaseUrl,
    temporal: connection,
    temporalSettings: settings,
    sandboxUrl: sandbox.url,
    role: 'test',
    eager: true,
    ...(patience ? { patience } : {}),
    logger,
  });
  life.started('parts', parts.close);
  const worker = await startWorker(parts, connection.native, settings.namespace);
  life.started('worker', worker.stop);
  const api = await startApi(parts, undefined);
  life.started('api', api.stop);
  return { life, parts, client: connection.client, url: api.url };
}

/** Signs and posts as Customer.io does. */
export async function postWebhook(url: string, given: Record<string, unknown>, secret = SECRET): Promise<WebhookAnswer> {
  const body = JSON.stringify({
    schema_version: 1,
    event_id: crypto.randomUUID(),
    event: 'cio.audience_add',
    audience_key: 'high_intent_cart_7d_v1',
    timestamp: Date.now() / 1_000,
    ...given,
  });
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const response = await fetch(`${url}/v1/webhooks/demo`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-cio-timestamp': timestamp, 'x-cio-signature': sign(secret, timestamp, body) },
    body,
  });
  const retryAfter = response.headers.get('retry-after');
  return { status: response.status, body: (await response.json()) as Record<string, unknown>, ...(retryAfter === null ? {} : { retryAfter }) };
}
