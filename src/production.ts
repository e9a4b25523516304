/** What server.ts and worker.ts have in common: a registry of one's own, an external Postgres and Temporal, no demo. */
import { adopt } from './adopt.ts';
import { ConfigurationError } from './config/configuration-error.ts';
import type { Environment } from './config/environment.ts';
import { loadRegistry } from './config/registry.ts';
import { isLoopback } from './api/index.ts';
import { migrate } from './ledger/index.ts';
import type { Lifecycle } from './lifecycle.ts';
import { createLogger, type Logger } from './monitoring/logger.ts';
import { openTracing } from './open-tracing.ts';
import { readTemporalSettings, type TemporalConnection, type TemporalSettings } from './temporal/index.ts';
import { buildParts, type Parts } from './wiring.ts';

export interface Opened<C extends TemporalConnection> {
  parts: Parts;
  temporal: C;
  settings: TemporalSettings;
  logger: Logger;
}

/**
 * Loads the registry, migrates the ledger, makes it know the registry, connects to Temporal and builds the shared parts. Throws ConfigurationError when
 * something is not set. The demo registry cannot get here: only dev.ts knows where it is.
 */
export async function openProduction<C extends TemporalConnection>(
  life: Lifecycle,
  environment: Environment,
  role: string,
  connect: (settings: TemporalSettings, logger: Logger) => Promise<C>,
): Promise<Opened<C>> {
  const logger = createLogger({ level: environment.HEADGATE_LOG_LEVEL, pretty: false });
  const databaseUrl = environment.DATABASE_URL;
  if (databaseUrl === undefined) throw new ConfigurationError('The environment has mistakes', ['DATABASE_URL: is missing: a Postgres 15 or newer']);
  const settings = readTemporalSettings(environment.variables);
  const sandboxUrl = allowedSandbox(environment);
  const registry = await loadRegistry(environment.HEADGATE_CONFIG ?? 'headgate.yaml', {
    variables: environment.variables,
    sandboxAllowed: sandboxUrl !== undefined,
  });
  const applied = await migrate(databaseUrl, { onWait: (cause) => logger.warn({ cause }, 'A migration waits for a table that is in use; nothing else does.') });
  if (applied.length > 0) logger.info({ migrations: applied }, 'The ledger was migrated.');
  await adopt(registry, databaseUrl, logger);
  const temporal = await connect(settings, logger);
  life.started('The connection to Temporal', temporal.close);
  const tracer = await openTracing(life, environment, role);
  const parts = buildParts({ environment, registry, databaseUrl, temporal, temporalSettings: settings, sandboxUrl, role, eager: false, logger, tracer });
  life.started('The ledger', parts.close);
  logger.info({ registry: registry.masked }, 'The registry is loaded.');
  return { parts, temporal, settings, logger };
}

/** The stand-ins of the platforms exist on this machine only, and never in production. */
function allowedSandbox(environment: Environment): string | undefined {
  const url = environment.HEADGATE_SANDBOX_URL;
  if (url === undefined) return undefined;
  const problem = environment.production
    ? 'the sandbox does not exist in production (NODE_ENV=production)'
    : URL.canParse(url) && isLoopback(new URL(url).hostname)
      ? undefined
      : 'must be an address on this machine, such as http://127.0.0.1:8090';
  if (problem !== undefined) throw new ConfigurationError('The environment has mistakes', [`HEADGATE_SANDBOX_URL: ${problem}`]);
  return url;
}
