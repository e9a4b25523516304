/** A platform in memory that fills the port, and does to each call what the story says. */
import { activityInfo } from '@temporalio/activity';
import type { Destination, FollowUp, Member, PreparedCall, PushAnswer, PushOperation, RequestOutcome } from '../../src/destinations/destination.ts';
import { PlatformFailure, type FailureKind, type FailureReport } from '../../src/domain/failures.ts';
import type { Identifier } from '../../src/domain/identifiers.ts';
import { PlatformModel } from '../support/platform-model.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { WorkerProcess } from './worker-process.ts';

/**
 * What becomes of one call. Wrong rows are refused by name unless it says otherwise.
 * - `refuses the call`: `invalid_row` where a row is wrong, without a name
 * - `sends nothing`: where a row is wrong, it is named and nothing is done for the others
 * - `rejects one`: refuses a row that is not wrong
 * - `applies silently`, `applies some silently`: applied, and the answer is lost
 * - `applies late`: applied after the call was given up, as the story says when
 * - `refuses removals`: such as from an audience that is too small; an add waits for a person
 * - `breaks`: applied, and the adapter does not understand the answer
 */
export const FATES = [
  'applies', 'refuses the call', 'sends nothing', 'rejects one', 'unavailable', 'timed out', 'applies silently', 'applies some silently',
  'applies late', 'rate limited', 'refused', 'needs a person', 'refuses removals', 'wants a rest', 'breaks',
] as const;
export type Fate = (typeof FATES)[number];

/** What becomes of a request that is decided later, and within which time, in milliseconds. */
export interface Verdict {
  what: 'decides' | 'fails' | 'never';
  withinMs: number;
}
const SOON: Verdict = { what: 'decides', withinMs: 60_000 };

export const WRONG = 'wrong';
export const REASONS = { wrong: 'this row is wrong', today: 'not today', nothing: 'no identifier that the model takes' };
/** How long a call that the platform does not answer lasts, and how long after that it may still be applied. Milliseconds. */
const TIMEOUT_MS = 10_000;
const LATE_MS = 5_000;
const RETRY_AFTER_MS = 20_000;
/** What a request that is decided at all has never waited for, in milliseconds. */
const GIVE_UP_AFTER_MS = 60 * 60_000;
const MOST_IDENTIFIERS = 6;

export interface PlatformStyle {
  decidesLater: boolean;
  membersPerCall: number;
  paceMs: number;
  callsPerMinute: number | undefined;
}

/** What a call carries. */
interface Load {
  audience: PlatformModel;
  operation: PushOperation;
  rows: string[][];
}

interface LateCall extends Load {
  until: number;
  take: () => void;
}

interface Request extends Load {
  id: string;
  until: number;
  verdict: Verdict['what'];
  outcome?: RequestOutcome;
}

export const asText = ({ type, value }: Identifier): string => `${type}:${value}`;
const isWrong = (operation: PushOperation, row: readonly string[]): boolean => operation === 'add' && row.some((identifier) => identifier.includes(WRONG));

export class ModelPlatform implements Destination {
  readonly name: string;
  readonly platform = 'model';
  readonly membersPerCall: number;
  readonly timeoutMs = TIMEOUT_MS;
  readonly callsPerMinute: number | undefined;
  readonly paceMs: number;
  declare readonly followUp?: FollowUp;
  readonly #time: VirtualTime;
  readonly #processOf: (activityId: string) => WorkerProcess;
  readonly #decidesLater: boolean;
  readonly #audiences = new Map<string, PlatformModel>();
  #late: LateCall[] = [];
  #requests: Request[] = [];
  #verdicts: Verdict[];
  #taken = 0;

