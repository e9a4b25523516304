import { allHandlersFinished, condition, continueAsNew, defineSignal, defineUpdate, isCancellation, proxyActivities, proxyLocalActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { pauseAfter, syncStateOf, type FailureReport } from '../domain/failures.ts';
import { ACTION_UPDATES, QUEUES, SYNC_SIGNALS, type ActionQueueInput, type ActionStandingShown, type ForwardTurn } from './contract.ts';
import { describeAction } from './describe-action.ts';
import { describePause } from './describe-standing.ts';
import { failureReportOf } from './failure-report.ts';
import { showStanding } from './show-standing.ts';

const wake = defineSignal(SYNC_SIGNALS.wake);
const pushNow = defineSignal(SYNC_SIGNALS.pushNow);
const pause = defineUpdate<string>(ACTION_UPDATES.pause);
const resume = defineUpdate<string>(ACTION_UPDATES.resume);
const retry = defineUpdate<string>(ACTION_UPDATES.retry);

// A queue of their own with bounded slots: a tool that hangs holds up neither pushes nor event workflows, and one slot of an action no other action.
const { sendForwards } = proxyActivities<Activities>({ taskQueue: QUEUES.forward, heartbeatTimeout: '10s', startToCloseTimeout: '10m', retry: { initialInterval: '1s', maximumAttempts: 2 } });
const { reportAction } = proxyLocalActivities<Activities>({ startToCloseTimeout: '1s', retry: { maximumAttempts: 1 } });
const { pauseAction, resumeAction, retryAction } = proxyActivities<Activities>({ taskQueue: QUEUES.forward, startToCloseTimeout: '10s', retry: { maximumAttempts: 5 } });

/** As in audience-sync.ts: a worker that gets the workflow anew goes through its history step by step. */
const LONGEST_HISTORY = 250;

/**
 * Sends what waits for one action, for ever: waits for a wake, then turn after turn until nothing is left. A tool that is down makes it come ever more
 * rarely and say why; nothing is given up. One line in the Temporal UI for each action, however many events wait.
 */
export async function actionQueue(input: ActionQueueInput): Promise<void> {
  const queue = new Queue(input);
  for (;;) {
    await queue.untilThereIsWork();
    if (await queue.takeTurn()) {
      await condition(allHandlersFinished);
      return;
    }
    if (workflowInfo().historyLength > LONGEST_HISTORY) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof actionQueue>(queue.nextInput);
    }
  }
}

class Queue {
  readonly #action: string;
  #standing: ActionStandingShown;
  /** A new run always looks once. */
  #awake = true;
  #now = false;
  #paused = false;
  /** When the first event that failed alone is tried again, in milliseconds since the epoch. */
  #nextAt: number | null = null;
  /** Counts resumes: a turn that began before one does not know of it. */
  #resumes = 0;

