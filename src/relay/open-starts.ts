/**
 * How many starts the relay has open at once. What queues inside Temporal delays everything else there, syncs included, so the
 * number follows how long a start takes: it grows while starts are as quick as they can be, and shrinks when they queue.
 */

/** A start that takes so many times the quickest one has waited in a queue. */
const QUEUED_FROM = 3;
/** Shorter than this is no queue worth speaking of, in milliseconds. */
const NEVER_QUEUED_MS = 15;
/** The quickest start is forgotten little by little, so that a server that has become slower is not taken for a full one. */
const FORGET = 1.001;
const SHRINK = 0.9;
const AT_FIRST = 4;

export interface OpenStartsOptions {
  /** Never more than this. */
  most: number;
  /** The cores are needed elsewhere: only one start at a time. */
  isBusy: () => boolean;
  /** Milliseconds, growing. Default: the process' own clock. */
  now?: () => number;
}

export class OpenStarts {
  readonly #most: number;
  readonly #isBusy: () => boolean;
  readonly #now: () => number;
  #limit: number;
  #quickestMs = Infinity;
  #open = 0;
  readonly #waiting: (() => void)[] = [];

  constructor({ most, isBusy, now = () => performance.now() }: OpenStartsOptions) {
    this.#most = most;
    this.#isBusy = isBusy;
    this.#now = now;
    this.#limit = Math.min(most, AT_FIRST);
  }

  /** How many may be open now, at least 1. */
  get limit(): number {
    return this.#isBusy() ? 1 : Math.floor(this.#limit);
  }

  /** Runs one start as soon as there is room for it. */
  async run<T>(start: () => Promise<T>): Promise<T> {
    if (this.#open < this.limit) this.#open++;
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    const began = this.#now();
    try {
      const result = await start();
      this.#note(this.#now() - began);
      return result;
    } finally {
      this.#open--;
      while (this.#open < this.limit && this.#waiting.length > 0) {
        this.#open++;
        this.#waiting.shift()?.();
      }
    }
  }

  #note(ms: number): void {
    this.#quickestMs = Math.min(ms, this.#quickestMs * FORGET);
    const queued = ms > Math.max(NEVER_QUEUED_MS, QUEUED_FROM * this.#quickestMs);
    this.#limit = queued ? Math.max(1, this.#limit * SHRINK) : Math.min(this.#most, this.#limit + 1 / this.#limit);
  }
}
