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
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { pauseAfter, syncStateOf, type FailureReport } from '../domain/failures.ts';
import { isProbing, nextCall, suspicionAfter, suspicionAfterRefusal, suspicionAfterRetry, type Suspicion } from '../domain/poison.ts';
import { resyncWorkflowId, SYNC_SIGNALS, SYNC_UPDATES, type PushBacklog, type PushResult, type RequestTrouble, type ResyncInput, type SyncInput, type SyncStanding } from './contract.ts';
import { describePause, describeStanding } from './describe-standing.ts';
import { failedCallOf, failureReportOf } from './failure-report.ts';
import { pauseStaysShown } from './patches.ts';
import { showStanding } from './show-standing.ts';

const wake = defineSignal(SYNC_SIGNALS.wake);
const pushNow = defineSignal(SYNC_SIGNALS.pushNow);
const pause = defineUpdate<string>(SYNC_UPDATES.pause);
const resume = defineUpdate<string>(SYNC_UPDATES.resume);
const retry = defineUpdate<string, [who?: string | null]>(SYNC_UPDATES.retry);
const resync = defineUpdate<string, [withFormer?: boolean | null]>(SYNC_UPDATES.resync);

/** A push whose worker has not been heard of for so long is made by another one. Whether the lost one's call has ended, the ledger knows. */
const HEARTBEAT_TIMEOUT = '10s';

const TURN = { heartbeatTimeout: HEARTBEAT_TIMEOUT, startToCloseTimeout: '10m', retry: { initialInterval: '1s', maximumAttempts: 2 } } as const;
const { push } = proxyActivities<Activities>({ ...TURN, summary: 'pushes what is pending, removals first' });
const { followUp } = proxyActivities<Activities>({ ...TURN, summary: 'asks what became of requests that the platform decides later' });
const { reportTarget } = proxyLocalActivities<Activities>({ startToCloseTimeout: '1s', retry: { maximumAttempts: 1 } });
const { pauseTarget, resumeTarget, retryTarget } = proxyActivities<Activities>({ summary: 'an operator asked for it', startToCloseTimeout: '10s', retry: { maximumAttempts: 5 } });

/**
 * A run with more events than this hands over to the next one. A worker that gets a sync anew goes through its history step by step, each of which waits
 * for a turn of the worker's event loop: with thousands of events in a crowd that took longer than Temporal waits, again and again, and nothing was pushed.
 */
const LONGEST_HISTORY = 250;

/** Shorter rests than this are not worth showing, in milliseconds. */
const SHOWN_FROM_MS = 5_000;

/**
 * Keeps one target equal to the ledger, for ever: waits for a wake, then pushes until nothing is pending, and asks platforms
 * that decide later what became of its requests. An outage makes it push ever more rarely and say why; nothing is given up.
 * One call at a time, removals first (the ledger sees to both).
 */
export async function audienceSync(input: SyncInput): Promise<void> {
  const sync = new Sync(input);
  for (;;) {
    await sync.untilThereIsWork();
    await sync.askAboutRequests();
    if (sync.hasWork) await sync.pushOnce();
    if (sync.isGivenUp) {
      await condition(allHandlersFinished);
      return;
    }
    if (workflowInfo().historyLength > LONGEST_HISTORY) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof audienceSync>(sync.nextInput);
    }
  }
}

const BLOCKED_CURE = 'They are tried again each quarter of an hour; `headgate retry` tries them at once.';
/** Row after row was refused alone, and so is another one: it may not be the rows. */
const WHOLE_CALL_IS_REFUSED = {
  kind: 'rejected_request',
  cure: 'Every member is refused, so the call or the audience may be wrong: run `headgate check`. Once nothing is wrong with them, `headgate retry` tries everybody again and rejects whoever is refused.',
} as const;

