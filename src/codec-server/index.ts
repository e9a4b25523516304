/**
 * The codec server: shows the Temporal UI and CLI what encrypted payloads hold. It has the keys, and knows neither Temporal nor the ledger.
 * Start reading at app.ts.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { listen } from '../api/http-listener.ts';
import { ConfigurationError } from '../config/configuration-error.ts';
import { readEnvironment, type Environment } from '../config/environment.ts';
import { openKeyring, type Keyring } from '../encryption/index.ts';
import { runProcess } from '../lifecycle.ts';
import { createLogger, type Logger } from '../monitoring/logger.ts';
import { createCodecApp } from './app.ts';
import { codecServerSettings } from './settings.ts';

export { createCodecApp, type CodecAppOptions } from './app.ts';
export { codecServerSettings, type CodecServerSettings } from './settings.ts';

export interface CodecServer {
  url: string;
  stop: () => Promise<void>;
}

/** Resolves when it listens. @param uiUrl the UI that asks, where it is known */
export async function startCodecServer(environment: Environment, keyring: Keyring, logger: Logger, uiUrl?: string): Promise<CodecServer> {
  const settings = codecServerSettings(environment, uiUrl);
  const app = createCodecApp({ ...settings, keyring, logger });
  const { server, scheme } = await createHttpServer(environment, app);
  const { port, close } = await listen(server, settings.port, settings.host, { sockets: 1 });
  const host = settings.host === '0.0.0.0' ? '127.0.0.1' : settings.host;
  return { url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${String(port)}`, stop: close };
}

/** `headgate codec-server`: runs until it is asked to end. @param json for programs: one JSON line when it is ready */
export async function runCodecServer({ json = false }: { json?: boolean } = {}): Promise<void> {
  await runProcess(async (life) => {
    const environment = readEnvironment();
    const keyring = openKeyring(environment.variables);
    if (!keyring.isOn) throw new ConfigurationError('The environment has mistakes', ['HEADGATE_ENCRYPTION_KEYS: is missing (or HEADGATE_ENCRYPTION_KEYS_FILE): the keys of api and worker']);
    const logger = createLogger({ level: environment.HEADGATE_LOG_LEVEL, pretty: false });
    const server = await startCodecServer(environment, keyring, logger);
    life.started('The codec server', server.stop);
    keyring.logTo(logger);
    process.stdout.write(`${json ? JSON.stringify({ ready: true, url: server.url }) : `The codec server is ready: ${server.url}`}\n`);
    return {};
  });
}

async function createHttpServer(environment: Environment, app: Parameters<typeof createServer>[1]): Promise<{ server: Server; scheme: string }> {
  const { HEADGATE_TLS_CERT: cert, HEADGATE_TLS_KEY: key } = environment;
  const limits = { headersTimeout: 10_000, requestTimeout: 15_000 };
  if (cert === undefined || key === undefined) return { server: createServer(limits, app), scheme: 'http' };
  return { server: createSecureServer({ ...limits, cert: await readFile(cert), key: await readFile(key) }, app), scheme: 'https' };
}
