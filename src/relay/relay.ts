/**
 * The relay: takes decided events out of the outbox and starts their workflows. Bounded, gives way to the door, shares the
 * outbox with other processes; what a dead process held is free again at once, because its transaction ends with it.
 */
import type { OutboxEntry } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import { OpenStarts } from './open-starts.ts';

export interface RelayOptions {
  drainOutbox: (limit: number, carry: (entries: OutboxEntry[]) => Promise<OutboxEntry[]>) => Promise<{ taken: number; done: number }>;
  /** Resolves when Temporal has the entry. */
  carry: (entry: OutboxEntry) => Promise<string>;
  /** True for a failure that says that Temporal is there and does not take this very entry as it is. */
  isRefused: (error: unknown) => boolean;
  /** How busy the door is: events that have no answer yet. */
  doorLoad: () => number;
  logger: Logger;
  metrics: Metrics;
}

/** Transactions at once: while one waits for its slowest start, the others go on. */
const LOOPS = 3;
/** Starts that one process has open at once; how many of them it uses, open-starts.ts decides. */
export const MOST_OPEN_STARTS = 36;
/** Entries of one transaction for each start that may be open: enough to keep them going, few enough to be done with soon. */
const ENTRIES_PER_START = 5;
const MOST_ENTRIES = 60;
/** So many events without an answer: fewer are on their way at a thousand a second that are answered in 30 ms. */
const CROWD = 30;
/** How often an idle relay looks for entries of other processes, and how long it rests when Temporal or the ledger fails. */
const IDLE_MS = 500;
const REST_MS = 1_000;

export class Relay {
  readonly #options: RelayOptions;
  readonly #starts: OpenStarts;
  #stopping = false;
  #loops: Promise<void>[] = [];
  readonly #sleeping = new Set<() => void>();
  /** Counts nudges: a loop that looked before the last one looks again. */
  #nudges = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
    // While a crowd stands at the door the cores are the door's; the relay keeps only a trickle going.
    this.#starts = new OpenStarts({ most: MOST_OPEN_STARTS, isBusy: () => options.doorLoad() > CROWD });
  }

  start(): void {
    if (this.#loops.length === 0) this.#loops = Array.from({ length: LOOPS }, () => this.#run());
  }

  /** Says that there is something in the outbox. */
  nudge(): void {
    this.#nudges++;
    for (const wakeUp of this.#sleeping) wakeUp();
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.nudge();
    await Promise.all(this.#loops);
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const nudges = this.#nudges;
      const pauseMs = await this.#drainOnce();
      if (pauseMs > 0) await this.#sleep(pauseMs, nudges);
    }
  }

  /** Returns how long to wait before the next round, in milliseconds. */
  async #drainOnce(): Promise<number> {
    const { drainOutbox, logger } = this.#options;
    try {
      const { taken, done } = await drainOutbox(Math.min(MOST_ENTRIES, ENTRIES_PER_START * this.#starts.limit), (entries) => this.#carryAll(entries));
      if (taken === 0) return IDLE_MS;
      return done === 0 ? REST_MS : 0;
    } catch (error) {
      logger.debug({ err: error }, 'The relay could not read the outbox; trying again.');
      return REST_MS;
    }
  }

  /** Carries the entries with bounded concurrency; stops taking new ones after a failure, so that an outage is not hammered. */
  async #carryAll(entries: readonly OutboxEntry[]): Promise<OutboxEntry[]> {
    const done: OutboxEntry[] = [];
    const queue = [...entries];
    let failure: unknown;
    const carryNext = async (): Promise<void> => {
      while (failure === undefined && !this.#stopping) {
        const entry = queue.shift();
        if (!entry) return;
        try {
          const result = await this.#starts.run(() => this.#options.carry(entry));
          this.#options.metrics.relayed.inc({ action: entry.action, result });
          done.push(entry);
        } catch (error) {
          this.#options.metrics.relayed.inc({ action: entry.action, result: 'failed' });
          if (this.#options.isRefused(error)) this.#options.logger.error({ err: error, event_id: entry.eventId }, 'Temporal refuses to start a workflow; it stays in the outbox.');
          else failure = error;
        }
      }
    };
    await Promise.all(Array.from({ length: this.#starts.limit }, carryNext));
    if (failure !== undefined) this.#options.logger.debug({ err: failure }, 'Temporal did not take a workflow; trying again.');
    return done;
  }

  /** Waits for the next round. A nudge ends the wait of an idle relay, not the rest after a failure. */
  async #sleep(ms: number, nudges: number): Promise<void> {
    const interruptible = ms === IDLE_MS || this.#stopping;
    if (interruptible && nudges !== this.#nudges) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    if (interruptible) this.#sleeping.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#sleeping.delete(resolve);
  }
}
