import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Destination, Member, MemberAnswer, PreparedCall } from '../destinations/destination.ts';
import { PlatformFailure } from '../domain/failures.ts';
import type { Target, TargetRef } from '../domain/registry.ts';
import type { MemberOutcome, Pending, PendingMember } from '../ledger/index.ts';
import type { PushResult } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toTemporal } from './failures.ts';

/** Between the end of a call and the moment when its outcome is written down, a process may be slow. Milliseconds. */
const DEADLINE_MARGIN_MS = 5_000;

/**
 * One push: reads what a target needs, writes the call down, makes it, writes down what the platform said. Exactly one HTTP
 * call, or none. Fails with the platform's failure; whatever was pending stays pending.
 */
export function createPush(dependencies: ActivityDependencies) {
  const { ledger, policies, logger, metrics } = dependencies;

  async function push(ref: TargetRef): Promise<PushResult> {
    const { target, destination } = find(dependencies, ref);
    const mode = policies.destinations.get(ref.destination)?.mode ?? 'paused';
    const onlyProfiles = mode === 'test' ? (policies.destinations.get(ref.destination)?.testProfiles ?? []) : undefined;
    const paused = mode === 'paused' || (await ledger.readTargetRest(ref)).paused;
    const pending = await ledger.loadPending(ref, paused ? 0 : destination.membersPerCall, onlyProfiles);
    const nothing: PushResult = { operation: 'none', accepted: 0, rejected: 0, more: false, backlog: pending.backlog, paused, restMs: 0, callTimeoutMs: destination.timeoutMs };
    if (pending.operation === 'none') return nothing;

    const call = destination.prepare(pending.operation, target.platformAudienceId, pending.members.map(memberOf(destination)));
    const settled = await rejectUnusable(target, pending, call);
    const left = pending.backlog.adds + pending.backlog.removes - settled;
    // In test mode the backlog counts members who are held, so it cannot tell: the next push will find nothing.
    const remaining = mode === 'live' ? left - call.carries.length : 1;
    if (call.carries.length === 0) return { ...nothing, rejected: settled, more: remaining > 0 };
    const answer = await make(target, destination, pending, call);
    const accepted = answer.outcomes.filter((outcome) => outcome.status === 'accepted').length;
    return {
      ...nothing,
      operation: pending.operation,
      accepted,
      rejected: answer.outcomes.length - accepted + settled,
      more: answer.again > 0 || remaining > 0,
      restMs: answer.restMs,
    };
  }

  /** Members without any identifier that the platform takes are rejected here; no call could carry them. */
  async function rejectUnusable(target: Target, pending: Pending, call: PreparedCall): Promise<number> {
    if (call.unusable.length === 0) return 0;
    const outcomes = call.unusable.flatMap(({ index, reason }) => {
      const member = pending.members[index];
      return member ? [{ personId: member.personId, revision: member.revision, status: 'rejected' as const, reason }] : [];
    });
    await ledger.rejectMembers(target, outcomes);
    metrics.pushedMembers.inc({ destination: target.destination, operation: pending.operation, outcome: 'unusable' }, outcomes.length);
    return outcomes.length;
  }

  async function make(
    target: Target,
    destination: Destination,
    pending: Pending,
    call: PreparedCall,
  ): Promise<{ outcomes: MemberOutcome[]; again: number; restMs: number }> {
    const operation = pending.operation === 'remove' ? 'remove' : 'add';
    const carried = call.carries.flatMap((index) => pending.members[index] ?? []);
    const began = performance.now();
    const deadlineMs = destination.timeoutMs + DEADLINE_MARGIN_MS;
    const pushId = await ledger.startPush(target, { operation, members: carried, deadlineMs });
    const labels = { destination: target.destination, operation };
    try {
      heartbeat();
      if (performance.now() - began > DEADLINE_MARGIN_MS) throw sleptTooLong(target);
      const stop = metrics.pushSeconds.startTimer({ destination: target.destination });
      const answer = await call.send(AbortSignal.any([AbortSignal.timeout(destination.timeoutMs), cancellationSignal()])).finally(stop);
      const outcomes = carried.map((member, index) => outcomeOf(member, answer.members[index]));
      const { again } = await ledger.finishPush(target, { pushId, operation }, outcomes);
      metrics.pushes.inc({ ...labels, outcome: 'answered' });
      for (const { status } of outcomes) metrics.pushedMembers.inc({ ...labels, outcome: status });
      const where = { destination: target.destination, audience: target.audienceKey };
      logger.info({ ...where, operation, members: carried.length }, `${target.destination} accepted ${operation === 'add' ? 'an add' : 'a removal'} of ${String(carried.length)}.`);
      return { outcomes, again, restMs: answer.restMs };
    } catch (error) {
      await noteFailure(error, target, pushId, labels);
      throw toTemporal(error);
    }
  }

  /** A call that the platform refused has ended; one whose outcome is unknown stays open, and its members are pushed again. */
  async function noteFailure(error: unknown, target: Target, pushId: string, labels: { destination: string; operation: string }): Promise<void> {
    const kind = error instanceof PlatformFailure ? error.report.kind : 'internal';
    metrics.pushes.inc({ ...labels, outcome: kind });
    const where = { destination: target.destination, audience: target.audienceKey, attempt: activityInfo().attempt };
    logger.warn({ ...where, failure: kind }, error instanceof Error ? error.message : 'a push failed');
    if (error instanceof PlatformFailure && kind !== 'timed_out') await ledger.abandonPush(pushId, kind);
  }

  return { push };
}

function find({ policies, destinations }: ActivityDependencies, ref: TargetRef): { target: Target; destination: Destination } {
  const target = policies.audiences.get(ref.audienceKey)?.targets.find((one) => one.destination === ref.destination);
  const destination = destinations.get(ref.destination);
  if (target && destination) return { target, destination };
  const cause = `${ref.audienceKey} has no target at ${ref.destination} in headgate.yaml`;
  throw toTemporal(new PlatformFailure(`${cause}.`, { kind: 'misconfigured', cause, cure: 'Put the target back into headgate.yaml, or terminate this workflow if it is gone for good.' }));
}

function memberOf(destination: Destination): (member: PendingMember) => Member {
  return ({ today, former, consent }) => ({
    today: today[destination.platform] ?? [],
    former: former[destination.platform] ?? [],
    ...(consent ? { consent } : {}),
  });
}

function outcomeOf(member: PendingMember, answer: MemberAnswer | undefined): MemberOutcome {
  if (!answer) throw new Error('the platform\'s adapter gave no answer for a member');
  const { personId, revision } = member;
  return answer.status === 'accepted' ? { personId, revision, status: 'accepted' } : { personId, revision, status: answer.status, reason: answer.reason };
}

/** The process slept between writing the push down and making it; what was read may be old. */
const sleptTooLong = (target: Target): PlatformFailure => {
  const cause = 'this worker slept before it made the call';
  return new PlatformFailure(`${target.destination}: ${cause}; nothing was sent.`, { kind: 'unavailable', cause, cure: '' });
};
