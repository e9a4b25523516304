/** One look at what a target needs, and one call for it, or none. */
import type { Destination, Member, PreparedCall } from '../destinations/destination.ts';
import { PlatformFailure } from '../domain/failures.ts';
import { holdOf, isOver, whileLedgerIsOld, type Hold } from '../domain/holding.ts';
import { releaseCommand } from '../domain/guard.ts';
import { targetKey, type Target, type TargetRef } from '../domain/registry.ts';
import type { NoticedWave, Pending, PendingMember } from '../ledger/index.ts';
import type { PushInput } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { destinationOf } from './destination-of.ts';
import { toTemporal } from './failures.ts';
import { makeCall, type CallResult } from './make-call.ts';

export interface PushedOnce {
  /** Undefined when no call was made: nothing to carry, or not now. */
  call: CallResult | undefined;
  /** The target is paused by an operator. */
  paused: boolean;
  /** What was not looked at, because of a mode or because the target is given up. */
  hold: Hold;
  /** Something was pending. */
  found: boolean;
  /** Adds wait for more of them, so much longer, in milliseconds. */
  gatherMs: number;
  /** How long to make no call, in milliseconds. */
  restMs: number;
  /** The platform itself asked for that rest. */
  resting: boolean;
}

/** Fails with the platform's failure; whatever was pending stays pending. */
export function createPushOnce(dependencies: ActivityDependencies) {
  const { ledger, policies } = dependencies;
  return async function pushOnce({ mostMembers, now = false, probe, destination: name, audienceKey }: PushInput): Promise<PushedOnce> {
    const ref: TargetRef = { destination: name, audienceKey };
    const { paused, life, platformAudienceId, ledgerIsOld } = await ledger.readTargetRest(ref);
    const byMode = holdOf(policies, ref, life);
    const hold = ledgerIsOld ? whileLedgerIsOld(byMode) : byMode;
    const nothing: PushedOnce = { call: undefined, paused, hold, found: false, gatherMs: 0, restMs: 0, resting: false };
    if (paused || isOver(life)) return nothing;
    const { target, destination } = destinationOf(dependencies, ref);
    if (platformAudienceId !== null && platformAudienceId !== target.platformAudienceId) throw toTemporal(anotherRegistry(target, platformAudienceId));

    const most = probe !== undefined ? 1 : Math.min(mostMembers ?? Infinity, destination.membersPerCall);
    const callsAreScarce = destination.callsPerMinute !== undefined || destination.paceMs > 0;
    const pending = await ledger.loadPending(ref, most, {
      hold, onlyOne: probe, callsAreScarce, atOnce: now || mostMembers !== undefined, decidesWithinMs: destination.followUp?.giveUpAfterMs,
      guard: life === 'active' && byMode.because === null ? (policies.audiences.get(audienceKey)?.guard ?? undefined) : undefined, onWave: tellOf(dependencies, ref),
    });
    const { operation, members } = pending;
    if (operation === 'none') return { ...nothing, gatherMs: pending.gatherMs };

    const prepared = destination.prepare(operation, target.platformAudienceId, members.map(memberOf(destination)));
    await rejectUnusable(dependencies, ref, pending, prepared);
    if (prepared.carries.length === 0) return { ...nothing, found: true };

    const { waitMs, resting } = await ledger.takeCall(name, { callsPerMinute: destination.callsPerMinute, operation, now });
    if (waitMs > 0) return { ...nothing, found: true, restMs: waitMs, resting };

    const carried = prepared.carries.flatMap((index) => members[index] ?? []);
    const call = await makeCall(dependencies, { target: ref, destination, operation, members: carried, prepared, hold, probe: probe !== undefined });
    if ('busyMs' in call) return { ...nothing, found: true, restMs: call.busyMs };
    return { ...nothing, found: true, call, restMs: call.restMs, resting: call.restMs > 0 };
  };
}

/** Says it once: a wave that is held already is not told again. */
const tellOf = ({ logger }: ActivityDependencies, target: TargetRef) => (wave: NoticedWave): void => {
  const { noticed, most, audienceSize, causes, operation } = wave;
  logger.warn({ destination: target.destination, audience: target.audienceKey, operation, noticed, most, audience_size: audienceSize, causes },
    `The guard holds a wave of ${operation === 'add' ? 'adds' : 'removals'} at ${targetKey(target)}: ${releaseCommand({ ...target, operation })} lets it go.`);
};

/** While processes are replaced by such with another registry, both take pushes. The deliveries are about the audience that the ledger knows. */
function anotherRegistry({ destination, audienceKey, platformAudienceId }: Target, known: string): PlatformFailure {
  const cause = `this worker's headgate.yaml has "${platformAudienceId}" for ${audienceKey} at ${destination}, and the newest process had "${known}"`;
  return new PlatformFailure(`${cause}; nothing was sent.`, { kind: 'unavailable', cause, cure: 'Restart all processes with the same headgate.yaml.' });
}

/** Members without any identifier that the platform takes are rejected here; no call could carry them. */
async function rejectUnusable({ ledger, metrics }: ActivityDependencies, target: TargetRef, pending: Pending, { unusable }: PreparedCall): Promise<void> {
  if (unusable.length === 0) return;
  const outcomes = unusable.flatMap(({ index, reason }) => {
    const member = pending.members[index];
    return member ? [{ personId: member.personId, revision: member.revision, status: 'rejected' as const, reason }] : [];
  });
  await ledger.rejectMembers(target, outcomes);
  metrics.pushedMembers.inc({ destination: target.destination, operation: pending.operation, outcome: 'unusable' }, outcomes.length);
}

function memberOf(destination: Destination): (member: PendingMember) => Member {
  return ({ today, former, consent }) => ({
    today: today[destination.platform] ?? [],
    former: former[destination.platform] ?? [],
    ...(consent ? { consent } : {}),
  });
}
