/**
 * Looks after what the api depends on, and tells the operators: a schedule in Temporal could not report that Temporal, the ledger or the
 * monitor itself is gone.
 */
import type { Finding } from '../domain/alerts.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';

export interface WatchdogOptions {
  isLedgerUp: () => boolean;
  /** Resolves when Temporal answers. */
  askTemporal: () => Promise<void>;
  /** How long ago the monitor last looked, in milliseconds; null: never. */
  monitorAge: () => Promise<number | null>;
  /** Has the monitor look from here, with what the watchdog has found. */
  look: (findings: readonly Finding[]) => Promise<unknown>;
  /** Tells the operators without the ledger. Never fails. */
  tell: (change: 'raised' | 'recovered', finding: Finding) => Promise<void>;
  logger: Logger;
  metrics: Metrics;
  timing?: Partial<WatchdogTiming>;
}

/** Milliseconds. */
export interface WatchdogTiming {
  /** Between two looks. */
  everyMs: number;
  /** How long the ledger or Temporal may be away before anybody is told. */
  awayMs: number;
  /** How long the monitor may be silent. */
  silentMs: number;
}

const TIMING: WatchdogTiming = { everyMs: 5_000, awayMs: 60_000, silentMs: 180_000 };
const TEMPORAL_TIMEOUT_MS = 3_000;

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #timing: WatchdogTiming;
  readonly #startedAt = Date.now();
  #temporal = true;
  #temporalAwaySince: number | null = null;
  #ledgerAwaySince: number | null = null;
  /** What the operators were told of the ledger. */
  #told: Finding | null = null;
  #lastLookAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
  }

  get view(): { ledger: boolean; temporal: boolean; problems: string[] } {
    const ledger = this.#options.isLedgerUp();
    const problems = [
      ...(ledger ? [] : ['the ledger (Postgres) does not answer: events go to the lifeboat']),
      ...(this.#temporal ? [] : ['Temporal does not answer: events are decided, their workflows and the platforms wait']),
    ];
    return { ledger, temporal: this.#temporal, problems };
  }

  start(): void {
    const look = async (): Promise<void> => {
      this.#running = this.#look();
      await this.#running;
      if (!this.#stopped) this.#timer = setTimeout(() => void look(), this.#timing.everyMs).unref();
    };
    void look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #look(): Promise<void> {
    const { logger, metrics, isLedgerUp, askTemporal } = this.#options;
    const answers = await withTimeout(askTemporal(), TEMPORAL_TIMEOUT_MS);
    if (answers !== this.#temporal) {
      if (answers) logger.info('Temporal answers again.');
      else logger.error('Temporal does not answer. Events are still decided and kept; check TEMPORAL_ADDRESS and the server.');
    }
    this.#temporal = answers;
    const ledger = isLedgerUp();
    const now = Date.now();
    this.#temporalAwaySince = answers ? null : (this.#temporalAwaySince ?? now);
    this.#ledgerAwaySince = ledger ? null : (this.#ledgerAwaySince ?? now);
    metrics.up.set({ dependency: 'temporal' }, answers ? 1 : 0);
    metrics.up.set({ dependency: 'ledger' }, ledger ? 1 : 0);
    await this.#watchLedger(now);
    if (ledger) await this.#standInForMonitor(now);
  }

  async #watchLedger(now: number): Promise<void> {
    const since = this.#ledgerAwaySince;
    if (since !== null && this.#told === null && now - since >= this.#timing.awayMs) {
      this.#told = {
        rule: 'ledger_down', subject: 'ledger', level: 'critical', since, stillTargeted: 0,
        what: 'The ledger (Postgres) does not answer. Events are kept in Temporal as long as it answers; nothing is pushed.',
        cure: 'Bring Postgres back (see its logs and disk, and DATABASE_URL). Everything goes on by itself then.',
      };
      await this.#options.tell('raised', this.#told);
    }
    if (since === null && this.#told) {
      await this.#options.tell('recovered', this.#told);
      this.#told = null;
    }
  }

  /** While no worker runs the monitor, this process does. */
  async #standInForMonitor(now: number): Promise<void> {
    const { logger, monitorAge, look } = this.#options;
    const { awayMs, silentMs } = this.#timing;
    const away = this.#temporalAwaySince;
    if (now - this.#lastLookAt < Math.min(awayMs, silentMs)) return;
    try {
      const age = (await monitorAge()) ?? now - this.#startedAt;
      const temporalDown = away !== null && now - away >= awayMs;
      const silent = away === null && age >= silentMs;
      if (!temporalDown && !silent) return;
      this.#lastLookAt = now;
      await look([temporalDown ? temporalDownSince(away) : monitorSilentSince(now - age)]);
    } catch (error) {
      logger.debug({ err: error }, 'The watchdog could not look; it looks again.');
    }
  }
}

const temporalDownSince = (since: number): Finding => ({
  rule: 'temporal_down', subject: 'temporal', level: 'critical', since, stillTargeted: 0,
  what: 'Temporal does not answer. Webhooks are still decided and kept; nothing is pushed, and no workflow starts.',
  cure: 'Bring Temporal back (see TEMPORAL_ADDRESS, its server and certificates). Everything goes on by itself then.',
});

const monitorSilentSince = (since: number): Finding => ({
  rule: 'monitor_silent', subject: 'monitor', level: 'critical', since, stillTargeted: 0,
  what: 'No worker has run the monitor for minutes, so probably nothing is pushed either.',
  cure: 'Start a worker (src/worker.ts), or see why the workers take no work: their logs, and the schedule headgate/monitor in the Temporal UI, which may be paused.',
});

async function withTimeout(work: Promise<void>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => {
    resolve(false);
  }, ms);
  const done = work.then(
    () => true,
    () => false,
  );
  const result = await Promise.race([done, promise]);
  clearTimeout(timer);
  return result;
}
