/** `npm start`: the whole service on this machine. Reads as the order of things; what each step does is in embedded/ and wiring.ts. */
import { adopt } from './adopt.ts';
import { readEnvironment } from './config/environment.ts';
import { whenParentIsGone } from './embedded/index.ts';
import { prepareFolder, startOwnCodecServer, startOwnPostgres, startOwnSandbox, startOwnTemporal, loadOwnRegistry, refuseProduction, describeReady, showReady } from './dev-steps.ts';
import { runProcess } from './lifecycle.ts';
import { createLogger } from './monitoring/logger.ts';
import { openTracing } from './open-tracing.ts';
import { connectNative, readTemporalSettings } from './temporal/index.ts';
import { buildParts, startApi, startWorker } from './wiring.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs until it is asked to end. @param json for programs: one JSON line when it is ready, and the log */
export async function runDev({ json = false }: { json?: boolean | undefined } = {}): Promise<void> {
  const say = json ? (): void => undefined : print;
  await runProcess(async (life) => {
    const environment = readEnvironment();
    refuseProduction(environment);
    const logger = createLogger({ level: environment.HEADGATE_LOG_LEVEL, pretty: !json });
    const orphaned = whenParentIsGone(environment.variables);

    const folder = await prepareFolder(life, environment);
    const { registry, demo } = await loadOwnRegistry(environment, folder);
    const databaseUrl = await startOwnPostgres(life, environment, folder, say);
    await adopt(registry, databaseUrl, logger);
    const codecUrl = await startOwnCodecServer(life, environment, logger);
    const { address, uiUrl } = await startOwnTemporal(life, environment, folder, say, codecUrl);
    const sandboxUrl = await startOwnSandbox(life, environment, folder, registry);

    const temporalSettings = readTemporalSettings(environment.variables, address);
    const temporal = await connectNative(temporalSettings, logger, { metrics: true });
    life.started('The connection to Temporal', temporal.close);
    const tracer = await openTracing(life, environment, 'dev');
    const parts = buildParts({ environment, registry, databaseUrl, temporal, temporalSettings, sandboxUrl, role: 'dev', eager: true, logger, tracer });
    life.started('The ledger', parts.close);
    const worker = await startWorker(parts, temporal.native, temporalSettings.namespace);
    life.started('The worker', worker.stop);
    const api = await startApi(parts, uiUrl === undefined ? undefined : `${uiUrl}/namespaces/${temporalSettings.namespace}`);
    life.started('The api', api.stop);
    const ready = { registry, demo, apiUrl: api.url, uiUrl, codecUrl, sandboxUrl };
    if (json) print(JSON.stringify(describeReady(ready)));
    else showReady(say, ready);
    return { failed: worker.failed, orphaned };
  }, json ? undefined : say);
}
