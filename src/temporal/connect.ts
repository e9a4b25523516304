/** Connections to Temporal, configured as Temporal's own tools are (`TEMPORAL_ADDRESS`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS_…`, profiles). */
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type { DataConverter } from '@temporalio/common';
import { dataConverterOf, openKeyring, type Keyring } from '../encryption/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import { installRuntime } from './runtime.ts';

export interface TemporalSettings {
  address: string;
  namespace: string;
  options: ReturnType<typeof loadClientConnectConfig>['connectionOptions'];
  keyring: Keyring;
  /** For every client and worker of the namespace. */
  dataConverter: DataConverter;
}

export interface TemporalConnection {
  client: Client;
  close: () => Promise<void>;
}

/** Reads Temporal's own environment variables and profile, and the keys of payloads. `address` is for the embedded server, and wins. Throws ConfigurationError. */
export function readTemporalSettings(variables: Readonly<Record<string, string | undefined>>, address?: string): TemporalSettings {
  const given = Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(given) });
  const target = address ?? connectionOptions.address ?? '127.0.0.1:7233';
  const keyring = openKeyring(variables);
  return { address: target, namespace, options: { ...connectionOptions, address: target }, keyring, dataConverter: dataConverterOf(keyring, namespace) };
}

/** For a process without workers: connects at the first call, so the process starts while Temporal is away. */
export function connectLazily(settings: TemporalSettings): TemporalConnection {
  const { namespace, dataConverter } = settings;
  const connection = Connection.lazy(settings.options);
  return { client: new Client({ connection, namespace, dataConverter }), close: () => connection.close() };
}

const RETRY_MS = 1_000;

/**
 * For a process with workers, which share the connection: waits for Temporal for as long as it takes.
 * @param options.metrics have Temporal's own metrics counted, for `readRuntimeMetrics`
 */
export async function connectNative(settings: TemporalSettings, logger: Logger, { metrics = false } = {}): Promise<TemporalConnection & { native: NativeConnection }> {
  await installRuntime({ logger, metrics });
  for (let attempt = 1; ; attempt++) {
    try {
      const native = await NativeConnection.connect(settings.options);
      const { namespace, dataConverter } = settings;
      return { native, client: new Client({ connection: native, namespace, dataConverter }), close: () => native.close() };
    } catch (error) {
      if (attempt === 1) logger.warn({ err: error, address: settings.address }, 'Temporal does not answer; waiting for it. Check TEMPORAL_ADDRESS.');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
