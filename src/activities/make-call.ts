/** One call to a platform: written down, made, and what the platform said of each member written down. */
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Destination, MemberAnswer, PreparedCall, PushAnswer } from '../destinations/destination.ts';
import { PlatformFailure } from '../domain/failures.ts';
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
}

export interface CallResult {
  accepted: number;
  rejected: number;
  /** Members who are pending again because of this call. */
  again: number;
  restMs: number;
}

/** Throws the platform's failure in Temporal's terms; whatever was pending stays pending. */
export async function makeCall(dependencies: ActivityDependencies, call: Call): Promise<CallResult> {
  const { ledger, metrics, logger } = dependencies;
  const { target, destination, operation, members, prepared } = call;
  const began = performance.now();
  const pushId = await ledger.startPush(target, { operation, members, deadlineMs: destination.timeoutMs + DEADLINE_MARGIN_MS });
  try {
    heartbeat();
    if (performance.now() - began > DEADLINE_MARGIN_MS) throw sleptTooLong(target);
    const stop = metrics.pushSeconds.startTimer({ destination: target.destination });
    const answer = await prepared.send(AbortSignal.any([AbortSignal.timeout(destination.timeoutMs), cancellationSignal()])).finally(stop);
    const result = await finish(dependencies, call, pushId, answer);
    const what = operation === 'add' ? 'an add' : 'a removal';
    logger.info({ destination: target.destination, audience: target.audienceKey }, `${target.destination} accepted ${what} of ${String(result.accepted)} in ${target.audienceKey}.`);
    return result;
  } catch (error) {
    if (error instanceof PlatformFailure && error.report.kind === 'invalid_row' && members.length === 1) return rejectLoneRow(dependencies, call, pushId, error);
    await noteFailure(dependencies, call, pushId, error);
    throw toTemporal(error, { backlog: call.backlog, carried: members.length });
  }
}

/** Writes down what the platform said of each member. */
async function finish({ ledger, metrics }: ActivityDependencies, { target, operation, members }: Call, pushId: string, answer: PushAnswer): Promise<CallResult> {
  const outcomes = members.map((member, index) => outcomeOf(member, answer.members[index]));
  const { again } = await ledger.finishPush(target, { pushId, operation }, outcomes);
  const labels = { destination: target.destination, operation };
  metrics.pushes.inc({ ...labels, outcome: 'answered' });
  for (const { status } of outcomes) metrics.pushedMembers.inc({ ...labels, outcome: status });
  const accepted = outcomes.filter((outcome) => outcome.status === 'accepted').length;
  return { accepted, rejected: outcomes.length - accepted, again, restMs: answer.restMs };
}

/** The platform refused a call that carried one member only: it is that one, for the platform's reason. */
async function rejectLoneRow(dependencies: ActivityDependencies, call: Call, pushId: string, { report }: PlatformFailure): Promise<CallResult> {
  const { target, members } = call;
  const result = await finish(dependencies, call, pushId, { members: [{ status: 'rejected', reason: report.cause }], restMs: 0 });
  dependencies.logger.warn({ destination: target.destination, audience: target.audienceKey, person_id: members[0]?.personId }, `${target.destination} refuses one member of ${target.audienceKey}: ${report.cause}.`);
  return result;
}

/** A call that the platform refused has ended; one whose outcome is unknown stays open, and its members are pushed again. */
async function noteFailure({ ledger, metrics, logger }: ActivityDependencies, { target, operation }: Call, pushId: string, error: unknown): Promise<void> {
  const kind = error instanceof PlatformFailure ? error.report.kind : 'internal';
  metrics.pushes.inc({ destination: target.destination, operation, outcome: kind });
  const where = { destination: target.destination, audience: target.audienceKey, attempt: activityInfo().attempt };
  logger.warn({ ...where, failure: kind }, error instanceof Error ? error.message : 'A push failed.');
  if (error instanceof PlatformFailure && kind !== 'timed_out') await ledger.abandonPush(pushId, kind);
}

function outcomeOf({ personId, revision }: PendingMember, answer: MemberAnswer | undefined): MemberOutcome {
  if (!answer) throw new Error("the platform's adapter gave no answer for a member");
  if (answer.status === 'accepted') return { personId, revision, status: 'accepted' };
  return { personId, revision, status: answer.status, reason: answer.reason };
}

/** The process slept between writing the push down and making it; what was read may be old. */
function sleptTooLong(target: TargetRef): PlatformFailure {
  const cause = 'this worker slept before it made the call';
  return new PlatformFailure(`${target.destination}: ${cause}; nothing was sent.`, { kind: 'unavailable', cause, cure: '' });
}
