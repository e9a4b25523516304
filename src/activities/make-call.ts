/** One call to a platform: written down, made, and what the platform said of each member written down. */
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Destination, MemberAnswer, PreparedCall, PushAnswer } from '../destinations/destination.ts';
import { LONGEST_PAUSE_MS, PlatformFailure, type FailureReport } from '../domain/failures.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { MemberOutcome, PendingMember, PushOperation } from '../ledger/index.ts';
import type { PushBacklog } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toTemporal } from './failures.ts';

/** Between the end of a call and the moment when its outcome is written down, a process may be slow. Milliseconds. */
const DEADLINE_MARGIN_MS = 5_000;

export interface Call {
  target: TargetRef;
  destination: Destination;
  operation: PushOperation;
  /** Those whom the prepared call carries, in its order. */
  members: readonly PendingMember[];
  prepared: PreparedCall;
  /** What the target needed when the call was put together. */
  backlog: PushBacklog;
  /** Carries one member to find out whether any call goes through; its refusal says something of the call, not of the member. */
  probe: boolean;
}

export interface CallResult {
  /** Taken in by the platform, at once or for later. */
  accepted: number;
  rejected: number;
  /** Members who are pending again (or still) after this call. */
  again: number;
  restMs: number;
  /** When to ask what became of it, in milliseconds, if the platform decides later. */
  checkAfterMs?: number;
}

/** Throws the platform's failure in Temporal's terms; whatever was pending stays pending. */
export async function makeCall(dependencies: ActivityDependencies, call: Call): Promise<CallResult> {
  const { ledger, metrics } = dependencies;
  const { target, destination, operation, members, prepared } = call;
  const began = performance.now();
  const pushId = await ledger.startPush(target, { operation, members, deadlineMs: destination.timeoutMs + DEADLINE_MARGIN_MS });
  try {
    heartbeat();
    if (performance.now() - began > DEADLINE_MARGIN_MS) throw sleptTooLong(target);
    const stop = metrics.pushSeconds.startTimer({ destination: target.destination });
    const answer = await prepared.send(AbortSignal.any([AbortSignal.timeout(destination.timeoutMs), cancellationSignal()])).finally(stop);
    if (answer.restMs > 0) await ledger.restAccount(target.destination, Math.min(answer.restMs, LONGEST_PAUSE_MS), 'the platform says that its quota is used up');
    return await finish(dependencies, call, pushId, answer);
  } catch (error) {
    const judged = error instanceof PlatformFailure ? judge(call, error.report) : undefined;
    if (judged) return refuseAll(dependencies, call, pushId, judged);
    await noteFailure(dependencies, call, pushId, error);
    throw toTemporal(error, { backlog: call.backlog, carried: members.length });
  }
}

/**
 * Failures that settle the members of the call instead of holding the target up: one member alone in a call that was refused
 * for wrong rows is the wrong one; a removal that needs a person (a small audience, a flag, a closed list) is blocked, because
 * adds must go on, and may be what mends it.
 */
function judge({ members, operation, probe }: Call, report: FailureReport): { status: 'rejected' | 'blocked'; reason: string } | undefined {
  if (report.kind === 'invalid_row' && members.length === 1 && !probe) return { status: 'rejected', reason: report.cause };
  if (report.kind === 'needs_person' && operation === 'remove') return { status: 'blocked', reason: `${report.cause}. ${report.cure}` };
  return undefined;
}

/** Writes down what the platform said of each member. */
async function finish({ ledger, metrics, logger }: ActivityDependencies, { target, destination, operation, members }: Call, pushId: string, answer: PushAnswer): Promise<CallResult> {
  const outcomes = members.flatMap((member, index) => outcomeOf(member, answer.members[index]) ?? []);
  const later = answer.later && { ...answer.later, giveUpAfterMs: destination.followUp?.giveUpAfterMs ?? 0 };
  const { again } = await ledger.finishPush(target, { pushId, operation }, outcomes, later);
  const labels = { destination: target.destination, operation };
  metrics.pushes.inc({ ...labels, outcome: 'answered' });
  for (const { status } of outcomes) metrics.pushedMembers.inc({ ...labels, outcome: status });
  const count = (...wanted: MemberOutcome['status'][]): number => outcomes.filter(({ status }) => wanted.includes(status)).length;
  const accepted = count('accepted', 'processing');
  const what = `${operation === 'add' ? 'an add' : 'a removal'} of ${String(accepted)} in ${target.audienceKey}`;
  const request = later === undefined ? '' : ` as request ${later.requestId}, to be decided later`;
  if (accepted > 0) logger.info({ destination: target.destination, audience: target.audienceKey }, `${target.destination} ${later ? 'took in' : 'accepted'} ${what}${request}.`);
  return { accepted, rejected: count('rejected'), again: again + members.length - outcomes.length, restMs: answer.restMs, ...(later ? { checkAfterMs: later.checkAfterMs } : {}) };
}

/** The platform refused the call for what its members are; see `judge`. */
async function refuseAll(dependencies: ActivityDependencies, call: Call, pushId: string, { status, reason }: { status: 'rejected' | 'blocked'; reason: string }): Promise<CallResult> {
  const { ledger, metrics, logger } = dependencies;
  const { target, operation, members } = call;
  const outcomes = members.map(({ personId, revision }): MemberOutcome => ({ personId, revision, status, reason }));
  const { again } = await ledger.finishPush(target, { pushId, operation }, outcomes);
  metrics.pushedMembers.inc({ destination: target.destination, operation, outcome: status }, members.length);
  const said = status === 'blocked' ? `does not remove ${String(members.length)} members of ${target.audienceKey} for now` : `refuses one member of ${target.audienceKey}`;
  logger.warn({ destination: target.destination, audience: target.audienceKey, person_id: members[0]?.personId }, `${target.destination} ${said}: ${reason}.`);
  // What is blocked counts as `again`, so that the next reading of the backlog, which comes at once, shows it.
  return { accepted: 0, rejected: status === 'rejected' ? members.length : 0, again: again + (status === 'blocked' ? members.length : 0), restMs: 0 };
}

/** A call that the platform refused has ended; one whose outcome is unknown stays open, and its members are pushed again. */
async function noteFailure({ ledger, metrics, logger }: ActivityDependencies, { target, operation }: Call, pushId: string, error: unknown): Promise<void> {
  const report = error instanceof PlatformFailure ? error.report : undefined;
  const kind = report?.kind ?? 'internal';
  metrics.pushes.inc({ destination: target.destination, operation, outcome: kind });
  const where = { destination: target.destination, audience: target.audienceKey, attempt: activityInfo().attempt };
  logger.warn({ ...where, failure: kind }, error instanceof Error ? error.message : 'A push failed.');
  if (report && kind !== 'timed_out') await ledger.abandonPush(pushId, kind);
  if (report?.kind === 'rate_limited') await ledger.restAccount(target.destination, Math.min(report.retryAfterMs ?? THROTTLED_MS, LONGEST_PAUSE_MS), report.cause);
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
