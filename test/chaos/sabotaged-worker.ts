/** src/worker.ts with one promise broken. Argument: which. */
import { readEnvironment } from '../../src/config/environment.ts';
import { runProcess } from '../../src/lifecycle.ts';
import { openProduction } from '../../src/production.ts';
import { connectNative } from '../../src/temporal/index.ts';
import { startWorker } from '../../src/wiring.ts';
import type { PromiseNumber } from './audit/findings.ts';
import { sabotage } from './sabotage.ts';

await runProcess(async (life) => {
  const { parts, temporal, settings, logger } = await openProduction(life, readEnvironment(), 'worker', connectNative);
  await sabotage(Number(process.argv[2]) as PromiseNumber, 'worker', parts);
  const worker = await startWorker(parts, temporal.native, settings.namespace);
  life.started('The worker', worker.stop);
  logger.info('Headgate worker is ready.');
  return { failed: worker.failed };
});