  constructor(name: string, { decidesLater, membersPerCall, paceMs, callsPerMinute }: PlatformStyle, verdicts: Verdict[], time: VirtualTime, processOf: (activityId: string) => WorkerProcess) {
    this.name = name;
    this.membersPerCall = membersPerCall;
    this.paceMs = paceMs;
    this.callsPerMinute = callsPerMinute;
    this.#decidesLater = decidesLater;
    this.#verdicts = verdicts;
    this.#time = time;
    this.#processOf = processOf;
    if (decidesLater) this.followUp = { giveUpAfterMs: GIVE_UP_AFTER_MS, ask: (requestId) => this.#ask(requestId) };
  }

  identifiers(platformAudienceId: string): Set<string> {
    return this.#audience(platformAudienceId).identifiers;
  }

  prepare(operation: PushOperation, platformAudienceId: string, members: readonly Member[]): PreparedCall {
    const rows = members.map(({ today, former }) => [...today, ...(operation === 'remove' ? former : [])].map(asText));
    const unusable = [...rows.keys()].filter((index) => rows[index]?.length === 0);
    const carries: number[] = [];
    for (const [index, row] of rows.entries()) {
      if (row.length === 0) continue;
      if (carries.length > 0 && [...carries, index].flatMap((one) => rows[one] ?? []).length > MOST_IDENTIFIERS) break;
      carries.push(index);
    }
    const load: Load = { audience: this.#audience(platformAudienceId), operation, rows: carries.flatMap((index) => [rows[index] ?? []]) };
    return { carries, unusable: unusable.map((index) => ({ index, reason: REASONS.nothing })), send: () => this.#call(load) };
  }

  check = () => Promise.resolve([]);
  readSize = () => Promise.resolve(undefined);
  createAudience = () => Promise.reject(new Error('the model has all its audiences'));

  /** A call that was given up arrives after all. 0 is the newest. */
  arrive(which: number): void {
    const call = fromTheEnd(this.#late, which);
    this.#late = this.#late.filter((one) => one !== call);
    call?.take();
  }

  /** Decides one of the requests that are not decided; in any order. 0 is the newest. */
  decide(which: number): void {
    const request = fromTheEnd(this.#requests.filter(({ outcome, verdict }) => !outcome && verdict !== 'never'), which);
    if (request) decideRequest(request);
  }

  /** Time moves: late calls arrive before it is too late, and requests are decided. */
  moveTo(ms: number): void {
    const late = this.#late.filter(({ until }) => until < ms);
    this.#late = this.#late.filter(({ until }) => until >= ms);
    for (const call of late) call.take();
    const due = this.#requests.filter(({ outcome, verdict, until }) => !outcome && verdict !== 'never' && until < ms);
    for (const request of due.toSorted((a, b) => a.until - b.until)) decideRequest(request);
  }

  /** From now on all goes well, except with requests that are never decided. */
  behave(): void {
    this.#verdicts = [];
  }

  #audience(id: string): PlatformModel {
    const audience = this.#audiences.get(id) ?? new PlatformModel();
    this.#audiences.set(id, audience);
    return audience;
  }

  async #call(load: Load): Promise<PushAnswer> {
    const process = this.#processOf(activityInfo().activityId);
    const fate = process.nextFate();
    return process.calling(async () => {
      await process.pause('sending');
      const answer = await this.#meet(load, fate, process);
      await process.pause('answered');
      if (process.isCancelled) throw this.#failure('timed_out');
      return answer;
    });
  }

  async #meet(load: Load, fate: Fate, process: WorkerProcess): Promise<PushAnswer> {
    const { operation, rows } = load;
    const wrong = rows.map((row) => isWrong(operation, row));
    switch (fate) {
      case 'unavailable':
        throw this.#failure('unavailable');
      case 'rate limited':
        throw this.#failure('rate_limited', { retryAfterMs: RETRY_AFTER_MS });
      case 'refused':
        throw this.#failure('rejected_request');
      case 'needs a person':
        throw this.#failure('needs_person');
      case 'refuses removals':
        throw this.#failure('needs_person', { refusesRemovals: true });
      case 'timed out':
        return this.#giveUp(process);
      case 'applies silently':
        this.#take(load, process);
        return this.#giveUp(process);
      case 'applies some silently':
        this.#take(this.#decidesLater ? load : { ...load, rows: rows.slice(0, 1) }, process);
        return this.#giveUp(process);
      case 'applies late': {
        const late: LateCall = { ...load, until: process.mayArriveUntil(TIMEOUT_MS, LATE_MS), take: () => void this.#take(load) };
        this.#late.push(late);
        return this.#giveUp(process);
      }
      case 'breaks':
        this.#take(load, process);
        throw new Error("the model's adapter does not understand the answer");
      case 'refuses the call':
        if (wrong.includes(true)) throw this.#failure('invalid_row');
        return this.#take(load, process);
      case 'sends nothing':
        if (this.#decidesLater || !wrong.includes(true)) return this.#take(load, process);
        return { members: wrong.map((is) => (is ? { status: 'rejected', reason: REASONS.wrong } : { status: 'unsent' })), restMs: 0 };
      case 'rejects one': {
        if (this.#decidesLater) return this.#take(load, process);
        const { members } = this.#take({ ...load, rows: rows.slice(1) }, process);
        return { members: [{ status: 'rejected', reason: REASONS.today }, ...members], restMs: 0 };
      }
      case 'wants a rest':
        return { ...this.#take(load, process), restMs: RETRY_AFTER_MS };
      case 'applies':
        return this.#take(load, process);
    }
  }

  /** The platform takes a call in. */
  #take(load: Load, process?: WorkerProcess): PushAnswer {
    process?.noteArrival();
    if (this.#decidesLater) {
      const id = `request ${String(++this.#taken)}`;
      const { what, withinMs } = this.#verdicts.shift() ?? SOON;
      this.#requests.push({ ...load, id, until: this.#time.now + withinMs, verdict: what });
      return { members: load.rows.map(() => ({ status: 'processing' })), restMs: 0, later: { requestId: id, checkAfterMs: 60_000 } };
    }
    return { members: apply(load).map((went) => (went ? { status: 'accepted' } : { status: 'rejected', reason: REASONS.wrong })), restMs: 0 };
  }

  async #giveUp(process: WorkerProcess): Promise<never> {
    if (!process.isCancelled) await this.#time.pass(TIMEOUT_MS);
    throw this.#failure('timed_out');
  }

  async #ask(requestId: string): Promise<RequestOutcome> {
    const process = this.#processOf(activityInfo().activityId);
    const fate = process.nextFate();
    if (fate === 'unavailable' || fate === 'timed out') throw this.#failure(fate === 'unavailable' ? 'unavailable' : 'timed_out');
    const outcome = this.#requests.find(({ id }) => id === requestId)?.outcome;
    await process.pause('asked');
    return outcome ?? { status: 'processing', checkAfterMs: 60_000 };
  }

  #failure(kind: FailureKind, more: Partial<FailureReport> = {}): PlatformFailure {
    const cause = kind === 'invalid_row' ? REASONS.wrong : `the model says ${kind}`;
    return new PlatformFailure(`${this.name}: ${cause}.`, { kind, cause, cure: '', ...more });
  }
}

/** The n-th from the end, counting on from there if there are fewer; undefined when there is none. */
export const fromTheEnd = <T>(list: readonly T[], number: number): T | undefined => list.at(-1 - (number % Math.max(1, list.length)));

/** Returns of each row whether it went through. */
function apply({ audience, operation, rows }: Load): boolean[] {
  return rows.map((row) => {
    if (isWrong(operation, row)) return false;
    if (operation === 'add') audience.add(row);
    else audience.remove(row);
    return true;
  });
}

function decideRequest(request: Request): void {
  if (request.verdict === 'fails') {
    request.outcome = { status: 'failed', report: { kind: 'unavailable', cause: 'the model could not process it', cure: '' } };
    return;
  }
  const went = apply(request);
  if (!went.includes(false)) request.outcome = { status: 'settled', answer: { status: 'accepted' } };
  else if (!went.includes(true)) request.outcome = { status: 'settled', answer: { status: 'rejected', reason: REASONS.wrong } };
  else request.outcome = { status: 'mixed', reason: REASONS.wrong };
}
