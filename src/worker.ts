/** The worker process of production: event workflows, syncs and pushes, on an external Postgres and Temporal. */
import { readEnvironment } from './config/environment.ts';
import { runProcess } from './lifecycle.ts';
import { openProduction } from './production.ts';
import { connectNative } from './temporal/index.ts';
import { startWorker, startWorkerEndpoints } from './wiring.ts';

await runProcess(async (life) => {
  const environment = readEnvironment();
  const metrics = environment.HEADGATE_METRICS_PORT !== 0;
  const { parts, temporal, settings, logger } = await openProduction(life, environment, 'worker', (to, log) => connectNative(to, log, { metrics }));
  let polling = false;
  const endpoints = await startWorkerEndpoints(parts, () => polling);
  life.started('The health endpoints', endpoints.stop);
  const worker = await startWorker(parts, temporal.native, settings.namespace);
  polling = true;
  life.started('The worker', () => {
    polling = false;
    return worker.stop();
  });
  logger.info('Headgate worker is ready.');
  return { failed: worker.failed };
});
