/**
 * The embedded Temporal server with its UI: the CLI's development server on a file of Headgate's own. It is started in a
 * session of its own, so that Ctrl-C reaches Headgate first; after a crash the next start attaches to it again.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { EmbeddedError } from './embedded-error.ts';
import { assertPortIsFree } from './ports.ts';
import { commandOf, isAlive, run, stopProcess } from './processes.ts';

export interface EmbeddedTemporal {
  address: string;
  uiUrl: string;
  attached: boolean;
  pid: number;
  stop: () => Promise<void>;
}

export interface TemporalServerOptions {
  binary: string;
  folder: string;
  port: number;
  uiPort: number;
  searchAttributes: readonly string[];
  /** Where the UI has encrypted payloads decoded. */
  codecUrl?: string | undefined;
}

/**
 * SQLite settings. WAL with `synchronous=NORMAL` survives the kill of any process; only a power cut may undo the last
 * moments of Temporal's own database, which the ledger's outbox and sweep make good again. FULL would wait for
 * the disk at each transaction (docs/decisions/0004-embedded-temporal.md).
 */
const PRAGMAS = ['journal_mode=WAL', 'synchronous=NORMAL'];
/** The development server's limits are meant for one developer. */
const DYNAMIC_CONFIG = { 'frontend.namespaceRPS': 20_000, 'frontend.rps': 20_000, 'history.rps': 20_000, 'matching.rps': 20_000 };
/** How long closed workflows can be looked at. The server's own default is a day. */
const RETENTION = '168h';
const CODEC_FLAG = '--ui-codec-endpoint';
const START_TIMEOUT_MS = 60_000;

/** Starts the server or attaches to the one that a crash left behind. Throws EmbeddedError when it does not come up. */
export async function startTemporal(options: TemporalServerOptions): Promise<EmbeddedTemporal> {
  const { folder, port, uiPort, codecUrl } = options;
  const pidFile = join(folder, 'temporal.pid');
  const left = await findRunning(pidFile, port, codecUrl);
  const pid = left ?? (await start(options, pidFile));
  await answers(options, pid);
  return {
    address: `127.0.0.1:${String(port)}`,
    uiUrl: `http://127.0.0.1:${String(uiPort)}`,
    attached: left !== undefined,
    pid,
    stop: async () => {
      await stopProcess(pid, 'SIGTERM', 10_000);
      await rm(pidFile, { force: true });
    },
  };
}

/** One that runs otherwise than wanted is ended, because its file can have one owner only. */
async function findRunning(pidFile: string, port: number, codecUrl: string | undefined): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (!pid || !isAlive(pid)) return undefined;
  const command = await commandOf(pid);
  if (!command.includes('start-dev')) return undefined;
  const asWanted = command.includes(`--port ${String(port)} `) && (codecUrl === undefined ? !command.includes(CODEC_FLAG) : command.includes(`${CODEC_FLAG} ${codecUrl} `));
  if (asWanted) return pid;
  await stopProcess(pid, 'SIGTERM', 10_000);
  return undefined;
}

async function start(options: TemporalServerOptions, pidFile: string): Promise<number> {
  await assertPortIsFree(options.port, '127.0.0.1', 'TEMPORAL_PORT');
  await assertPortIsFree(options.uiPort, '127.0.0.1', 'TEMPORAL_UI_PORT');
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port), '--ui-port', String(options.uiPort)];
  args.push('--db-filename', join(options.folder, 'temporal.db'), '--log-level', 'error', '--ui-disable-news-fetch');
  if (options.codecUrl !== undefined) args.splice(2, 0, CODEC_FLAG, options.codecUrl);
  for (const pragma of PRAGMAS) args.push('--sqlite-pragma', pragma);
  for (const [key, value] of Object.entries(DYNAMIC_CONFIG)) args.push('--dynamic-config-value', `${key}=${String(value)}`);
  for (const name of options.searchAttributes) args.push('--search-attribute', `${name}=Keyword`);
  const log = openSync(join(options.folder, 'temporal.log'), 'a');
  const child = spawn(options.binary, args, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  if (child.pid === undefined) throw new EmbeddedError(`The Temporal server ${options.binary} could not be started.`);
  await writeFile(pidFile, String(child.pid));
  return child.pid;
}

async function answers(options: TemporalServerOptions, pid: number): Promise<void> {
  const address = `127.0.0.1:${String(options.port)}`;
  const end = Date.now() + START_TIMEOUT_MS;
  while (!(await accepts(options.port)) || !(await keepForAWeek(options.binary, address))) {
    if (!isAlive(pid) || Date.now() > end) {
      const log = await readFile(join(options.folder, 'temporal.log'), 'utf8').catch(() => '');
      const said = log.trim().split('\n').at(-1) ?? '';
      throw new EmbeddedError(`The Temporal server did not start: ${said} (its log: ${join(options.folder, 'temporal.log')})`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function keepForAWeek(binary: string, address: string): Promise<boolean> {
  const { code } = await run(binary, ['operator', 'namespace', 'update', '--retention', RETENTION, '-n', 'default', '--address', address]);
  return code === 0;
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
