import type { Destination, Member, PreparedCall } from '../destinations/destination.ts';
import { PlatformFailure } from '../domain/failures.ts';
import type { DestinationEntry, Target, TargetRef } from '../domain/registry.ts';
import type { Pending, PendingMember } from '../ledger/index.ts';
import type { PushInput, PushResult } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toTemporal } from './failures.ts';
import { makeCall } from './make-call.ts';

/**
 * One push: reads what a target needs, removals first, and makes one call for it, or none. Fails with the platform's failure;
 * whatever was pending stays pending.
 */
export function createPush(dependencies: ActivityDependencies) {
  const { ledger } = dependencies;

  async function push({ mostMembers, ...ref }: PushInput): Promise<PushResult> {
    const { target, destination, entry } = find(dependencies, ref);
    const paused = entry.mode === 'paused' || (await ledger.readTargetRest(ref)).paused;
    const onlyProfiles = entry.mode === 'test' ? entry.testProfiles : undefined;
    const pending = await ledger.loadPending(ref, paused ? 0 : Math.min(mostMembers ?? Infinity, destination.membersPerCall), onlyProfiles);
    const { operation, members, backlog } = pending;
    const nothing: PushResult = { operation, accepted: 0, rejected: 0, more: false, backlog, paused, restMs: 0, callTimeoutMs: destination.timeoutMs };
    if (operation === 'none') return nothing;

    const prepared = destination.prepare(operation, target.platformAudienceId, members.map(memberOf(destination)));
    const unusable = await rejectUnusable(dependencies, target, pending, prepared);
    // In test mode the backlog counts members who are held, so it cannot tell: the next push will find nothing.
    const left = entry.mode === 'live' ? backlog.adds + backlog.removes - unusable - prepared.carries.length : 1;
    if (prepared.carries.length === 0) return { ...nothing, rejected: unusable, more: left > 0 };

    const carried = prepared.carries.flatMap((index) => members[index] ?? []);
    const { accepted, rejected, again, restMs } = await makeCall(dependencies, { target: ref, destination, operation, members: carried, prepared, backlog });
    return { ...nothing, accepted, rejected: rejected + unusable, more: again > 0 || left > 0, restMs };
  }

  return { push };
}

function find({ policies, destinations }: ActivityDependencies, ref: TargetRef): { target: Target; destination: Destination; entry: DestinationEntry } {
  const target = policies.audiences.get(ref.audienceKey)?.targets.find((one) => one.destination === ref.destination);
  const destination = destinations.get(ref.destination);
  const entry = policies.destinations.get(ref.destination);
  if (target && destination && entry) return { target, destination, entry };
  const cause = `${ref.audienceKey} has no target at ${ref.destination} in headgate.yaml`;
  throw toTemporal(
    new PlatformFailure(`${cause}.`, { kind: 'misconfigured', cause, cure: 'Put the target back into headgate.yaml, or terminate this workflow if it is gone for good.' }),
  );
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
