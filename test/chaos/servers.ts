/** The suite's own Postgres and Temporal: real ones, in a temporary folder, that can be killed, put to sleep and started again on the same data. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporalBinary, startPostgres, startTemporal, type EmbeddedPostgres, type EmbeddedTemporal } from '../../src/embedded/index.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import { run, whenGone } from '../../src/embedded/processes.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/contract.ts';
import { forgetFolder, forgetPid, noteFolder, notePid } from './left-behind.ts';

/** A server as the monkey sees it. */
export interface Server {
  kill: () => Promise<void>;
  sleep: () => Promise<void>;
  wake: () => void;
  /** Starts it on the same data. */
  start: () => Promise<void>;
}

export interface Servers {
  folder: string;
  postgres: Server & { url: () => string };
  temporal: Server & { address: string; uiUrl: string; binary: string };
  /** @param keep leaves the folder with data and logs */
  stop: (keep?: boolean) => Promise<void>;
}

const GONE_WITHIN_MS = 10_000;

export async function startServers(say: (line: string) => void): Promise<Servers> {
  const binary = await findTemporalBinary({ environment: process.env, say });
  const folder = await mkdtemp(join(tmpdir(), 'headgate-chaos-'));
  noteFolder(folder);
  // Postgres runs as somebody else when this process is root.
  await chmod(folder, 0o755);
  const [postgres, temporal] = [new PostgresServer(folder), new TemporalServer(folder, binary.path, await findFreePort(), await findFreePort())];
  const stop = async (keep = false): Promise<void> => {
    await temporal.stop();
    await postgres.stop();
    forgetFolder(folder);
    if (!keep) await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([postgres.start(), temporal.start()]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder, postgres, temporal, stop };
}

class PostgresServer implements Server {
  readonly #folder: string;
  #running: EmbeddedPostgres | undefined;
  #asleep: number[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  url = (): string => this.#running?.url ?? '';

  async start(): Promise<void> {
    this.#running = await startPostgres(this.#folder);
    notePid(this.#running.pid);
  }

  /** The postmaster and all that it has started. */
  async kill(): Promise<void> {
    const pid = this.#running?.pid;
    if (pid === undefined) return;
    this.#asleep = [];
    signalAll([pid, ...(await childrenOf(pid))], 'SIGKILL');
    await whenGone(pid, GONE_WITHIN_MS);
    forgetPid(pid);
  }

  async sleep(): Promise<void> {
    const pid = this.#running?.pid;
    if (pid === undefined) return;
    // The postmaster first, so that it starts nobody who stays awake.
    signalAll([pid], 'SIGSTOP');
    this.#asleep = [pid, ...(await childrenOf(pid))];
    signalAll(this.#asleep, 'SIGSTOP');
  }

  wake(): void {
    signalAll(this.#asleep, 'SIGCONT');
    this.#asleep = [];
  }

  async stop(): Promise<void> {
    this.wake();
    if (!this.#running) return;
    await this.#running.stop();
    forgetPid(this.#running.pid);
  }
}

class TemporalServer implements Server {
  readonly binary: string;
  readonly #options: Parameters<typeof startTemporal>[0];
  #running: EmbeddedTemporal | undefined;

  constructor(folder: string, binary: string, port: number, uiPort: number) {
    this.binary = binary;
    this.#options = { binary, folder, port, uiPort, searchAttributes: SEARCH_ATTRIBUTES };
  }

  get address(): string {
    return `127.0.0.1:${String(this.#options.port)}`;
  }

  get uiUrl(): string {
    return `http://127.0.0.1:${String(this.#options.uiPort)}`;
  }

  async start(): Promise<void> {
    this.#running = await startTemporal(this.#options);
    notePid(this.#running.pid);
  }

  async kill(): Promise<void> {
    const pid = this.#running?.pid;
    if (pid === undefined) return;
    signalAll([pid], 'SIGKILL');
    await whenGone(pid, GONE_WITHIN_MS);
    forgetPid(pid);
  }

  sleep(): Promise<void> {
    if (this.#running) signalAll([this.#running.pid], 'SIGSTOP');
    return Promise.resolve();
  }

  wake(): void {
    if (this.#running) signalAll([this.#running.pid], 'SIGCONT');
  }

  async stop(): Promise<void> {
    this.wake();
    if (!this.#running) return;
    await this.#running.stop();
    forgetPid(this.#running.pid);
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const { output } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
  return output.split('\n').flatMap((line) => {
    const [child, parent] = line.trim().split(/\s+/).map(Number);
    return parent === pid && child !== undefined ? [child] : [];
  });
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended already.
    }
  }
}
