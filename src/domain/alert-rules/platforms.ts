/** Rules about what goes to the platforms. Pure. */
import type { AlertFacts, DestinationFacts, TargetFacts } from '../alert-facts.ts';
import type { Finding } from '../alerts.ts';
import { formatTime } from '../describe.ts';
import { swingOf } from '../drift.ts';
import { describeHold, releaseCommand } from '../guard.ts';
import { targetKey } from '../registry.ts';
import { HOUR, levelOf, many, MINUTE, NO_NUMBERS, people, percent, span, type AlertRule, type Threshold } from './rule.ts';

/** What every finding about a target has in common. */
const aboutTarget = (target: TargetFacts): Pick<Finding, 'subject' | 'destination' | 'audienceKey' | 'stillTargeted'> => ({
  subject: targetKey(target), destination: target.destination, audienceKey: target.audienceKey, stillTargeted: target.stillTargeted,
});

const onTarget = (verb: string, { destination, audienceKey }: TargetFacts): string => `headgate ${verb} --destination ${destination} --audience ${audienceKey}`;
const where = (target: TargetFacts): string => `${target.audienceKey} at ${target.destination}`;

function forTargets(facts: AlertFacts, find: (target: TargetFacts) => Omit<Finding, 'rule' | 'subject' | 'destination' | 'audienceKey' | 'stillTargeted'> | null, rule: string): Finding[] {
  return facts.targets.flatMap((target) => {
    const found = find(target);
    return found ? [{ rule, ...aboutTarget(target), ...found }] : [];
  });
}

/** Destinations whose calls fail still, and of which nobody has been told already that every call is refused. */
const failing = ({ destinations, targets }: AlertFacts): DestinationFacts[] =>
  destinations.filter(({ destination, failedLately }) => failedLately > 0 && !targets.some((target) => target.destination === destination && target.state === 'stuck'));

function waitingLong(wanted: 'in' | 'out', rule: string) {
  return (facts: AlertFacts, threshold: Threshold): Finding[] =>
    forTargets(facts, (target) => {
      const { count, oldestAt } = target.waiting[wanted];
      // Held by a person or by the guard: rules of their own.
      if (target.paused || oldestAt === null || count < threshold.least) return null;
      const level = levelOf(facts.now - oldestAt, threshold);
      const what = wanted === 'out' ? `${many(count, 'removal')} from ${where(target)} ${count === 1 ? 'waits' : 'wait'}` : `${many(count, 'add')} to ${where(target)} ${count === 1 ? 'waits' : 'wait'}`;
      return level && {
        level,
        what: `${what}, the oldest for ${span(facts.now - oldestAt)}.${target.cause === null ? '' : ` The platform says: ${target.cause}`}`,
        since: oldestAt,
        cure: target.cure !== null && target.cure !== '' ? target.cure : target.cause === null ? 'See whether a worker runs and what the sync does in the Temporal UI.' : 'Nothing while the platform is down; have it tried at once when it is back.',
        command: onTarget('push-now', target),
      };
    }, rule);
}

