/** A process of the fleet: started, killed, put to sleep, started again with the same settings. What it says is kept in a file. */
import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, closeSync, openSync, readSync, statSync } from 'node:fs';
import { until } from '../support/until.ts';
import { forgetPid, notePid } from './left-behind.ts';

export interface ChildOptions {
  name: string;
  /** What node runs. */
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  logFile: string;
  /** A line that says that it is ready. */
  ready: RegExp;
}

const READY_WITHIN_MS = 120_000;
/** A supervisor starts a process that has ended by itself again. */
const RESTART_AFTER_MS = 500;
/** Of a log, to find the line that says that the process is ready. Bytes. */
const MOST_READ = 256 * 1024;

export class Child {
  readonly name: string;
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  /** Where in the log the running process begins. */
  #logFrom = 0;
  #asleep = false;
  /** Set while the process is meant to run. */
  #wanted = false;
  #skewMs = 0;
  /** How processes ended that nobody had killed. */
  readonly endings: string[] = [];

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Starts it; `whenReady` waits for it. */
  start({ skewMs = 0 } = {}): void {
    this.#wanted = true;
    this.#asleep = false;
    this.#skewMs = skewMs;
    const { args, environment, logFile } = this.#options;
    const log = openSync(logFile, 'a');
    this.#logFrom = statSync(logFile).size;
    const clock = skewMs === 0 ? [] : ['--import', new URL('./skewed-clock.ts', import.meta.url).href];
    const child = spawn(process.execPath, [...clock, ...args], { env: { ...environment, CHAOS_SKEW_MS: String(skewMs) }, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#process = child;
    if (child.pid !== undefined) notePid(child.pid);
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        if (child.pid !== undefined) forgetPid(child.pid);
        resolve();
        if (this.#wanted && this.#process === child) this.#startAgain(`${this.name} ended by itself (${signal ?? `status ${String(code)}`})`);
      });
    });
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get isSkewed(): boolean {
    return this.#skewMs !== 0;
  }

  /** Resolves when it is ready, at the latest after `ms`. Returns whether it is: a process waits for servers that are away. */
  async whenReady(ms = READY_WITHIN_MS): Promise<boolean> {
    const isReady = (): boolean => this.#options.ready.test(this.#said());
    return until(isReady, Boolean, ms).catch(() => false);
  }

  /** `kill -9`; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#wanted = false;
    this.#process?.kill('SIGKILL');
    await this.#exited;
  }

  sleep(): void {
    this.#asleep = true;
    this.#process?.kill('SIGSTOP');
  }

  wake(): void {
    if (this.#asleep) this.#process?.kill('SIGCONT');
    this.#asleep = false;
  }

  /** Asks it to end, as an operator does; by force when it does not. */
  async stop(graceMs: number): Promise<void> {
    this.#wanted = false;
    this.wake();
    this.#process?.kill('SIGTERM');
    const timer = setTimeout(() => this.#process?.kill('SIGKILL'), graceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #startAgain(ending: string): void {
    this.endings.push(ending);
    appendFileSync(this.#options.logFile, `${ending}\n`);
    setTimeout(() => {
      if (this.#wanted) this.start({ skewMs: this.#skewMs });
    }, RESTART_AFTER_MS);
  }

  /** What the running process has said first. */
  #said(): string {
    const log = openSync(this.#options.logFile, 'r');
    const beginning = Buffer.alloc(MOST_READ);
    const length = readSync(log, beginning, 0, MOST_READ, this.#logFrom);
    closeSync(log);
    return beginning.toString('utf8', 0, length);
  }
}
