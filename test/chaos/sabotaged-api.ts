/** src/server.ts with one promise broken. Argument: which. */
import { readEnvironment } from '../../src/config/environment.ts';
import { runProcess } from '../../src/lifecycle.ts';
import { openProduction } from '../../src/production.ts';
import { connectLazily } from '../../src/temporal/index.ts';
import { startApi } from '../../src/wiring.ts';
import type { PromiseNumber } from './audit/findings.ts';
import { sabotage } from './sabotage.ts';

await runProcess(async (life) => {
  const { parts, logger } = await openProduction(life, readEnvironment(), 'api', (settings) => Promise.resolve(connectLazily(settings)));
  await sabotage(Number(process.argv[2]) as PromiseNumber, 'api', parts);
  const api = await startApi(parts, undefined);
  life.started('The api', api.stop);
  logger.info(`Headgate is ready: ${api.url}`);
  return {};
});
