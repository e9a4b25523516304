/** One call to a platform: written down, made, and what the platform said of each member written down. */
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { Destination, MemberAnswer, PreparedCall, PushAnswer } from '../destinations/destination.ts';
import { LONGEST_REST_MS, PlatformFailure, type FailureReport } from '../domain/failures.ts';
import type { Hold } from '../domain/holding.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { MemberOutcome, PendingMember, PushOperation } from '../ledger/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toTemporal } from './failures.ts';
import { traceCall } from './trace-call.ts';
import { withPatience } from './with-patience.ts';

/** Between the end of a call and the moment when its outcome is written down, a process may be slow. Milliseconds. */
const DEADLINE_MARGIN_MS = 5_000;

export interface Call {
  target: TargetRef;
  destination: Destination;
  operation: PushOperation;
  /** Those whom the prepared call carries, in its order. */
  members: readonly PendingMember[];
  prepared: PreparedCall;
  /** What the target holds back meanwhile. */
  hold: Hold;
  /** Carries one member to find out whether any call goes through; its refusal says something of the call, not of the member. */
  probe: boolean;
}

export interface CallResult {
  /** Taken in by the platform, at once or for later. */
  accepted: number;
  rejected: number;
  /** How long the platform wants to be left alone, in milliseconds. */
  restMs: number;
}

/**
 * Returns how long to wait (milliseconds) when another worker's call to the target may still be under way. Throws the platform's
 * failure in Temporal's terms; whatever was pending stays pending.
 */
export async function makeCall(dependencies: ActivityDependencies, call: Call): Promise<CallResult | { busyMs: number }> {
  const { ledger, metrics } = dependencies;
  const { target, destination, operation, members, prepared } = call;
  const began = performance.now();
  const started = await ledger.startPush(target, { operation, members, deadlineMs: destination.timeoutMs + DEADLINE_MARGIN_MS });
  if ('busyMs' in started) return started;
  const { pushId } = started;
  // What is known of the call is written down also when the ledger is away for a moment; it would block the target until its deadline otherwise.
  const patiently = <T>(work: () => Promise<T>): Promise<T> => withPatience(dependencies, work);
  let answer: PushAnswer;
  let outcomes: MemberOutcome[];
  try {
    if (performance.now() - began > DEADLINE_MARGIN_MS) throw sleptTooLong(target);
    const stop = metrics.pushSeconds.startTimer({ destination: target.destination });
    answer = await traceCall(dependencies, call, () => prepared.send(AbortSignal.any([AbortSignal.timeout(destination.timeoutMs), cancellationSignal()])).finally(stop));
    outcomes = members.flatMap((member, index) => outcomeOf(member, answer.members[index]) ?? []);
  } catch (error) {
    const judged = error instanceof PlatformFailure ? judge(call, error.report) : undefined;
    if (judged) return patiently(() => refuseAll(dependencies, call, pushId, judged));
    await patiently(() => noteFailure(dependencies, call, pushId, error));
    throw toTemporal(error, { backlog: await ledger.readBacklog(target, call.hold), carried: members.length });
  }
  const { restMs } = answer;
  if (restMs > 0) await patiently(() => ledger.restAccount(target.destination, Math.min(restMs, LONGEST_REST_MS), 'the platform says that its quota is used up'));
  return patiently(() => finish(dependencies, call, pushId, answer, outcomes));
}

/**
 * Failures that settle the members of the call instead of holding the target up: one member alone in a call that was refused
 * for wrong rows is the wrong one; a removal that the audience refuses as it is (too small, flagged, closed) is blocked, because
 * adds must go on, and may be what mends it.
 */
function judge({ members, operation, probe }: Call, report: FailureReport): { status: 'rejected' | 'blocked'; reason: string } | undefined {
  if (report.kind === 'invalid_row' && members.length === 1 && !probe) return { status: 'rejected', reason: report.cause };
  if (report.refusesRemovals && operation === 'remove') return { status: 'blocked', reason: `${report.cause}. ${report.cure}` };
  return undefined;
}

