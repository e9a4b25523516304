/** Notices a step that goes on failing: in production it is tried again until it succeeds, a test has to say so. */
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

export interface FailedAttempt {
  step: string;
  workflowId: string;
  attempt: number;
  message: string;
}

/** A step of a workflow that does not succeed, however often it is tried. */
export class StepKeepsFailing extends Error {
  override readonly name = 'StepKeepsFailing';
}

/** Time is skipped between the attempts, so these are over in a second or two. */
const ENOUGH_ATTEMPTS = 25;

export class FailingSteps {
  readonly attempts: FailedAttempt[] = [];
  readonly #waiting = new Set<(problem: StepKeepsFailing) => void>();
  #problem: StepKeepsFailing | undefined;

  readonly interceptor: ActivityInterceptorsFactory = ({ info }) => ({
    inbound: {
      execute: async (input, next) => {
        try {
          return await next(input);
        } catch (error) {
          this.#note({ step: info.activityType, workflowId: info.workflowExecution?.workflowId ?? '', attempt: info.attempt, message: (error as Error).message });
          throw error;
        }
      },
    },
  });

  /** What `work` comes to, unless a step turns out to fail for ever while it is waited for: then it throws StepKeepsFailing. */
  async unlessOneKeepsFailing<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    if (this.#problem) reject(this.#problem);
    this.#waiting.add(reject);
    // The other one of the two goes on, and may be rejected when the server ends.
    for (const one of [promise, work]) one.catch(() => undefined);
    return Promise.race([promise, work]).finally(() => this.#waiting.delete(reject));
  }

  /** Forgets what failed. */
  clear(): void {
    this.attempts.length = 0;
    this.#problem = undefined;
  }

  #note(failed: FailedAttempt): void {
    this.attempts.push(failed);
    if (failed.attempt < ENOUGH_ATTEMPTS || this.#problem) return;
    this.#problem = new StepKeepsFailing(`The step ${failed.step} of the workflow ${failed.workflowId} has failed ${String(failed.attempt)} times, the last time with: ${failed.message}`);
    for (const reject of this.#waiting) reject(this.#problem);
  }
}
