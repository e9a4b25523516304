import type { Destination, Member, PreparedCall } from '../destinations/destination.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { Pending, PendingMember } from '../ledger/index.ts';
import type { PushInput, PushResult } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { destinationOf } from './destination-of.ts';
import { makeCall } from './make-call.ts';

/**
 * One push: reads what a target needs, removals first, and makes one call for it, or none. Fails with the platform's failure;
 * whatever was pending stays pending.
 */
export function createPush(dependencies: ActivityDependencies) {
  const { ledger } = dependencies;

  async function push({ mostMembers, now = false, probe = false, ...ref }: PushInput): Promise<PushResult> {
    const { target, destination, entry } = destinationOf(dependencies, ref);
    const paused = entry.mode === 'paused' || (await ledger.readTargetRest(ref)).paused;
    const most = probe ? 1 : Math.min(mostMembers ?? Infinity, destination.membersPerCall);
    const onlyProfiles = entry.mode === 'test' ? entry.testProfiles : undefined;
    const openCheckMs = destination.followUp ? await ledger.readNextCheck(ref) : null;
    const pending = await ledger.loadPending(ref, paused ? 0 : most, { onlyProfiles, newestFirst: probe });
    const { operation, members, backlog } = pending;
    const { timeoutMs, paceMs } = destination;
    const nothing: PushResult = { operation, accepted: 0, rejected: 0, unusable: 0, more: false, backlog, paused, nextCheckMs: openCheckMs, restMs: 0, resting: false, paceMs: 0, callTimeoutMs: timeoutMs };
    if (operation === 'none') return nothing;

    const prepared = destination.prepare(operation, target.platformAudienceId, members.map(memberOf(destination)));
    const unusable = await rejectUnusable(dependencies, target, pending, prepared);
    // In test mode the backlog counts members who are held, so it cannot tell: the next push will find nothing.
    const left = entry.mode === 'live' ? backlog.adds + backlog.removes - unusable - prepared.carries.length : 1;
    if (prepared.carries.length === 0) return { ...nothing, unusable, more: left > 0 };

    const { waitMs, resting } = await ledger.takeCall(ref.destination, { callsPerMinute: destination.callsPerMinute, operation, now });
    if (waitMs > 0) return { ...nothing, unusable, more: true, restMs: waitMs, resting };

    const carried = prepared.carries.flatMap((index) => members[index] ?? []);
    const call = await makeCall(dependencies, { target: ref, destination, operation, members: carried, prepared, backlog, probe });
    const nextCheckMs = call.checkAfterMs === undefined ? openCheckMs : Math.min(openCheckMs ?? Infinity, call.checkAfterMs);
    const { accepted, rejected, again, restMs } = call;
    return { ...nothing, accepted, rejected, unusable, more: again > 0 || left > 0, nextCheckMs, restMs, resting: restMs > 0, paceMs };
  }

  return { push };
}

/** Members without any identifier that the platform takes are rejected here; no call could carry them. Returns how many. */
async function rejectUnusable({ ledger, metrics }: ActivityDependencies, target: TargetRef, pending: Pending, { unusable }: PreparedCall): Promise<number> {
  if (unusable.length === 0) return 0;
  const outcomes = unusable.flatMap(({ index, reason }) => {
    const member = pending.members[index];
    return member ? [{ personId: member.personId, revision: member.revision, status: 'rejected' as const, reason }] : [];
  });
  await ledger.rejectMembers(target, outcomes);
  metrics.pushedMembers.inc({ destination: target.destination, operation: pending.operation, outcome: 'unusable' }, outcomes.length);
  return outcomes.length;
}

function memberOf(destination: Destination): (member: PendingMember) => Member {
  return ({ today, former, consent }) => ({
    today: today[destination.platform] ?? [],
    former: former[destination.platform] ?? [],
    ...(consent ? { consent } : {}),
  });
}