/** Writes down what the platform said of each member. */
async function finish({ ledger, metrics, logger }: ActivityDependencies, { target, destination, operation }: Call, pushId: string, answer: PushAnswer, outcomes: readonly MemberOutcome[]): Promise<CallResult> {
  const later = answer.later && { ...answer.later, giveUpAfterMs: destination.followUp?.giveUpAfterMs ?? 0 };
  await ledger.finishPush(target, { pushId, operation }, outcomes, later);
  const labels = { destination: target.destination, operation };
  metrics.pushes.inc({ ...labels, outcome: 'answered' });
  for (const { status } of outcomes) metrics.pushedMembers.inc({ ...labels, outcome: status });
  const count = (...wanted: MemberOutcome['status'][]): number => outcomes.filter(({ status }) => wanted.includes(status)).length;
  const accepted = count('accepted', 'processing');
  const what = `${operation === 'add' ? 'an add' : 'a removal'} of ${String(accepted)} in ${target.audienceKey}`;
  const request = later === undefined ? '' : ` as request ${later.requestId}, to be decided later`;
  if (accepted > 0) logger.info({ destination: target.destination, audience: target.audienceKey }, `${target.destination} ${later ? 'took in' : 'accepted'} ${what}${request}.`);
  return { accepted, rejected: count('rejected'), restMs: answer.restMs };
}

/** The platform refused the call for what its members are; see `judge`. */
async function refuseAll(dependencies: ActivityDependencies, call: Call, pushId: string, { status, reason }: { status: 'rejected' | 'blocked'; reason: string }): Promise<CallResult> {
  const { ledger, metrics, logger } = dependencies;
  const { target, operation, members } = call;
  const outcomes = members.map(({ personId, revision }): MemberOutcome => ({ personId, revision, status, reason }));
  await ledger.finishPush(target, { pushId, operation }, outcomes);
  metrics.pushedMembers.inc({ destination: target.destination, operation, outcome: status }, members.length);
  const said = status === 'blocked' ? `does not remove ${String(members.length)} members of ${target.audienceKey} for now` : `refuses one member of ${target.audienceKey}`;
  logger.warn({ destination: target.destination, audience: target.audienceKey, person_id: members[0]?.personId }, `${target.destination} ${said}: ${reason}.`);
  return { accepted: 0, rejected: status === 'rejected' ? members.length : 0, restMs: 0 };
}

/**
 * A call that the platform refused has ended; one whose outcome is unknown (also because of a mistake in the adapter) stays open, and its members are
 * pushed again. A platform that decides later may have taken it in as a request whose name nobody knows, and decides that in its own time.
 */
async function noteFailure({ ledger, metrics, logger }: ActivityDependencies, { target, destination, operation }: Call, pushId: string, error: unknown): Promise<void> {
  const report = error instanceof PlatformFailure ? error.report : undefined;
  const kind = report?.kind ?? 'internal';
  metrics.pushes.inc({ destination: target.destination, operation, outcome: kind });
  const where = { destination: target.destination, audience: target.audienceKey, attempt: activityInfo().attempt };
  logger.warn({ ...where, failure: kind }, error instanceof Error ? error.message : 'A push failed.');
  const isUnknown = kind === 'timed_out' || kind === 'internal';
  await (isUnknown ? ledger.notePushUnanswered(pushId, destination.followUp?.giveUpAfterMs ?? DEADLINE_MARGIN_MS) : ledger.abandonPush(pushId, kind));
  if (report?.kind === 'rate_limited') await ledger.restAccount(target.destination, Math.min(report.retryAfterMs ?? THROTTLED_MS, LONGEST_REST_MS), report.cause);
}

/** How long an account rests when the platform throttles and does not say how long, in milliseconds. */
const THROTTLED_MS = 10_000;

/** Undefined for a member for whom nothing was done. */
function outcomeOf({ personId, revision }: PendingMember, answer: MemberAnswer | undefined): MemberOutcome | undefined {
  if (!answer) throw new Error("the platform's adapter gave no answer for a member");
  return answer.status === 'unsent' ? undefined : { personId, revision, ...answer };
}

/** The process slept between writing the push down and making it; what was read may be old. */
function sleptTooLong(target: TargetRef): PlatformFailure {
  const cause = 'this worker slept before it made the call';
  return new PlatformFailure(`${target.destination}: ${cause}; nothing was sent.`, { kind: 'unavailable', cause, cure: '' });
}
