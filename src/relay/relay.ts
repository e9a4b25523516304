/**
 * The relay: takes decided events out of the outbox and starts their workflows. Bounded, gives way to the door, shares the
 * outbox with other processes; what a dead process held is free again at once, because its transaction ends with it.
 */
import type { OutboxEntry } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';

/** gRPC INVALID_ARGUMENT: Temporal is there, and will not take this very entry however often it is asked. */
const isPermanent = (error: unknown): boolean => {
  const cause = error instanceof Error ? ((error.cause ?? error) as { code?: unknown }) : {};
  return cause.code === 3;
};

export interface RelayOptions {
  drainOutbox: (limit: number, carry: (entries: OutboxEntry[]) => Promise<OutboxEntry[]>) => Promise<{ taken: number; done: number }>;
  /** Resolves when Temporal has the entry. */
  carry: (entry: OutboxEntry) => Promise<string>;
  /** How busy the door is: events that wait for a commit right now. */
  doorLoad: () => number;
  logger: Logger;
  metrics: Metrics;
}

/** Entries of one transaction, and how many of them are under way at once. */
const BATCH = 100;
const OPEN_STARTS = 32;
/** While events wait at the door the cores are the door's; the relay keeps only a trickle going. */
const OPEN_STARTS_WHILE_BUSY = 2;
const BATCH_WHILE_BUSY = 10;
/** How often an idle relay looks for entries of other processes, and how long it rests when Temporal or the ledger fails. */
const IDLE_MS = 500;
const REST_MS = 1_000;

export class Relay {
  readonly #options: RelayOptions;
  #stopping = false;
  #loop: Promise<void> | undefined;
  #nudge: (() => void) | undefined;
  #nudged = false;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Says that there is something in the outbox. */
  nudge(): void {
    this.#nudged = true;
    this.#nudge?.();
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.nudge();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const pauseMs = await this.#drainOnce();
      if (pauseMs > 0) await this.#sleep(pauseMs);
    }
  }

  /** Returns how long to wait before the next round, in milliseconds. */
  async #drainOnce(): Promise<number> {
    const { drainOutbox, doorLoad, logger } = this.#options;
    this.#nudged = false;
    const busy = doorLoad() > 0;
    try {
      const { taken, done } = await drainOutbox(busy ? BATCH_WHILE_BUSY : BATCH, (entries) => this.#carryAll(entries));
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
          const result = await this.#options.carry(entry);
          this.#options.metrics.relayed.inc({ action: entry.action, result });
          done.push(entry);
        } catch (error) {
          this.#options.metrics.relayed.inc({ action: entry.action, result: 'failed' });
          if (isPermanent(error)) this.#options.logger.error({ err: error, event_id: entry.eventId }, 'Temporal refuses to start a workflow; it stays in the outbox.');
          else failure = error;
        }
      }
    };
    const lanes = this.#options.doorLoad() > 0 ? OPEN_STARTS_WHILE_BUSY : OPEN_STARTS;
    await Promise.all(Array.from({ length: lanes }, carryNext));
    if (failure !== undefined) this.#options.logger.debug({ err: failure }, 'Temporal did not take a workflow; trying again.');
    return done;
  }

  /** Waits for the next round; a nudge ends only the wait of an idle relay. */
  async #sleep(ms: number): Promise<void> {
    if (ms === IDLE_MS && this.#nudged) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    if (ms === IDLE_MS || this.#stopping) this.#nudge = resolve;
    await promise;
    clearTimeout(timer);
    this.#nudge = undefined;
  }
}
