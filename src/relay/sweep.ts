/**
 * The sweep: ends windows that are overdue although no workflow did, and wakes syncs that sleep on pending rows, so that
 * both happen even if Temporal's database were lost. Runs in every process, each minute, one at a time.
 */
import type { TargetRef } from '../domain/registry.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';

export interface SweepOptions {
  ledger: Ledger;
  audienceKeys: readonly string[];
  wake: (targets: readonly TargetRef[]) => void;
  /** Who this process is, for the list of running processes. */
  self: { processId: string; role: string; registryHash: string };
  logger: Logger;
  metrics: Metrics;
  /** Default a minute, in milliseconds. */
  everyMs?: number;
}

const BATCH = 500;
/** Finished pushes are kept this long, to look things up. Days. */
const KEEP_PUSHES_DAYS = 30;
/** Removals that a platform refuses (a small audience, a flag) are tried again so often. Milliseconds. */
const RETRY_BLOCKED_MS = 15 * 60_000;

export class Sweep {
  readonly #options: SweepOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #othersSeen = '';

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** Sweeps now and then each minute. */
  start(): void {
    const again = async (): Promise<void> => {
      this.#running = this.sweepOnce();
      await this.#running;
      if (!this.#stopped) this.#timer = setTimeout(() => void again(), this.#options.everyMs ?? 60_000);
    };
    void again();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#options.ledger.retireProcess(this.#options.self.processId).catch(() => undefined);
  }

  /** One round. Never fails: what could not be done is done in the next round. */
  async sweepOnce(): Promise<void> {
    const { ledger, logger } = this.#options;
    try {
      await this.#announce();
      await ledger.underSweepLock(async () => {
        await this.#expireOverdue();
        await ledger.retryBlocked(RETRY_BLOCKED_MS);
        this.#options.wake(await ledger.findTargetsToPush());
        await ledger.forgetOldPushes(KEEP_PUSHES_DAYS);
      });
    } catch (error) {
      logger.debug({ err: error }, 'The sweep could not finish; it comes again.');
    }
  }

  async #expireOverdue(): Promise<void> {
    const { ledger, audienceKeys, wake, logger, metrics } = this.#options;
    for (;;) {
      const overdue = await ledger.findOverdue(audienceKeys, BATCH);
      if (overdue.length === 0) return;
      const { wakes } = await ledger.applyEvents(overdue.map((expiry) => ({ kind: 'expire', ...expiry })));
      wake(wakes);
      metrics.swept.inc(overdue.length);
      logger.info({ windows: overdue.length }, 'The sweep ended windows that were over.');
      if (overdue.length < BATCH || this.#stopped) return;
    }
  }

  async #announce(): Promise<void> {
    const { ledger, self, logger } = this.#options;
    const others = (await ledger.announceProcess(self)).join(', ');
    if (others !== '' && others !== this.#othersSeen) {
      logger.error({ processes: others }, 'Other processes on this ledger have loaded another headgate.yaml: restart them all with the same one.');
    }
    this.#othersSeen = others;
  }
}
