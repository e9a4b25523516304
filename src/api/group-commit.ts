/**
 * The group commit: events that arrive while the ledger commits wait for the next commit, all in one transaction. There is no
 * timer, so a lone webhook does not wait. When the ledger does not answer, the group goes to the lifeboat in Temporal.
 */
import type { HeadgateEvent } from '../domain/event.ts';
import type { ItemOutcome } from '../domain/fold-batch.ts';
import type { QuarantineEntry } from '../domain/quarantine.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { Applicable, Applied } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import { now, placeOfEvent, within, type Tracing } from '../monitoring/tracing.ts';
import type { Metrics } from '../monitoring/metrics.ts';

/** Neither the ledger nor Temporal took the event: nothing may be claimed. The sender has to come again. */
export class NothingTookIt extends Error {
  override readonly name = 'NothingTookIt';
}

export type Taken = ItemOutcome | { kind: 'refused'; problem: string } | { kind: 'queued' };

export interface GroupCommitOptions {
  applyEvents: (items: readonly Applicable[]) => Promise<Applied>;
  quarantine: (entries: readonly QuarantineEntry[]) => Promise<void>;
  /** Tells the ledger that it seems not to answer. */
  suspectLedger: (reason: unknown) => void;
  /** Starts one durable workflow that applies the batch once the ledger is back. */
  launchLifeboat: (batch: { events: HeadgateEvent[]; quarantined: QuarantineEntry[] }) => Promise<void>;
  /** Called after each commit. */
  onCommitted: (wakes: readonly TargetRef[]) => void;
  logger: Logger;
  metrics: Metrics;
  /** How long the ledger may take before a group goes to the lifeboat, in milliseconds. Default 1,000. */
  patienceMs?: number;
  tracer?: Tracing;
}

interface Waiting {
  event: HeadgateEvent;
  resolve: (taken: Taken) => void;
  reject: (error: Error) => void;
}

const LARGEST_GROUP = 500;
/** Commits at once: while Postgres works on one group, this process reads and prepares the next. */
const LANES = 3;
/** A workflow's input may have 2 MiB; half of that leaves room for what JSON and gRPC add. Bytes. */
const LARGEST_LIFEBOAT = 1_000_000;
/** More than this and the door sheds load: at 1,500 events/s the last one would wait 3 s, and Customer.io hangs up after 4. */
const MOST_WAITING = 5_000;

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #waiting: Waiting[] = [];
  readonly #lanes = new Set<Promise<void>>();
  #deciding = 0;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** How many events have no answer yet, whether they wait or are being decided. */
  get unanswered(): number {
    return this.#waiting.length + this.#deciding;
  }

  /** Resolves when the event is durable, in the ledger or in Temporal. Rejects with NothingTookIt otherwise. */
  submit(event: HeadgateEvent): Promise<Taken> {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#options.metrics.shed.inc({ reason: 'waiting' });
      return Promise.reject(new NothingTookIt('more events wait than can be decided in time'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event, resolve, reject });
      if (this.#lanes.size < LANES) this.#openLane();
    });
  }

  /** Keeps what could not be understood. Rejects with NothingTookIt when neither store takes it. */
  async quarantine(given: QuarantineEntry): Promise<void> {
    const entry = { key: crypto.randomUUID(), ...given };
    try {
      await this.#withPatience(this.#options.quarantine([entry]));
    } catch (error) {
      await this.#launch({ events: [], quarantined: [entry] }, error);
    }
  }

  /** Resolves when everything that was submitted has its answer. */
  async drain(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all(this.#lanes);
  }

  #openLane(): void {
    const lane = this.#run().finally(() => this.#lanes.delete(lane));
    this.#lanes.add(lane);
  }

  async #run(): Promise<void> {
    do {
      // One turn of the event loop: requests that were read together are committed together.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#commit(this.#waiting.splice(0, LARGEST_GROUP));
    } while (this.#waiting.length > 0);
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    if (group.length === 0) return;
    const { metrics } = this.#options;
    metrics.commitEvents.observe(group.length);
    this.#deciding += group.length;
    const stop = metrics.commitSeconds.startTimer();
    const beganAt = now();
    try {
      const items = group.map(({ event }): Applicable => ({ kind: 'event', event }));
      const { outcomes, wakes } = await this.#withPatience(this.#options.applyEvents(items));
      this.#traceCommit(group, beganAt);
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index];
        if (outcome) resolve(outcome);
        else reject(new Error('the ledger gave no outcome for an event'));
      }
      this.#options.onCommitted(wakes);
    } catch (error) {
      await this.#toLifeboat(group, error);
    } finally {
      this.#deciding -= group.length;
      stop();
    }
  }

  /** The same span in the trace of each event of the group. */
  #traceCommit(group: readonly Waiting[], beganAt: number): void {
    const { tracer } = this.#options;
    if (!tracer) return;
    const endedAt = now();
    for (const { event } of group) {
      const attributes = { event_id: event.eventId, events: group.length };
      tracer.record({ place: within(placeOfEvent(event.eventId)), name: 'commit', kind: 'client', beganAt, endedAt, attributes });
    }
  }

  /** A commit that comes too late may still happen; applying the events again from the lifeboat changes nothing then. */
  async #withPatience<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new Error('the ledger did not answer in time');
      this.#options.suspectLedger(error);
      reject(error);
    }, this.#options.patienceMs ?? 1_000);
    try {
      return await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
      work.catch(() => undefined);
    }
  }

  async #toLifeboat(group: readonly Waiting[], cause: unknown): Promise<void> {
    for (const part of splitBySize(group)) {
      try {
        await this.#launch({ events: part.map(({ event }) => event), quarantined: [] }, cause);
        this.#options.metrics.lifeboatEvents.inc(part.length);
        for (const { resolve } of part) resolve({ kind: 'queued' });
      } catch (error) {
        for (const { reject } of part) reject(error as Error);
      }
    }
  }

  async #launch(batch: { events: HeadgateEvent[]; quarantined: QuarantineEntry[] }, cause: unknown): Promise<void> {
    try {
      await this.#options.launchLifeboat(batch);
      this.#options.logger.warn({ events: batch.events.length, err: cause }, 'The ledger did not take a batch; it is safe in a lifeboat workflow.');
    } catch (error) {
      this.#options.metrics.shed.inc({ reason: 'stores' }, batch.events.length + batch.quarantined.length);
      this.#options.logger.error({ err: error, ledger: cause }, 'Neither the ledger nor Temporal took a batch; its senders were told to come again.');
      throw new NothingTookIt('neither the ledger nor Temporal answers', { cause: error });
    }
  }
}

function splitBySize(group: readonly Waiting[]): Waiting[][] {
  const parts: Waiting[][] = [];
  let size = Infinity;
  for (const waiting of group) {
    const own = Buffer.byteLength(JSON.stringify(waiting.event)) + 1;
    size += own;
    if (size > LARGEST_LIFEBOAT) {
      parts.push([]);
      size = own;
    }
    parts.at(-1)?.push(waiting);
  }
  return parts;
}
