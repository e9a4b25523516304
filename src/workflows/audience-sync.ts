import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import { pauseAfter, syncStateOf } from '../domain/failures.ts';
import { mostMembers, suspectsAfterSuccess, type Suspects } from '../domain/poison.ts';
import { SYNC_SIGNALS, SYNC_UPDATES, type PushResult, type SyncInput, type SyncStanding } from './contract.ts';
import { describePause, describeStanding } from './describe-standing.ts';
import { failedCallOf, failureReportOf } from './failure-report.ts';

const wake = defineSignal(SYNC_SIGNALS.wake);
const pushNow = defineSignal(SYNC_SIGNALS.pushNow);
const pause = defineUpdate<string>(SYNC_UPDATES.pause);
const resume = defineUpdate<string>(SYNC_UPDATES.resume);

const SYNC_STATE = defineSearchAttributeKey('SyncState', SearchAttributeType.KEYWORD);

/** A lost worker's call has ended before the next one begins: the heartbeat takes longer than any call. */
const HEARTBEAT_MARGIN_MS = 5_000;

const { reportTarget } = proxyLocalActivities<Activities>({ startToCloseTimeout: '1s', retry: { maximumAttempts: 1 } });
const { pauseTarget, resumeTarget } = proxyActivities<Activities>({ startToCloseTimeout: '10s', retry: { maximumAttempts: 5 } });

/**
 * Keeps one target equal to the ledger, for ever: waits for a wake, then pushes until nothing is pending. An outage makes it
 * push ever more rarely and say why; nothing is given up. One call at a time, removals first (the ledger sees to both).
 */
export async function audienceSync(input: SyncInput): Promise<void> {
  const sync = new Sync(input);
  for (;;) {
    await condition(() => sync.hasWork);
    await sync.pushOnce();
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof audienceSync>(sync.nextInput);
    }
  }
}

class Sync {
  readonly #target: { destination: string; audienceKey: string };
  #callTimeoutMs: number;
  #standing: SyncStanding;
  /** A new run always looks once. */
  #awake = true;
  #now = false;
  #paused: boolean;
  #suspects: Suspects;
  /** Counts resumes: a push that began before one does not know of it. */
  #resumes = 0;

