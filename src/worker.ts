/** The worker process of production: event workflows, syncs and pushes, on an external Postgres and Temporal. */
import { readEnvironment } from './config/environment.ts';
import { runProcess } from './lifecycle.ts';
import { openProduction } from './production.ts';
import { connectNative } from './temporal/index.ts';
import { startWorker, startWorkerMetrics } from './wiring.ts';

await runProcess(async (life) => {
  const environment = readEnvironment();
  const { parts, temporal, settings, logger } = await openProduction(life, environment, 'worker', connectNative);
  const metrics = await startWorkerMetrics(parts);
  life.started('The metrics', metrics.stop);
  const worker = await startWorker(parts, temporal.native, settings.namespace);
  life.started('The worker', worker.stop);
  logger.info('Headgate worker is ready.');
  return { failed: worker.failed };
});
