import { setTimeout as wait } from 'node:timers/promises';
import { cancellationSignal, getClient } from '@temporalio/activity';
import type { Action, Attempt } from '../actions/configured-action.ts';
import { isWorthAQuickRetry, LONGEST_REST_MS, type FailureReport } from '../domain/failures.ts';
import { delayAfter, FAILURES_BEFORE_PAUSE, FORWARDED_SIGNAL, profilesOf } from '../domain/forward.ts';
import { redactText } from '../monitoring/redact-text.ts';
import type { ForwardAnswer, TakenForward } from '../ledger/index.ts';
import type { ForwardTurn, ForwardTurnInput } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { whileBeating } from './while-beating.ts';
import { withPatience } from './with-patience.ts';

/** How long a turn may last before its last calls begin. Milliseconds. */
const TURN_MS = 60_000;
/** How long a turn goes on looking after nothing is left, and how often. Milliseconds. */
const LINGER_MS = 2_000;
const LOOK_EVERY_MS = 50;
/** A rest this short is waited for within the turn; for longer ones the workflow waits. Milliseconds. */
const SHORT_REST_MS = 1_000;
/** An operator's pause ends a turn after so long at the latest, in milliseconds. */
const PAUSE_NOTICED_MS = 500;
/** Between the end of a call and the moment when its outcome is written down, a process may be slow. Milliseconds. */
const CLAIM_MARGIN_MS = 5_000;
/** How long an action rests when its tool throttles and does not say how long. Milliseconds. */
const THROTTLED_MS = 10_000;
/** What is kept of an answer. Bytes. */
const KEPT_ANSWER = 2_048;
const LONGEST_REASON = 500;

/** An action's budget of calls stands in the ledger beside those of destinations; no destination has a `/` in its name. */
const accountOf = (action: string): string => `action/${action}`;

/**
 * A turn of an action: what waits is sent, a few calls at once, until nothing is left, the tool does not answer as it should, or the turn is over. Every event is
 * claimed before its call and settled after it; a claim that nobody settled (the worker was killed) runs out, and the event is sent again under the same id.
 */
export function createSendForwards(dependencies: ActivityDependencies) {
  const { actions, ledger } = dependencies;

  async function sendForwards({ action: name, failing, now }: ForwardTurnInput): Promise<ForwardTurn> {
    const action = actions.get(name);
    // While processes are replaced, another worker may still have it; its process starts the workflow again.
    if (!action) return { ...NOTHING, gone: true };
    return whileBeating(() =>
      withPatience(dependencies, async () => {
        const { paused } = await ledger.openAction(name);
        if (paused || action.entry.mode === 'paused') return { ...NOTHING, paused: true, waiting: await ledger.countWaiting(name) };
        if (now) await ledger.hurryForwards(name);
        return new Turn(dependencies, action, { failing, now }).take();
      }),
    );
  }

  return { sendForwards };
}

const NOTHING: ForwardTurn = { tried: 0, sent: 0, refused: 0, more: false, paused: false, nextInMs: null, restMs: 0, waiting: 0 };

class Turn {
  readonly #dependencies: ActivityDependencies;
  readonly #action: Action;
  readonly #now: boolean;
  readonly #wasFailing: boolean;
  #sent = 0;
  #refused = 0;
  #tried = 0;
  /** Calls in a row that the tool did not answer as it should. */
  #failures = 0;
  /** It is the tool and not an event: the action pauses. */
  #failure: FailureReport | undefined;
  /** Why the last event that failed alone did. */
  #trouble: FailureReport | undefined;
  #restMs = 0;

  constructor(dependencies: ActivityDependencies, action: Action, { failing, now }: { failing: boolean; now: boolean }) {
    this.#dependencies = dependencies;
    this.#action = action;
    this.#wasFailing = failing;
    this.#now = now;
  }