export const PLATFORM_RULES = {
  target_stuck: {
    title: 'A platform refuses every call until a person acts (token, permission, terms, wrong id)',
    unit: null,
    defaults: NO_NUMBERS,
    atOnce: true,
    find: (facts) =>
      forTargets(facts, (target) => target.state !== 'stuck' ? null : {
        level: 'critical',
        what: `Nothing gets through to ${where(target)}. The platform says: ${target.cause ?? 'nothing'}`,
        since: target.since,
        cure: target.cure ?? 'See the sync in the Temporal UI.',
        command: onTarget('push-now', target),
      }, 'target_stuck'),
  },
  oldest_removal: {
    title: 'A removal waits for too long: somebody sees ads who should not',
    unit: 'duration',
    defaults: { warning: 15 * MINUTE, critical: HOUR, least: 1 },
    atOnce: false,
    find: waitingLong('out', 'oldest_removal'),
  },
  oldest_add: {
    title: 'An add waits for too long',
    unit: 'duration',
    defaults: { warning: HOUR, critical: 6 * HOUR, least: 1 },
    atOnce: false,
    find: waitingLong('in', 'oldest_add'),
  },
  overdue_expiry: {
    title: 'Windows are over and people are still in',
    unit: 'duration',
    defaults: { warning: 5 * MINUTE, critical: 15 * MINUTE, least: 1 },
    atOnce: false,
    find: (facts, threshold) =>
      facts.overdue.flatMap(({ audienceKey, count, oldestAt }) => {
        const level = count >= threshold.least ? levelOf(facts.now - oldestAt, threshold) : null;
        return level ? [{
          rule: 'overdue_expiry', subject: audienceKey, audienceKey, level, since: oldestAt, stillTargeted: count,
          what: `${people(count)} should have left ${audienceKey} when their window ended, the first ${span(facts.now - oldestAt)} ago.`,
          cure: 'The sweep of every api and worker process ends them each minute: see that one runs with this audience in its headgate.yaml, and what it logs.',
        }] : [];
      }),
  },
  failed_calls: {
    title: 'Many calls to a platform fail (count in a quarter of an hour)',
    unit: 'count',
    defaults: { warning: 20, critical: 200, least: 1 },
    atOnce: false,
    find: (facts, threshold) =>
      failing(facts).flatMap(({ destination, calls, failed, failingSince, stillTargeted }) => {
        const level = failed >= threshold.least ? levelOf(failed, threshold) : null;
        return level ? [{
          rule: 'failed_calls', subject: destination, destination, level, since: failingSince, stillTargeted,
          what: `${String(failed)} of ${many(calls, 'call')} to ${destination} failed in the last 15 minutes.`,
          cure: 'Read what the platform says on its syncs; if it is down, nothing is lost and nothing is to do.',
          command: 'headgate stuck',
        }] : [];
      }),
  },
  failure_rate: {
    title: 'A large share of the calls to a platform fails',
    unit: 'share',
    defaults: { warning: 0.2, critical: 0.5, least: 10 },
    atOnce: false,
    find: (facts, threshold) =>
      failing(facts).flatMap(({ destination, calls, failed, failingSince, stillTargeted }) => {
        const level = calls >= threshold.least ? levelOf(failed / calls, threshold) : null;
        return level ? [{
          rule: 'failure_rate', subject: destination, destination, level, since: failingSince, stillTargeted,
          what: `${percent(failed / calls)} of the calls to ${destination} fail (${String(failed)} of ${String(calls)} in the last 15 minutes).`,
          cure: 'Read what the platform says on its syncs; if it is down, nothing is lost and nothing is to do.',
          command: 'headgate stuck',
        }] : [];
      }),
  },
  backlog_growth: {
    title: 'A backlog at a platform has grown for an hour (times what it was)',
    unit: 'count',
    defaults: { warning: 2, critical: 10, least: 5_000 },
    atOnce: false,
    find: (facts, threshold) =>
      forTargets(facts, (target) => {
        const now = target.waiting.in.count + target.waiting.out.count;
        const { pendingBefore: before } = target;
        if (target.paused || !before || now < threshold.least || before.halfAnHour < before.anHour || now < before.halfAnHour) return null;
        const level = levelOf(now / Math.max(before.anHour, threshold.least / 10), threshold);
        return level && {
          level,
          what: `${many(now, 'member')} of ${where(target)} wait, ${String(before.anHour)} an hour ago: more comes in than the platform takes.`,
          since: facts.now - HOUR,
          cure: 'See whether the platform throttles the account (state of the sync), whether the budget of the destination (calls_per_minute) is too small, and how many workers run.',
          command: `headgate audience ${target.audienceKey}`,
        };
      }, 'backlog_growth'),
  },
  rejected_rows: {
    title: 'A platform refuses a large share of the people',
    unit: 'share',
    defaults: { warning: 0.1, critical: 0.5, least: 20 },
    atOnce: false,
    find: (facts, threshold) =>
      forTargets(facts, (target) => {
        const { accepted, rejected } = target.lastHour;
        const level = rejected >= threshold.least ? levelOf(rejected / (accepted + rejected), threshold) : null;
        return level && {
          level,
          what: `The platform refused ${percent(rejected / (accepted + rejected))} of the people sent for ${where(target)} (${String(rejected)} of ${String(accepted + rejected)} in the last hour).`,
          since: facts.now - HOUR,
          cure: 'Read the reasons, mend what Customer.io sends (phone without country, e-mail that is none), then have them tried again.',
          command: onTarget('retry', target),
        };
      }, 'rejected_rows'),
  },
  blocked_removals: {
    title: 'A platform refuses removals (small or flagged audience)',
    unit: 'count',
    defaults: { warning: 1, critical: 100, least: 1 },
    atOnce: false,
    find: (facts, threshold) =>
      forTargets(facts, (target) => {
        const { count, oldestAt } = target.blocked;
        const level = count >= threshold.least && oldestAt !== null && facts.now - oldestAt >= HOUR ? levelOf(count, threshold) : null;
        return level && {
          level,
          what: `${people(count)} cannot be taken out of ${where(target)}, because the platform refuses it, the first since ${formatTime(oldestAt ?? facts.now)}.`,
          since: oldestAt,
          cure: 'They are tried again each 15 minutes. If it lasts, exclude the audience from the ad set by hand until the platform lets them go.',
          command: onTarget('retry', target),
        };
      }, 'blocked_removals'),
  },
  paused_target: {
    title: 'A target is paused by a person and removals wait',
    unit: 'duration',
    defaults: { warning: 4 * HOUR, critical: 24 * HOUR, least: 1 },
    atOnce: false,
    find: (facts, threshold) =>
      forTargets(facts, (target) => {
        const { count } = target.waiting.out;
        const level = target.paused && count >= threshold.least ? levelOf(facts.now - target.since, threshold) : null;
        return level && {
          level,
          what: `${where(target)} has been paused for ${span(facts.now - target.since)}, and ${many(count, 'removal')} ${count === 1 ? 'waits' : 'wait'} for it.`,
          since: target.since,
          cure: 'Resume it when what it was paused for is done.',
          command: onTarget('resume', target),
        };
      }, 'paused_target'),
  },
  held_wave: {
    title: 'The guard holds a wave of decisions',
    unit: null,
    defaults: NO_NUMBERS,
    atOnce: true,
    find: ({ waves, targets }) =>
      waves.map((wave): Finding => ({
        rule: 'held_wave', subject: `${targetKey(wave)}/${wave.operation}`, destination: wave.destination, audienceKey: wave.audienceKey, level: wave.operation === 'remove' ? 'critical' : 'warning', since: wave.since,
        stillTargeted: wave.operation === 'remove' ? (targets.find((target) => targetKey(target) === targetKey(wave))?.stillTargeted ?? 0) : 0,
        what: `${describeHold(wave)} (${wave.audienceKey} at ${wave.destination}). Single buyers go on leaving.`,
        cure: `See in Customer.io whether it is meant. If it is, release it; if not, correct it there, and the correction takes the wave's place.${wave.letGoAt === null ? '' : ` Without a word it goes at ${formatTime(wave.letGoAt)}.`}`,
        command: releaseCommand(wave).replace(/^npx /, ''),
      })),
  },
  audience_drift: {
    title: "The platform's count and ours have parted",
    unit: null,
    defaults: NO_NUMBERS,
    atOnce: true,
    find: ({ drifts }) =>
      drifts.map((drift): Finding => ({
        rule: 'audience_drift', subject: targetKey(drift), destination: drift.destination, audienceKey: drift.audienceKey, level: 'warning', since: drift.since, stillTargeted: 0,
        what: `${drift.destination} ${drift.message} (${drift.audienceKey}, ${String(drift.readings)} readings in a row).`,
        cure: 'See whether another tool or a person changes the audience at the platform; then push everybody again.',
        command: `headgate resync ${drift.audienceKey} --target ${drift.destination} --with-former --verify`,
      })),
  },
  audience_small: {
    title: 'An audience is too small to be served',
    unit: null,
    defaults: NO_NUMBERS,
    atOnce: true,
    find: ({ tooSmall }) =>
      tooSmall.map(({ why, ...target }): Finding => ({
        rule: 'audience_small', subject: targetKey(target), ...target, level: 'warning', since: null, stillTargeted: 0,
        what: `No ads are shown to ${target.audienceKey} at ${target.destination}: ${why}.`,
        cure: 'Widen the segment or the window, or take the audience out of the ad set. While it is new, wait.',
        command: `headgate drift ${target.audienceKey}`,
      })),
  },
  audience_swing: {
    title: 'Much of an audience comes and goes within a day (share of its size)',
    unit: 'share',
    defaults: { warning: 1.5, critical: 4, least: 1_000 },
    atOnce: false,
    find: ({ swings, now }, threshold) =>
      swings.flatMap(({ adds, removes, size, ...target }) => {
        const swing = swingOf({ adds, removes, size }, threshold.least);
        const level = swing === null ? null : levelOf(swing, threshold);
        return level ? [{
          rule: 'audience_swing', subject: targetKey(target), ...target, level, since: now - 24 * HOUR, stillTargeted: 0,
          what: `${many(adds, 'add')} and ${many(removes, 'removal')} in a day for ${target.audienceKey} at ${target.destination}, which has ${people(size)}.`,
          cure: 'See in Customer.io whether a segment flickers (people enter and leave by the same condition) or a campaign starts people again and again.',
          command: `headgate audience ${target.audienceKey}`,
        }] : [];
      }),
  },
} satisfies Record<string, AlertRule>;
