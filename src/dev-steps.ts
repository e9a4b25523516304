/** The steps of dev.ts: each finds or starts one thing, says so, and notes how to stop it. */
import { join } from 'node:path';
import { ConfigurationError } from './config/configuration-error.ts';
import type { Environment } from './config/environment.ts';
import { findRegistry, KEPT_SECRETS, withKeptSecrets } from './config/find-registry.ts';
import { loadRegistry, type Registry } from './config/registry.ts';
import { sandboxDestinations } from './config/sandbox-destinations.ts';
import { assertPortIsFree, findTemporalBinary, startPostgres, startTemporal, takeDataFolder, type DataFolder } from './embedded/index.ts';
import { openKeyring } from './encryption/index.ts';
import { migrate } from './ledger/index.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Logger } from './monitoring/logger.ts';
import { startSandbox } from './sandbox/index.ts';
import { SEARCH_ATTRIBUTES } from './workflows/contract.ts';

type Say = (line: string) => void;

/** The demo, its secret and the sandbox exist in this entry point only. */
export function refuseProduction(environment: Environment): void {
  if (!environment.production) return;
  throw new ConfigurationError('npm start is for trying out', ['NODE_ENV is production: run src/server.ts and src/worker.ts with a headgate.yaml of your own']);
}

/** Takes the data folder, and finds out now rather than after a long build whether the ports are free. */
export async function prepareFolder(life: Lifecycle, environment: Environment): Promise<DataFolder> {
  const folder = await takeDataFolder(environment.HEADGATE_DATA);
  life.started('The data folder', folder.release);
  await assertPortIsFree(environment.HEADGATE_PORT, environment.HEADGATE_HOST, 'HEADGATE_PORT');
  if (openKeyring(environment.variables).isOn) await assertPortIsFree(environment.HEADGATE_CODEC_PORT, environment.HEADGATE_HOST, 'HEADGATE_CODEC_PORT');
  await assertPortIsFree(environment.HEADGATE_SANDBOX_PORT, '127.0.0.1', 'HEADGATE_SANDBOX_PORT');
  return folder;
}

/** One's own registry, or the demo with secrets that are made at the first start. */
export async function loadOwnRegistry(environment: Environment, folder: DataFolder): Promise<{ registry: Registry; demo: boolean }> {
  const { path, demo } = findRegistry(environment);
  for (const file of demo ? Object.values(KEPT_SECRETS) : [KEPT_SECRETS.HEADGATE_SANDBOX_TOKEN]) await folder.keptSecret(file);
  const variables = await withKeptSecrets(environment);
  return { registry: await loadRegistry(path, { variables, sandboxAllowed: true }), demo };
}

export async function startOwnPostgres(life: Lifecycle, environment: Environment, folder: DataFolder, say: Say): Promise<string> {
  if (environment.DATABASE_URL !== undefined) {
    say('Postgres      the one of DATABASE_URL');
    await migrate(environment.DATABASE_URL);
    return environment.DATABASE_URL;
  }
  const postgres = await startPostgres(folder.path);
  life.started('Postgres', postgres.stop);
  say(`Postgres      ${postgres.attached ? 'attached to the one that was left running' : 'started'} (${join(folder.path, 'postgres')})`);
  await migrate(postgres.url);
  return postgres.url;
}

/** Only when payloads are encrypted: the embedded UI shows them by it. Returns its address. */
export async function startOwnCodecServer(life: Lifecycle, environment: Environment, logger: Logger): Promise<string | undefined> {
  const keyring = openKeyring(environment.variables);
  if (!keyring.isOn) return undefined;
  const { startCodecServer } = await import('./codec-server/index.ts');
  const server = await startCodecServer(environment, keyring, logger);
  life.started('The codec server', server.stop);
  return server.url;
}

export async function startOwnTemporal(
  life: Lifecycle,
  environment: Environment,
  folder: DataFolder,
  say: Say,
  codecUrl?: string,
): Promise<{ address: string | undefined; uiUrl: string | undefined }> {
  if (environment.TEMPORAL_ADDRESS !== undefined) {
    say(`Temporal      the one of TEMPORAL_ADDRESS (${environment.TEMPORAL_ADDRESS})`);
    return { address: undefined, uiUrl: environment.TEMPORAL_UI_URL };
  }
  const binary = await findTemporalBinary({ environment: environment.variables, say });
  const temporal = await startTemporal({
    binary: binary.path,
    folder: folder.path,
    port: environment.TEMPORAL_PORT,
    uiPort: environment.TEMPORAL_UI_PORT,
    searchAttributes: SEARCH_ATTRIBUTES,
    codecUrl,
  });
  life.started('Temporal', temporal.stop);
  const how = temporal.attached ? 'attached to the one that was left running' : 'started';
  say(`Temporal      ${how} (${binary.path}, ${binary.origin})`);
  return { address: temporal.address, uiUrl: temporal.uiUrl };
}

/** Only when a destination asks for it. Remembers what it was told, because the ledger does too. */
export async function startOwnSandbox(life: Lifecycle, environment: Environment, folder: DataFolder, registry: Registry): Promise<string | undefined> {
  const destinations = sandboxDestinations(registry);
  if (destinations.length === 0) return undefined;
  const sandbox = await startSandbox({ port: environment.HEADGATE_SANDBOX_PORT, destinations, journal: join(folder.path, 'sandbox.ndjson') });
  life.started('The sandbox', sandbox.close);
  return sandbox.url;
}

export interface Ready {
  registry: Registry;
  demo: boolean;
  apiUrl: string;
  uiUrl: string | undefined;
  codecUrl: string | undefined;
  sandboxUrl: string | undefined;
}

/** What a program needs next. */
export const describeReady = ({ registry, demo, apiUrl, uiUrl, codecUrl, sandboxUrl }: Ready): object => ({
  ready: true, url: apiUrl, temporal_ui_url: uiUrl ?? null, codec_url: codecUrl ?? null, sandbox_url: sandboxUrl ?? null, demo, sources: [...registry.sources.keys()], audiences: [...registry.policies.audiences.keys()],
});

/** What a person needs next, and the one line that programs wait for. */
export function showReady(say: Say, { registry, demo, apiUrl, uiUrl, codecUrl, sandboxUrl }: Ready): void {
  const audiences = [...registry.policies.audiences.keys()];
  say(`Registry      ${demo ? 'the demo' : 'your own'}: ${audiences.join(', ')}`);
  for (const source of registry.sources.keys()) say(`Webhooks      POST ${apiUrl}/v1/webhooks/${source}`);
  say(`Console       ${apiUrl}/console`);
  if (uiUrl !== undefined) say(`Temporal UI   ${uiUrl}`);
  if (codecUrl !== undefined) say(`Codec server  ${codecUrl}  (payloads are encrypted; the Temporal UI shows them by it)`);
  if (sandboxUrl !== undefined) say(`Sandbox       ${sandboxUrl}/_sandbox/state  (stands in for the ad platforms)`);
  const [audience] = audiences;
  if (audience !== undefined) {
    say('');
    say('Next, in another terminal:');
    say(`  npx headgate send add --audience ${audience} --email ada@example.com --customer-id c_ada`);
    say('  npx headgate person --email ada@example.com');
  }
  say('');
  say(`Headgate is ready: ${apiUrl}`);
}
