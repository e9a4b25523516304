/** Looks after what the api depends on. A schedule in Temporal could not report that Temporal is gone, so the api does. */
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';

export interface WatchdogOptions {
  isLedgerUp: () => boolean;
  /** Resolves when Temporal answers. */
  askTemporal: () => Promise<void>;
  logger: Logger;
  metrics: Metrics;
}

const EVERY_MS = 5_000;
const TEMPORAL_TIMEOUT_MS = 3_000;

export class Watchdog {
  readonly #options: WatchdogOptions;
  #temporal = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
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
      await this.#look();
      this.#timer = setTimeout(() => void look(), EVERY_MS).unref();
    };
    void look();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { logger, metrics } = this.#options;
    const answers = await withTimeout(this.#options.askTemporal(), TEMPORAL_TIMEOUT_MS);
    if (answers !== this.#temporal) {
      if (answers) logger.info('Temporal answers again.');
      else logger.error('Temporal does not answer. Events are still decided and kept; check TEMPORAL_ADDRESS and the server.');
    }
    this.#temporal = answers;
    metrics.up.set({ dependency: 'temporal' }, answers ? 1 : 0);
    metrics.up.set({ dependency: 'ledger' }, this.#options.isLedgerUp() ? 1 : 0);
  }
}

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