  constructor({ action, standing }: ActionQueueInput) {
    this.#action = action;
    this.#standing = standing ?? { state: 'ok', failures: 0 };
    setHandler(wake, () => void (this.#awake = true), { description: 'Something is to be sent. Does not shorten a pause after a failure.' });
    setHandler(pushNow, () => { this.#pushNow(); }, { description: 'Send at once, also while pausing after a failure.' });
    setHandler(pause, () => this.#pause(), { description: 'Stop sending; what waits is kept.' });
    setHandler(resume, () => this.#resume(), { description: 'Send again, at once.' });
    setHandler(retry, () => this.#retry(), { description: 'Send what the tool refused once more.' });
    this.#describe();
  }

  get nextInput(): ActionQueueInput {
    return { action: this.#action, standing: this.#standing };
  }

  async untilThereIsWork(): Promise<void> {
    const isReady = (): boolean => this.#awake && !this.#paused;
    if (isReady()) return;
    // Wakes fill the history also while nothing is sent.
    if (this.#nextAt === null || this.#paused) await condition(() => isReady() || workflowInfo().historyLength > LONGEST_HISTORY);
    else await condition(() => isReady() || this.#paused, Math.max(1, this.#nextAt - Date.now()), { summary: 'until an event that failed is tried again' });
  }

  /** Returns whether the action is gone. */
  async takeTurn(): Promise<boolean> {
    if (this.#paused) return false;
    const now = this.#now;
    // Before the turn reads the ledger: a wake that comes after that reading must not be lost.
    this.#awake = this.#now = false;
    const resumes = this.#resumes;
    let turn: ForwardTurn;
    try {
      turn = await sendForwards({ action: this.#action, failing: this.#standing.failures > 0, now });
    } catch (error) {
      if (isCancellation(error)) throw error;
      await this.#failed(failureReportOf(error));
      return false;
    }
    if (turn.gone) return true;
    this.#nextAt = turn.nextInMs === null ? null : Date.now() + turn.nextInMs;
    if (turn.paused && resumes === this.#resumes) {
      // A registry that says so is read anew by whoever restarts with another one, and then wakes this.
      this.#nextAt = null;
      await this.#show({ ...this.#standing, state: 'paused', failures: 0, waiting: turn.waiting });
      return false;
    }
    if (turn.failure) await this.#failed(turn.failure, turn);
    else await this.#succeeded(turn);
    return false;
  }

  async #succeeded({ sent, tried, trouble, more, restMs, waiting }: ForwardTurn): Promise<void> {
    // Everything that waits has been tried and rests: nothing new is known of the tool.
    if (tried === 0 && waiting > 0 && restMs === 0 && !more) return;
    const { lastSuccessAt } = this.#standing;
    const at = sent > 0 ? Date.now() : lastSuccessAt;
    const next: ActionStandingShown = { state: trouble ? syncStateOf(trouble.kind) : 'ok', failures: 0, waiting, ...(at === undefined ? {} : { lastSuccessAt: at }), ...(trouble ? { report: trouble } : {}) };
    if (this.#standing.state !== next.state || this.#standing.report?.cause !== next.report?.cause) await this.#show(next);
    else this.#standing = next;
    this.#describe();
    if (more) this.#awake = true;
    if (restMs > 0) await condition(() => this.#now || this.#paused, restMs, { summary: `rests: the calls a minute of ${this.#action} are used up` });
  }

  async #failed(report: FailureReport, turn?: ForwardTurn): Promise<void> {
    this.#awake = true;
    const failures = this.#standing.failures + 1;
    const retryInMs = pauseAfter(report, failures, Math.random());
    const { lastSuccessAt } = this.#standing;
    const waiting = turn?.waiting ?? this.#standing.waiting;
    await this.#show({ state: syncStateOf(report.kind), failures, report, ...(lastSuccessAt === undefined ? {} : { lastSuccessAt }), ...(waiting === undefined ? {} : { waiting }) }, retryInMs);
    await condition(() => this.#now || this.#paused, retryInMs, { summary: describePause(report, failures) });
  }

  /** Also ends a pause that the ledger no longer knows, such as one of a registry that was changed. */
  #pushNow(): void {
    this.#awake = this.#now = true;
    this.#paused = false;
  }

  async #pause(): Promise<string> {
    await pauseAction({ action: this.#action });
    this.#paused = true;
    await this.#show({ ...this.#standing, state: 'paused' });
    return `${this.#action} is paused; what waits is kept`;
  }

  async #resume(): Promise<string> {
    await resumeAction({ action: this.#action });
    this.#resumes++;
    this.#paused = false;
    this.#awake = this.#now = true;
    await this.#show({ ...this.#standing, state: 'ok', failures: 0 });
    return `${this.#action} sends again`;
  }

  async #retry(): Promise<string> {
    const count = await retryAction({ action: this.#action });
    this.#awake = this.#now = true;
    return `${String(count)} refused ${count === 1 ? 'event' : 'events'} of ${this.#action} ${count === 1 ? 'is' : 'are'} sent again`;
  }

  async #show(standing: ActionStandingShown, retryInMs?: number): Promise<void> {
    this.#standing = standing;
    await showStanding(standing, describeAction(this.#action, this.#standing), (told) => reportAction({ action: this.#action, ...told }), retryInMs);
  }

  #describe(): void {
    setCurrentDetails(describeAction(this.#action, this.#standing));
  }
}
