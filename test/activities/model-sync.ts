/**
 * Drives the activities of one target as the workflow does (workflows/audience-sync.ts), with its own decisions on wrong rows and pauses. What a
 * workflow waits for, a story may cut short: a person may push at once at any time.
 */
import type { Activities } from '../../src/activities/index.ts';
import { pauseAfter, type FailureReport } from '../../src/domain/failures.ts';
import { isProbing, nextCall, suspicionAfter, suspicionAfterRefusal, suspicionAfterRetry, type Suspicion } from '../../src/domain/poison.ts';
import type { TargetRef } from '../../src/domain/registry.ts';
import type { FollowUpResult, PushInput, PushResult } from '../../src/workflows/contract.ts';
import { failedCallOf, failureReportOf } from '../../src/workflows/failure-report.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Plan, SyncActivity, WorkerProcess } from './worker-process.ts';

/** After so much silence Temporal gives an activity to another worker, and so much later it makes the one quick retry. Milliseconds. */
const HEARTBEAT_TIMEOUT_MS = 10_000;
const QUICK_RETRY_MS = 1_000;

type Result = PushResult | FollowUpResult;
interface Attempt {
  process: WorkerProcess;
  number: number;
  input: PushInput;
  does: 'push' | 'followUp';
}

/** Starts a process; the sync of a target has no more to do with it than Temporal has. */
export type StartProcess = (plan: Plan, attempt: number, start: (activities: Activities) => [activity: SyncActivity, input: PushInput]) => WorkerProcess;

export class ModelSync {
  readonly target: TargetRef;
  readonly #time: VirtualTime;
  readonly #startProcess: StartProcess;
  #suspicion: Suspicion = { suspects: undefined, rejectedInARow: 0 };
  #failures = 0;
  #requestsFail = false;
  #isWell = true;
  /** How long the workflow waits before it does the next thing. */
  #waitMs = 0;
  #attempt: Attempt | undefined;

  constructor(target: TargetRef, time: VirtualTime, startProcess: StartProcess) {
    this.target = target;
    this.#time = time;
    this.#startProcess = startProcess;
  }

  /** The process that the workflow waits for; it is stopped, or the story runs several at once. */
  get waitsFor(): WorkerProcess | undefined {
    return this.#attempt?.process;
  }

  /** Looks for something to push, by a new process: the one before, if it has not ended, is not heard any more. */
  async push(plan: Plan, { now }: { now: boolean }): Promise<void> {
    await this.#begin('push', { ...this.target, ...nextCall(this.#suspicion, { well: this.#isWell, failures: this.#failures }), ...(now ? { now } : {}) }, plan, now);
  }

  async ask(plan: Plan): Promise<void> {
    await this.#begin('followUp', this.target, plan, true);
  }

  /** Lets the process that the workflow waits for go on. */
  async goOn(plan: Plan): Promise<void> {
    this.#attempt?.process.goOn(plan);
    await this.#follow();
  }

  /** What a person does when the sync is stuck because row after row was refused. */
  get isStuck(): boolean {
    return isProbing(this.#suspicion);
  }

  forgive(): void {
    this.#suspicion = suspicionAfterRetry(this.#suspicion);
  }

  async #begin(does: Attempt['does'], input: PushInput, plan: Plan, now: boolean): Promise<void> {
    if (this.#attempt) await this.#time.pass(HEARTBEAT_TIMEOUT_MS);
    this.#attempt = undefined;
    const waitMs = now ? 0 : this.#waitMs;
    this.#waitMs = 0;
    if (waitMs > 0) await this.#time.pass(waitMs);
    this.#start({ does, input, number: 1 }, plan);
    await this.#follow();
  }

  #start(attempt: Omit<Attempt, 'process'>, plan: Plan): void {
    const { does, input, number } = attempt;
    this.#attempt = { ...attempt, process: this.#startProcess(plan, number, (activities) => [activities[does], input]) };
  }

  async #follow(): Promise<void> {
    const attempt = this.#attempt;
    if (!attempt) return;
    const still = await attempt.process.still;
    // Another one was begun meanwhile, so nobody hears what became of this one.
    if ('stoppedAt' in still || this.#attempt !== attempt) return;
    this.#attempt = undefined;
    const { ended } = still;
    if (ended.status === 'fulfilled') this.#succeeded(ended.value);
    else if (attempt.number === 1 && !(ended.reason as { nonRetryable?: boolean }).nonRetryable) {
      await this.#time.pass(QUICK_RETRY_MS);
      this.#start({ ...attempt, number: 2 }, attempt.process.rest);
      await this.#follow();
    } else this.#failed(attempt, ended.reason);
  }

  #succeeded(result: Result): void {
    if ('failed' in result) {
      if (result.failed) this.#pauseFor(result.failed);
      this.#requestsFail = result.failed !== null;
      return;
    }
    this.#suspicion = suspicionAfter(this.#suspicion, result);
    this.#waitMs = Math.max(result.restMs, result.paceMs);
    if (result.restMs > 0 && result.accepted + result.rejected === 0) return;
    this.#failures = 0;
    this.#isWell = result.backlog.blocked === 0 && !this.#requestsFail;
  }

  #failed({ does }: Attempt, error: unknown): void {
    const report = failureReportOf(error);
    if (does === 'followUp') {
      this.#requestsFail = true;
      return;
    }
    const halved = report.kind === 'invalid_row' ? suspicionAfterRefusal(this.#suspicion, failedCallOf(error)?.carried) : undefined;
    if (halved) this.#suspicion = halved;
    else this.#pauseFor(report);
  }

  #pauseFor(report: FailureReport): void {
    this.#failures++;
    this.#isWell = false;
    this.#waitMs = pauseAfter(report, this.#failures, 0.5);
  }
}