/** What people type into the Temporal UI is anything. */
function assertText(update: string, given: unknown): void {
  if (given !== undefined && given !== null && typeof given !== 'string') throw new Error(`${update} takes nothing, or one customer id or person id in quotes`);
}
function assertFlag(update: string, given: unknown): void {
  if (given !== undefined && given !== null && typeof given !== 'boolean') throw new Error(`${update} takes nothing, true or false`);
}

class Sync {
  readonly #target: { destination: string; audienceKey: string };
  #standing: SyncStanding;
  /** A new run always looks once. */
  #awake = true;
  #now = false;
  /** By an operator, as the ledger knows it. A mode of the registry pauses nothing here: the next push reads whether it still does. */
  #paused = false;
  #givenUp = false;
  #suspicion: Suspicion;
  /** When the first request that is decided later is to be asked about, in milliseconds since the epoch; not before the other one after a failure. */
  #nextCheckAt: number | null;
  #askNotBefore = 0;
  #requestFailure: RequestTrouble | undefined;
  /** Counts resumes: a push that began before one does not know of it. */
  #resumes = 0;

  constructor(input: SyncInput) {
    this.#target = { destination: input.destination, audienceKey: input.audienceKey };
    this.#standing = input.standing ?? { state: 'ok', failures: 0 };
    this.#suspicion = { suspects: input.suspects, rejectedInARow: input.rejectedInARow ?? 0, allowed: input.allowed ?? 0 };
    this.#nextCheckAt = input.nextCheckAt ?? null;
    this.#requestFailure = input.requestFailure;
    this.#askNotBefore = input.askNotBefore ?? 0;
    this.#now = input.now ?? false;
    setHandler(wake, () => void (this.#awake = true), { description: 'Something is pending. Does not shorten a pause after a failure.' });
    setHandler(pushNow, () => { this.#pushNow(); }, { description: 'Push at once, also while pausing after a failure.' });
    setHandler(pause, () => this.#pause(), { description: 'Stop pushing; what is pending is kept.' });
    setHandler(resume, () => this.#resume(), { description: 'Push again, at once.' });
    setHandler(retry, (who?: string | null) => this.#retry(who), {
      validator: (who?: string | null) => { assertText('retry', who); },
      description: 'Try rejected and blocked members again: all of them, or the one of a customer id or person id ("c_123").',
    });
    setHandler(resync, (withFormer?: boolean | null) => this.#resync(withFormer ?? false), {
      validator: (withFormer?: boolean | null) => { assertFlag('resync', withFormer); },
      description: 'Push every member again; true: also the removal of those who have left.',
    });
    this.#describe();
  }

  get hasWork(): boolean {
    return this.#awake && !this.#paused;
  }

  /** The target is retired or kept. */
  get isGivenUp(): boolean {
    return this.#givenUp;
  }

  get nextInput(): SyncInput {
    const { suspects, rejectedInARow, allowed = 0 } = this.#suspicion;
    return {
      ...this.#target,
      standing: this.#standing,
      rejectedInARow,
      ...(allowed > 0 ? { allowed } : {}),
      ...(suspects === undefined ? {} : { suspects }),
      ...(this.#nextCheckAt === null ? {} : { nextCheckAt: this.#nextCheckAt, askNotBefore: this.#askNotBefore }),
      ...(this.#requestFailure ? { requestFailure: this.#requestFailure } : {}),
      ...(this.#now ? { now: true } : {}),
    };
  }

  /** Until something is pending, or a request is to be asked about. */
  async untilThereIsWork(): Promise<void> {
    if (this.hasWork || this.#checkIsDue) return;
    if (this.#checkAt === null) await condition(() => this.hasWork);
    else await condition(() => this.hasWork, Math.max(1, this.#checkAt - Date.now()), { summary: 'until the platform is asked what became of its requests' });
  }

  get #checkIsDue(): boolean {
    return this.#checkAt !== null && this.#checkAt <= Date.now();
  }

  get #checkAt(): number | null {
    return this.#nextCheckAt === null ? null : Math.max(this.#nextCheckAt, this.#askNotBefore);
  }

  /** Also while paused: asking changes nothing at the platform. */
  async askAboutRequests(): Promise<void> {
    if (!this.#checkIsDue) return;
    try {
      const { again, decided, nextCheckMs, failed } = await followUp(this.#target);
      this.#nextCheckAt = nextCheckMs === null ? null : Date.now() + nextCheckMs;
      if (decided && !failed) this.#requestFailure = undefined;
      // Also when nothing has to be pushed again: the push tells how much is still being processed.
      this.#awake ||= again > 0 || decided || nextCheckMs === null;
      if (failed) await condition(() => this.#now || this.#paused, await this.#noteRequestFailure(failed), { summary: describePause(failed, this.#requestFailure?.failures ?? 1) });
    } catch (error) {
      if (isCancellation(error)) throw error;
      // Pushes go on: only the question has to wait.
      await this.#noteRequestFailure(failureReportOf(error));
    }
  }

  /** Shown until a request is decided well. Returns how long to wait, in milliseconds. */
  async #noteRequestFailure(report: FailureReport): Promise<number> {
    const failures = (this.#requestFailure?.failures ?? 0) + 1;
    this.#requestFailure = { report, failures };
    const waitMs = pauseAfter(report, failures, Math.random());
    this.#askNotBefore = Date.now() + waitMs;
    await this.#show({ ...this.#standing, state: syncStateOf(report.kind), failures, report });
    return waitMs;
  }

  async pushOnce(): Promise<void> {
    const now = this.#now;
    // Before the push reads the ledger: a wake that comes after that reading must not be lost.
    this.#awake = this.#now = false;
    const resumes = this.#resumes;
    try {
      const result = await this.#push(now);
      await this.#succeeded({ ...result, paused: result.paused && resumes === this.#resumes });
    } catch (error) {
      if (isCancellation(error)) throw error;
      await this.#failed(error);
    }
  }

  #push(now: boolean): Promise<PushResult> {
    return push({ ...this.#target, ...nextCall(this.#suspicion, { well: this.#standing.state === 'ok', failures: this.#standing.failures }), ...(now ? { now } : {}) });
  }

  async #succeeded(result: PushResult): Promise<void> {
    if (result.givenUp) {
      this.#givenUp = true;
      return;
    }
    this.#nextCheckAt = result.nextCheckMs === null ? null : Date.now() + result.nextCheckMs;
    if (result.paused) {
      this.#paused = true;
      await this.#show({ state: 'paused', failures: 0, ...this.#lastSuccess, backlog: result.backlog });
      return;
    }
    if (result.more) this.#awake = true;
    this.#suspicion = suspicionAfter(this.#suspicion, result);
    const waitsForItsTurn = result.restMs > 0 && result.accepted + result.rejected === 0;
    if (!waitsForItsTurn) await this.#showSuccess(result.backlog);
    if (result.restMs > 0) await this.#rest(result);
    else if (result.paceMs > 0) await condition(() => this.#now || this.#paused, result.paceMs);
  }

  async #showSuccess(backlog: PushBacklog): Promise<void> {
    const before = this.#standing;
    const trouble = this.#troubleIn(backlog);
    const next: SyncStanding = { state: trouble ? syncStateOf(trouble.report.kind) : backlog.held?.everything ? 'paused' : 'ok', failures: 0, ...trouble, lastSuccessAt: Date.now(), backlog };
    if (before.state !== next.state || before.report?.cause !== next.report?.cause) return this.#show(next);
    this.#standing = next;
    this.#describe();
  }

  /** What keeps a target from being well although its calls go through: removals that the platform refuses, requests that it refused later. */
  #troubleIn({ blocked, blockedReason }: PushBacklog): { report: FailureReport; failures?: number } | undefined {
    if (blocked === 0) return this.#requestFailure;
    return { report: { kind: 'needs_person', cause: `removals refused: ${String(blocked)}. ${blockedReason ?? ''}`, cure: BLOCKED_CURE } };
  }

  async #failed(error: unknown): Promise<void> {
    this.#awake = true;
    const report = failureReportOf(error);
    const call = failedCallOf(error);
    const refused = report.kind === 'invalid_row';
    const halved = refused ? suspicionAfterRefusal(this.#suspicion, call?.carried) : undefined;
    if (halved) {
      this.#suspicion = halved;
      return;
    }
    const probed = refused && isProbing(this.#suspicion);
    await this.#pauseFor(probed ? { ...report, ...WHOLE_CALL_IS_REFUSED, cause: `${report.cause}, and nothing else was accepted since` } : report, call?.backlog);
  }

  async #pauseFor(report: FailureReport, read?: PushBacklog): Promise<void> {
    const failures = this.#standing.failures + 1;
    const backlog = read ?? this.#standing.backlog;
    const retryInMs = pauseAfter(report, failures, Math.random());
    await this.#show({ state: syncStateOf(report.kind), failures, ...this.#lastSuccess, report, ...(backlog ? { backlog } : {}) }, retryInMs);
    await condition(() => this.#now || this.#paused, retryInMs, { summary: describePause(report, failures) });
  }

  /** The account's budget is used up: by what its targets have sent, or by the platform's own word. Spread, so that they do not all come back at once. */
  async #rest({ restMs, resting }: PushResult): Promise<void> {
    const ms = Math.ceil(restMs * (1 + Math.random() / 10));
    if (resting && ms >= SHOWN_FROM_MS) await this.#show({ ...this.#standing, state: 'throttled' }, ms);
    await condition(() => this.#now || this.#paused, ms, { summary: resting ? 'rests: the platform says that its quota is used up' : "waits for its turn: the account's budget is used up, or another worker's call may be under way" });
    this.#awake = true;
  }

  /** Also ends a pause that the ledger no longer knows, such as one of a registry that was changed. */
  #pushNow(): void {
    this.#awake = this.#now = true;
    this.#paused = false;
    this.#askNotBefore = 0;
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

  async #retry(who: string | null | undefined): Promise<string> {
    const count = await retryTarget({ ...this.#target, ...(who ? { who } : {}) });
    this.#suspicion = suspicionAfterRetry(this.#suspicion);
    this.#awake = this.#now = true;
    return `${String(count)} rejected or blocked members of ${this.#target.destination}/${this.#target.audienceKey} are tried again`;
  }

  /** In a workflow of its own, which goes on whatever becomes of this one. */
  async #resync(withFormer: boolean): Promise<string> {
    const { audienceKey, destination } = this.#target;
    const input: ResyncInput = { audienceKey, withFormer, targets: [{ destination, members: null, marked: 0, after: '', markedAt: null, pending: null }] };
    const { workflowId } = await startChild('resync', {
      workflowId: resyncWorkflowId(audienceKey, new Date()),
      args: [input],
      parentClosePolicy: 'ABANDON',
      staticSummary: `pushes every member of ${audienceKey} again to ${destination}`,
    });
    return `every member of ${audienceKey} is pushed to ${destination} again: workflow ${workflowId} shows how far it is`;
  }

  get #lastSuccess(): Pick<SyncStanding, 'lastSuccessAt'> {
    const { lastSuccessAt } = this.#standing;
    return lastSuccessAt === undefined ? {} : { lastSuccessAt };
  }

  async #show(given: SyncStanding, retryInMs?: number): Promise<void> {
    // A pause may come while a push is under way; what the push comes to does not end it.
    const standing: SyncStanding = this.#paused && given.state !== 'paused' && pauseStaysShown() ? { ...given, state: 'paused' } : given;
    this.#standing = standing;
    await showStanding(standing, describeStanding(this.#target, standing), (told) => reportTarget({ ...this.#target, ...told }), retryInMs);
  }

  #describe(): void {
    setCurrentDetails(describeStanding(this.#target, this.#standing));
  }
}