  constructor(input: SyncInput) {
    this.#target = { destination: input.destination, audienceKey: input.audienceKey };
    this.#callTimeoutMs = input.callTimeoutMs;
    this.#standing = input.standing ?? { state: 'ok', failures: 0 };
    this.#paused = this.#standing.state === 'paused';
    this.#suspects = input.suspects;
    setHandler(wake, () => void (this.#awake = true), { description: 'Something is pending. Does not shorten a pause after a failure.' });
    setHandler(pushNow, () => { this.#pushNow(); }, { description: 'Push at once, also while pausing after a failure.' });
    setHandler(pause, () => this.#pause(), { description: 'Stop pushing; what is pending is kept.' });
    setHandler(resume, () => this.#resume(), { description: 'Push again, at once.' });
    this.#describe();
  }

  get hasWork(): boolean {
    return this.#awake && !this.#paused;
  }

  get nextInput(): SyncInput {
    const suspects = this.#suspects === undefined ? {} : { suspects: this.#suspects };
    return { ...this.#target, callTimeoutMs: this.#callTimeoutMs, standing: this.#standing, ...suspects };
  }

  async pushOnce(): Promise<void> {
    // Before the push reads the ledger: a wake that comes after that reading must not be lost.
    this.#awake = this.#now = false;
    const resumes = this.#resumes;
    try {
      const result = await this.#push();
      await this.#succeeded({ ...result, paused: result.paused && resumes === this.#resumes });
    } catch (error) {
      if (isCancellation(error)) throw error;
      await this.#failed(error);
    }
  }

  async #push(): Promise<PushResult> {
    const { push } = proxyActivities<Activities>({
      heartbeatTimeout: this.#callTimeoutMs + HEARTBEAT_MARGIN_MS,
      startToCloseTimeout: '10m',
      retry: { initialInterval: '1s', maximumAttempts: 2 },
    });
    const most = mostMembers(this.#suspects);
    return push(most === undefined ? this.#target : { ...this.#target, mostMembers: most });
  }

  async #succeeded(result: PushResult): Promise<void> {
    this.#callTimeoutMs = result.callTimeoutMs;
    if (result.paused) {
      this.#paused = true;
      await this.#show({ state: 'paused', failures: 0, ...this.#lastSuccess, backlog: result.backlog });
      return;
    }
    if (result.more) this.#awake = true;
    this.#suspects = suspectsAfterSuccess(this.#suspects, result.accepted + result.rejected);
    const before = this.#standing;
    this.#standing = { state: 'ok', failures: 0, lastSuccessAt: Date.now(), backlog: result.backlog };
    if (before.state === 'ok') this.#describe();
    else await this.#show(this.#standing);
    if (result.restMs > 0) await this.#rest(result.restMs);
  }

  async #failed(error: unknown): Promise<void> {
    this.#awake = true;
    const report = failureReportOf(error);
    const call = failedCallOf(error);
    if (report.kind === 'invalid_row' && call && call.carried > 1) {
      this.#suspects = call.carried;
      return;
    }
    const failures = this.#standing.failures + 1;
    const backlog = call?.backlog ?? this.#standing.backlog;
    const retryInMs = pauseAfter(report, failures, Math.random());
    await this.#show({ state: syncStateOf(report.kind), failures, ...this.#lastSuccess, report, ...(backlog ? { backlog } : {}) }, retryInMs);
    await condition(() => this.#now || this.#paused, retryInMs, { summary: describePause(report, failures) });
  }

  /** The platform's usage headers ask for a rest although the call went through. */
  async #rest(restMs: number): Promise<void> {
    await this.#show({ ...this.#standing, state: 'throttled' }, restMs);
    await condition(() => this.#now || this.#paused, restMs, { summary: 'rests: the platform says that its quota is used up' });
    this.#awake = true;
  }

  /** Also ends a pause that the ledger no longer knows, such as one of a registry that was changed. */
  #pushNow(): void {
    this.#awake = this.#now = true;
    this.#paused = false;
  }

  async #pause(): Promise<string> {
    await pauseTarget(this.#target);
    this.#paused = true;
    await this.#show({ ...this.#standing, state: 'paused' });
    return `${this.#target.destination}/${this.#target.audienceKey} is paused; what is pending is kept`;
  }

  async #resume(): Promise<string> {
    await resumeTarget(this.#target);
    this.#resumes++;
    this.#paused = false;
    this.#awake = this.#now = true;
    await this.#show({ ...this.#standing, state: 'ok', failures: 0 });
    return `${this.#target.destination}/${this.#target.audienceKey} pushes again`;
  }

  get #lastSuccess(): Pick<SyncStanding, 'lastSuccessAt'> {
    const { lastSuccessAt } = this.#standing;
    return lastSuccessAt === undefined ? {} : { lastSuccessAt };
  }

  /** Makes a changed standing visible: in the Temporal UI at once, in the ledger as far as it answers. */
  async #show(standing: SyncStanding, retryInMs?: number): Promise<void> {
    const shown = workflowInfo().typedSearchAttributes.get(SYNC_STATE);
    this.#standing = standing;
    if (shown !== standing.state) upsertSearchAttributes([{ key: SYNC_STATE, value: standing.state }]);
    this.#describe();
    const { state, failures, report } = standing;
    const told = { ...this.#target, state, failures, ...(report ? { report } : {}), ...(retryInMs === undefined ? {} : { retryInMs }) };
    await reportTarget(told).catch((error: unknown) => {
      if (isCancellation(error)) throw error;
    });
  }

  #describe(): void {
    setCurrentDetails(describeStanding(this.#target, this.#standing));
  }
}