  async take(): Promise<ForwardTurn> {
    const { ledger } = this.#dependencies;
    const { entry: { name, ordered } } = this.#action;
    const ends = performance.now() + TURN_MS;
    let lingers = 0;
    let lookedAt = performance.now();
    while (performance.now() < ends && !this.#isEnding && !this.#failure && this.#restMs === 0) {
      if (performance.now() - lookedAt > PAUSE_NOTICED_MS) {
        lookedAt = performance.now();
        if ((await ledger.openAction(name)).paused) break;
      }
      const taken = await ledger.takeForwards(name, { ordered, limit: this.#room, claimMs: this.#action.timeoutMs + CLAIM_MARGIN_MS });
      if (taken.length > 0) {
        lingers = 0;
        await this.#sendAll(taken);
      } else {
        if (this.#sent + this.#refused === 0 || lingers * LOOK_EVERY_MS >= LINGER_MS) break;
        lingers++;
        await wait(LOOK_EVERY_MS);
      }
    }
    if (this.#sent > 0) {
      await ledger.noteActionSuccess(name, this.#sent);
      // What was tried while the tool was down does not wait any longer than the rest.
      if (this.#wasFailing && !this.#failure) await ledger.hurryForwards(name);
    }
    const nextInMs = await ledger.nextForwardIn(name, ordered);
    return {
      tried: this.#tried, sent: this.#sent, refused: this.#refused, paused: false, restMs: this.#restMs, nextInMs,
      more: nextInMs === 0, waiting: await ledger.countWaiting(name),
      ...(this.#failure ? { failure: this.#failure } : {}),
      ...(this.#trouble && nextInMs !== null ? { trouble: this.#trouble } : {}),
    };
  }

  /** One at a time while it is not known whether the tool is well. */
  get #room(): number {
    return this.#failures > 0 || (this.#wasFailing && this.#sent + this.#refused === 0) ? 1 : this.#action.concurrency;
  }

  get #isEnding(): boolean {
    return this.#dependencies.stopping.aborted || cancellationSignal().aborted;
  }

  async #sendAll(taken: readonly TakenForward[]): Promise<void> {
    const sending: Promise<void>[] = [];
    for (const [index, forward] of taken.entries()) {
      if (this.#isSkipped(forward)) {
        sending.push(this.#skip(forward));
        continue;
      }
      if (!(await this.#takeCall())) {
        await this.#dependencies.ledger.releaseForwards(taken.slice(index).map(({ eventId }) => eventId));
        break;
      }
      sending.push(this.#sendOne(forward));
    }
    // All of them, so that none goes on behind the turn's back when another one fails.
    const broken = (await Promise.allSettled(sending)).find((one) => one.status === 'rejected');
    if (broken) throw broken.reason;
  }

  #isSkipped({ fields }: TakenForward): boolean {
    const { mode, testProfiles } = this.#action.entry;
    return mode === 'test' && !profilesOf(fields).some((profile) => testProfiles.includes(profile));
  }

  async #skip({ eventId }: TakenForward): Promise<void> {
    await this.#settle(eventId, 'skipped', { status: null, answer: null, reason: 'the action is in mode test, and the person is none of its test_profiles' });
  }

  /** False when the budget is used up for now. */
  async #takeCall(): Promise<boolean> {
    const { ledger } = this.#dependencies;
    const { entry: { name }, callsPerMinute } = this.#action;
    for (;;) {
      const { waitMs } = await ledger.takeCall(accountOf(name), { callsPerMinute, operation: 'remove', now: this.#now && this.#sent === 0 });
      if (waitMs === 0) return true;
      if (waitMs > SHORT_REST_MS || this.#isEnding) {
        this.#restMs = waitMs;
        return false;
      }
      await wait(waitMs);
    }
  }

  async #sendOne({ eventId, fields, attempts }: TakenForward): Promise<void> {
    const { ledger, metrics, logger } = this.#dependencies;
    const { entry: { name } } = this.#action;
    this.#tried++;
    const stop = metrics.forwardSeconds.startTimer({ action: name });
    const { verdict, status, answer }: Attempt = await this.#action.send(fields, cancellationSignal()).finally(stop);
    const said: ForwardAnswer = { status, answer: answer === null ? null : keptOf(answer), reason: null };
    metrics.forwards.inc({ action: name, outcome: verdict.kind === 'failed' ? verdict.report.kind : verdict.kind });
    if (verdict.kind === 'sent') {
      this.#sent++;
      this.#failures = 0;
      await this.#settle(eventId, 'sent', said);
    } else if (verdict.kind === 'refused') {
      this.#refused++;
      // The tool is there, and has judged the event.
      this.#failures = 0;
      const reason = redactText(verdict.reason).slice(0, LONGEST_REASON);
      logger.warn({ action: name, event_id: eventId }, `${name} refuses an event: ${reason}`);
      await this.#settle(eventId, 'refused', { ...said, reason });
    } else {
      const report = { ...verdict.report, cause: redactText(verdict.report.cause).slice(0, LONGEST_REASON) };
      logger.warn({ action: name, event_id: eventId, failure: report.kind, attempt: attempts }, `${name}: ${report.cause}`);
      await this.#note(report);
      // So that another one is tried first when the tool is asked again: it may be this event.
      await this.#patiently(() => ledger.delayForward(eventId, delayAfter(attempts), { ...said, reason: report.cause }));
    }
  }

  /** One that the tool does not answer may be the event's own fault, and others go on; several in a row, or a word about the account, is the tool's. */
  async #note(report: FailureReport): Promise<void> {
    const { ledger } = this.#dependencies;
    this.#failures++;
    this.#trouble = report;
    if (report.kind === 'rate_limited' || report.retryAfterMs !== undefined) {
      await this.#patiently(() => ledger.restAccount(accountOf(this.#action.entry.name), Math.min(report.retryAfterMs ?? THROTTLED_MS, LONGEST_REST_MS), report.cause));
    }
    const isOfTheTool = report.kind === 'rate_limited' || (!isWorthAQuickRetry(report.kind) && this.#sent === 0);
    if (isOfTheTool || this.#failures >= FAILURES_BEFORE_PAUSE) this.#failure = report;
  }

  async #settle(eventId: string, state: 'sent' | 'refused' | 'skipped', said: ForwardAnswer): Promise<void> {
    await this.#patiently(() => this.#dependencies.ledger.settleForward(eventId, state, said));
    // Its workflow may not have been started yet; then it reads the ledger when it is.
    await getClient().workflow.getHandle(eventId).signal(FORWARDED_SIGNAL).catch(() => undefined);
  }

  /** What is known of a call is written down also when the ledger is away for a moment; it would be made again otherwise. */
  #patiently<T>(work: () => Promise<T>): Promise<T> {
    return withPatience(this.#dependencies, work);
  }
}

/** Cut first, so that a large answer costs little; between whole characters. */
const keptOf = (answer: string): string => redactText(Buffer.from(answer, 'utf8').subarray(0, KEPT_ANSWER).toString('utf8').replaceAll('\0', '').replace(/\ufffd+$/, ''));
