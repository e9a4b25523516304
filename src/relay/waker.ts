/** Wakes syncs: at most one signal a second for each target from this process, the first one at once. */
import { targetKey, type TargetRef } from '../domain/registry.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';

export interface WakerOptions {
  send: (target: TargetRef, signal: 'wake' | 'pushNow') => Promise<void>;
  /** Whether the target's sync rests after a failure (milliseconds) or is at it anyway; a wake would do nothing but fill its history. */
  restOf: (target: TargetRef) => Promise<{ paused: boolean; restMs: number; attended: boolean }>;
  logger: Logger;
  metrics: Metrics;
}

const EVERY_MS = 1_000;

interface Slot {
  target: TargetRef;
  wanted: boolean;
  /** Also end a rest after a failure. */
  now: boolean;
  running: boolean;
}

export class Waker {
  readonly #options: WakerOptions;
  readonly #slots = new Map<string, Slot>();
  #stopped = false;

  constructor(options: WakerOptions) {
    this.#options = options;
  }

  /** Asks for the targets to be woken. Returns at once; a wake that fails is tried again each second. */
  wake(targets: readonly TargetRef[]): void {
    this.#want(targets, false);
  }

  /** Like `wake`, and ends a rest after a failure: for a changed configuration. */
  pushNow(targets: readonly TargetRef[]): void {
    this.#want(targets, true);
  }

  stop(): void {
    this.#stopped = true;
  }

  #want(targets: readonly TargetRef[], now: boolean): void {
    for (const target of targets) {
      const key = targetKey(target);
      const slot = this.#slots.get(key) ?? { target, wanted: false, now: false, running: false };
      this.#slots.set(key, slot);
      slot.wanted = true;
      slot.now ||= now;
      if (!slot.running) void this.#run(slot);
    }
  }

  async #run(slot: Slot): Promise<void> {
    slot.running = true;
    while (slot.wanted && !this.#stopped) {
      const { now } = slot;
      slot.wanted = slot.now = false;
      if (!(await this.#wakeOnce(slot.target, now))) {
        slot.wanted = true;
        slot.now ||= now;
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS).unref());
    }
    slot.running = false;
  }

  /** Returns whether the wake is done with; a sync that rests or is at it is asked about again, so no wake is lost when it stops. */
  async #wakeOnce(target: TargetRef, now: boolean): Promise<boolean> {
    const { send, restOf, logger, metrics } = this.#options;
    try {
      const rest = now ? undefined : await restOf(target).catch(() => undefined);
      if (rest && (rest.paused || rest.restMs > 0 || rest.attended)) {
        metrics.wakes.inc({ result: 'held' });
        return rest.paused;
      }
      await send(target, now ? 'pushNow' : 'wake');
      metrics.wakes.inc({ result: 'sent' });
      return true;
    } catch (error) {
      metrics.wakes.inc({ result: 'failed' });
      logger.debug({ err: error, destination: target.destination, audience: target.audienceKey }, 'A sync could not be woken; trying again.');
      return false;
    }
  }
}
