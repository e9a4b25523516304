/** The api process of production: the door, the relay and the reading routes, on an external Postgres and Temporal. */
import { readEnvironment } from './config/environment.ts';
import { runProcess } from './lifecycle.ts';
import { startApi } from './wiring.ts';
import { openProduction } from './production.ts';
import { connectLazily } from './temporal/index.ts';

await runProcess(async (life) => {
  const environment = readEnvironment();
  const { parts, logger } = await openProduction(life, environment, 'api', (settings) => Promise.resolve(connectLazily(settings)));
  const ui = environment.TEMPORAL_UI_URL;
  const api = await startApi(parts, ui === undefined ? undefined : `${ui}/namespaces/${environment.TEMPORAL_NAMESPACE}`);
  life.started('The api', api.stop);
  logger.info(`Headgate is ready: ${api.url}`);
  return {};
});
