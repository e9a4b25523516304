/** Wakes the queues of actions: at most one signal a second for each from this process, the first one at once. */
import type { Logger } from '../monitoring/logger.ts';

const EVERY_MS = 1_000;

interface Slot {
  wanted: boolean;
  /** Also end a rest after a failure, and look whether a pause is over. */
  now: boolean;
  running: boolean;
}

export class ActionWaker {
  readonly #send: (action: string, signal: 'wake' | 'pushNow') => Promise<void>;
  readonly #logger: Logger;
  readonly #slots = new Map<string, Slot>();
  #stopped = false;

  constructor({ send, logger }: { send: (action: string, signal: 'wake' | 'pushNow') => Promise<void>; logger: Logger }) {
    this.#send = send;
    this.#logger = logger;
  }

  /** Returns at once; a wake that fails is tried again each second. */
  wake(action: string): void {
    this.#want(action, false);
  }

  /** Like `wake`, and ends a rest after a failure: for a changed configuration. */
  pushNow(action: string): void {
    this.#want(action, true);
  }

  stop(): void {
    this.#stopped = true;
  }

  #want(action: string, now: boolean): void {
    const slot = this.#slots.get(action) ?? { wanted: false, now: false, running: false };
    this.#slots.set(action, slot);
    slot.wanted = true;
    slot.now ||= now;
    if (!slot.running) void this.#run(action, slot);
  }

  async #run(action: string, slot: Slot): Promise<void> {
    slot.running = true;
    while (slot.wanted && !this.#stopped) {
      const { now } = slot;
      slot.wanted = slot.now = false;
      await this.#send(action, now ? 'pushNow' : 'wake').catch((error: unknown) => {
        this.#logger.debug({ err: error, action }, 'The queue of an action could not be woken; trying again.');
        slot.wanted = true;
        slot.now ||= now;
      });
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS).unref());
    }
    slot.running = false;
  }
}
