/**
 * A worker's attempt at an activity, in the real code on the real ledger, which can be stopped at any of its steps (as by SIGSTOP), go on at any
 * later time, be told that it is cancelled, be killed, and lose the ledger's answers.
 */
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { LedgerUnavailable, type Ledger } from '../../src/ledger/index.ts';
import type { FollowUpResult, PushInput, PushResult } from '../../src/workflows/contract.ts';
import type { Fate } from './model-platform.ts';
import type { VirtualTime } from './virtual-time.ts';

/** `before` or `after` a step of the ledger; `sending`: the call is about to leave; `answered`: applied, before the answer is read; `asked`: the same of a question. */
export type Point = `before ${string}` | `after ${string}` | 'sending' | 'answered' | 'asked';

export interface Plan {
  /** What becomes of its calls, one after the other; then all goes well. */
  fates: Fate[];
  /** Where it stops, the n-th time it gets there (from 0). */
  stop?: { at: Point; time: number } | undefined;
  /** The ledger is away once: before the step, or after it, when it has been done and its answer is lost. */
  loses?: Point | undefined;
}

/** Milliseconds since the epoch. */
export interface StartedCall {
  startedAt: number;
  /** The ledger takes the call for over then, or shortly after. */
  deadline: number;
}

/** How it stands when it does not run: it has ended (one way or the other), or it is stopped. */
export type Still = { ended: PromiseSettledResult<PushResult | FollowUpResult> } | { stoppedAt: Point };

export type SyncActivity = (input: PushInput) => Promise<PushResult | FollowUpResult>;

/** What a process that was killed meets at its next step: nothing of it is left to be done. */
class Killed extends Error {}

export class WorkerProcess {
  readonly id: string;
  #plan: Plan;
  readonly #time: VirtualTime;
  readonly #environment: MockActivityEnvironment;
  #still = Promise.withResolvers<Still>();
  #goOn: (() => void) | undefined;
  #isCancelled = false;
  #isKilled = false;
  #push: StartedCall | undefined;
  #owesAWord = false;
  /** A call of it may be on its way. */
  isCalling = false;
  /** It made a call whose deadline was over. */
  hasCalledTooLate = false;
  state: 'runs' | 'stopped' | 'ended' = 'runs';

  constructor(id: string, plan: Plan, time: VirtualTime, attempt = 1) {
    this.id = id;
    this.#plan = copy(plan);
    this.#time = time;
    this.#environment = new MockActivityEnvironment({ activityId: id, attempt }, { logger: new DefaultLogger('ERROR') });
  }

  start(activity: SyncActivity, input: PushInput): void {
    void Promise.allSettled([this.#environment.run<[PushInput], PushResult | FollowUpResult, SyncActivity>(activity, input)]).then(([ended]) => {
      this.state = 'ended';
      this.#still.resolve({ ended });
    });
  }

  /** Resolves when it stops or ends. */
  get still(): Promise<Still> {
    return this.#still.promise;
  }

  /** Lets it go on from where it stopped. */
  goOn(plan: Plan): void {
    this.state = 'runs';
    this.#still = Promise.withResolvers();
    this.#plan = copy({ ...plan, fates: [...this.#plan.fates, ...plan.fates] });
    this.#goOn?.();
  }

  /** What is left of its plan. */
  get rest(): Plan {
    return this.#plan;
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Temporal no longer wants it. */
  cancel(): void {
    this.#isCancelled = true;
    this.#environment.cancel();
  }

  /**
   * Ends it where it stopped. Not when it has sent a call after its deadline and has yet to say so: the ledger promises nothing then, because
   * it has taken the call for over and nobody is left to tell it otherwise.
   */
  kill(): boolean {
    if (this.#owesAWord) return false;
    this.#isKilled = true;
    this.isCalling = false;
    this.state = 'ended';
    this.#still = Promise.withResolvers();
    this.#goOn?.();
    return true;
  }

  nextFate(): Fate {
    return this.#plan.fates.shift() ?? 'applies';
  }

  /** Stops here if the plan says so. */
  async pause(point: Point): Promise<void> {
    const { stop } = this.#plan;
    if (stop?.at === point && stop.time-- <= 0) {
      this.#plan.stop = undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#goOn = resolve;
      this.state = 'stopped';
      this.#still.resolve({ stoppedAt: point });
      await promise;
    }
    if (this.#isKilled) throw new Killed('this process was killed');
  }

  async calling<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    this.hasCalledTooLate ||= this.#isTooLate;
    try {
      return await call();
    } finally {
      this.isCalling = false;
    }
  }

  /** The platform takes in what this process has sent. */
  noteArrival(): void {
    this.#owesAWord ||= this.#isTooLate;
  }

  get #isTooLate(): boolean {
    return this.#time.now > (this.#push?.deadline ?? Infinity);
  }

  /** Until when a call that is given up after `timeoutMs` may still arrive: until its deadline, or so much after it was given up if that is over. */
  mayArriveUntil(timeoutMs: number, lateMs: number): number {
    const { deadline = 0 } = this.#push ?? {};
    const givenUpAt = this.#time.now + (this.#isCancelled ? 0 : timeoutMs);
    this.#owesAWord ||= givenUpAt > deadline;
    return Math.max(deadline, givenUpAt + (givenUpAt > deadline ? lateMs : 0));
  }

  /** The ledger as this process sees it. `saw` hears of each step that was done. */
  ledger(ledger: Ledger, saw: (step: string, result: unknown) => Promise<void>): Ledger {
    return new Proxy(ledger, {
      get: (target, name: keyof Ledger) => {
        const step = target[name] as unknown;
        if (typeof step !== 'function') return step;
        return async (...args: unknown[]): Promise<unknown> => {
          await this.pause(`before ${name}`);
          this.#lose(`before ${name}`);
          const at = this.#time.now;
          const result = await (step as (...all: unknown[]) => Promise<unknown>)(...args);
          this.#saw(name, args, result, at);
          await saw(name, result);
          await this.pause(`after ${name}`);
          this.#lose(`after ${name}`);
          return result;
        };
      },
    });
  }

  /** @param at when the step began: the ledger did it then or later */
  #saw(step: string, args: readonly unknown[], result: unknown, at: number): void {
    if (step === 'startPush' && 'pushId' in (result as object)) {
      const { deadlineMs } = args[1] as { deadlineMs: number };
      this.#push = { startedAt: at, deadline: at + deadlineMs };
      this.isCalling = true;
      this.#owesAWord = false;
    }
    if (['finishPush', 'notePushUnanswered', 'abandonPush'].includes(step)) {
      this.#owesAWord = false;
      this.isCalling = false;
    }
  }

  get push(): StartedCall | undefined {
    return this.#push;
  }

  #lose(point: Point): void {
    if (this.#plan.loses !== point) return;
    this.#plan.loses = undefined;
    throw new LedgerUnavailable('the ledger (Postgres) does not answer', { cause: new Error('the story says so') });
  }
}

/** What is left of a plan changes; what a story says does not. */
const copy = ({ fates, stop, loses }: Plan): Plan => ({ fates: [...fates], stop: stop && { ...stop }, loses });
