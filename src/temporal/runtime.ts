/** Temporal's native runtime, with Headgate's logger, and its metrics for Headgate's own `/metrics`. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Runtime, type RuntimeOptions } from '@temporalio/worker';
import type { Logger } from '../monitoring/logger.ts';
import { fieldsOf } from './log-fields.ts';

export interface RuntimeParts {
  logger: Logger;
  /** Have the runtime count what it does, for `readRuntimeMetrics`. */
  metrics: boolean;
}

let installed: Promise<void> | undefined;
/** Where the runtime tells its metrics, on loopback. */
let metricsUrl: string | undefined;

/** Before the first native connection, once per process. Headgate ends its parts in its own order, so Temporal's signal handlers stay out. */
export function installRuntime({ logger, metrics }: RuntimeParts): Promise<void> {
  installed ??= install(logger, metrics);
  return installed;
}

/** Temporal's own metrics in the text format of Prometheus. Empty in a process without workers, and while the runtime has no connection. */
export async function readRuntimeMetrics(): Promise<string> {
  if (metricsUrl === undefined) return '';
  const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(METRICS_TIMEOUT_MS) }).catch(() => undefined);
  return response?.ok ? response.text() : '';
}

const METRICS_TIMEOUT_MS = 2_000;
/** Somebody else may take a free port before the runtime does. */
const PORT_TRIES = 3;

async function install(logger: Logger, metrics: boolean): Promise<void> {
  for (let tries = 1; metrics && tries <= PORT_TRIES; tries++) {
    const port = await freePort();
    try {
      // Units and `_total` in the names, and seconds, are the convention of Prometheus; without these flags Temporal's names are its own.
      const prometheus = { bindAddress: `127.0.0.1:${String(port)}`, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };
      Runtime.install(optionsOf(logger, { metrics: { prometheus } }));
      metricsUrl = `http://127.0.0.1:${String(port)}/metrics`;
      return;
    } catch (error) {
      if (tries === PORT_TRIES) logger.warn({ err: error }, "Temporal's own metrics cannot be told: they are missing in /metrics. Everything else works.");
    }
  }
  Runtime.install(optionsOf(logger, {}));
}

function optionsOf(logger: Logger, telemetry: NonNullable<RuntimeOptions['telemetryOptions']>): RuntimeOptions {
  const write = (level: string, message: string, meta?: Record<string, unknown>): void => {
    logger[levelOf(level, message)]({ ...meta, ...fieldsOf(meta?.['workflowId']) }, message);
  };
  return {
    shutdownSignals: [],
    logger: {
      log: write,
      trace: (message, meta) => {
        write('TRACE', message, meta);
      },
      debug: (message, meta) => {
        write('DEBUG', message, meta);
      },
      info: (message, meta) => {
        write('INFO', message, meta);
      },
      warn: (message, meta) => {
        write('WARN', message, meta);
      },
      error: (message, meta) => {
        write('ERROR', message, meta);
      },
    },
    telemetryOptions: { ...telemetry, logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Said at each start about workers that are meant to have no workflows, and of pushes that failed, which Headgate tells itself. */
const TOLD_OTHERWISE = /^(No (workflows|activities) registered|Activity failed)/;

/** What Temporal calls information is detail to an operator of Headgate. */
function levelOf(level: string, message: string): 'trace' | 'debug' | 'warn' | 'error' {
  if (level === 'ERROR') return 'error';
  if (level === 'WARN') return TOLD_OTHERWISE.test(message) ? 'debug' : 'warn';
  return level === 'TRACE' ? 'trace' : 'debug';
}
