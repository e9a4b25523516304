/** Temporal's native runtime, with Headgate's logger. */
import { Runtime } from '@temporalio/worker';
import type { Logger } from '../monitoring/logger.ts';

let installed = false;

/** Before the first native connection, once per process. Headgate ends its parts in its own order, so Temporal's signal handlers stay out. */
export function installRuntime(logger: Logger): void {
  if (installed) return;
  installed = true;
  const write = (level: string, message: string, meta?: object): void => {
    logger[levelOf(level, message)]({ ...meta }, message);
  };
  Runtime.install({
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
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
  });
}

/** Said at each start about workers that are meant to have no workflows, and of pushes that failed, which Headgate tells itself. */
const TOLD_OTHERWISE = /^(No (workflows|activities) registered|Activity failed)/;

/** What Temporal calls information is detail to an operator of Headgate. */
function levelOf(level: string, message: string): 'trace' | 'debug' | 'warn' | 'error' {
  if (level === 'ERROR') return 'error';
  if (level === 'WARN') return TOLD_OTHERWISE.test(message) ? 'debug' : 'warn';
  return level === 'TRACE' ? 'trace' : 'debug';
}
