import { holdOf, holdsEverything, type TargetLife } from '../domain/holding.ts';
import { targetKey, type TargetRef } from '../domain/registry.ts';
import type { GivenUp } from '../ledger/index.ts';
import type { LeavingReport, Walked } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { keepUp, ownTarget } from './upkeep.ts';
import { walk } from './walk.ts';

/** Steps of giving up targets, and audiences with all of theirs. */
export function createRetire(dependencies: ActivityDependencies) {
  const { ledger, policies, logger } = dependencies;
  return {
    /** From now on nobody is added there; with `keep` nothing is pushed any more. Returns how each target stands. */
    async giveUp(given: GivenUp, keep: boolean): Promise<{ destination: string; life: TargetLife }[]> {
      const { audienceKey, destinations } = given;
      if (!policies.audiences.has(audienceKey)) throw new Error(`this worker's headgate.yaml has no audience ${audienceKey}; tried again, also by other workers`);
      for (const destination of destinations) ownTarget(policies, { destination, audienceKey });
      logger.info({ audience: audienceKey, destinations, keep }, `${given.wholeAudience ? 'The audience' : 'Targets of'} ${audienceKey} ${keep ? 'given up with the people in it' : 'being retired'}.`);
      return ledger.giveUp(given, keep);
    },
    /** Takes members out of an audience, whatever their windows say. */
    endMembersNext: (audienceKey: string, after: string): Promise<Walked> =>
      walk(
        dependencies,
        after,
        (from) => ledger.nextMembers(audienceKey, from),
        (found) => keepUp(dependencies, found.map(({ personId, eventId }) => ({ kind: 'retire', personId, audienceKey, eventId, at: Date.now() }))),
      ),
    /** Makes removals of the people who may be in a target. */
    async withdrawNext(ref: TargetRef, after: string): Promise<Walked> {
      ownTarget(policies, ref);
      return walk(
        dependencies,
        after,
        (from) => ledger.nextToWithdraw(ref, from),
        (found) => keepUp(dependencies, found.map(({ personId }) => ({ kind: 'withdraw', personId, destination: ref.destination, audienceKey: ref.audienceKey }))),
      );
    },
    /** Forgets what was pushed to a target; the people stay in it. */
    async forgetNext(ref: TargetRef, after: string): Promise<Walked> {
      await ledger.forgetPushes(ref);
      let changed = 0;
      const walked = await walk<never>(
        dependencies,
        after,
        async (from) => {
          const { forgotten, last } = await ledger.forgetNextDeliveries(ref, from);
          changed += forgotten;
          return { found: [], last };
        },
        () => Promise.resolve(0),
      );
      return { ...walked, changed };
    },
    async readLeaving(ref: TargetRef): Promise<LeavingReport> {
      const leaving = await ledger.readLeaving(ref);
      const hold = holdOf(policies, ref, leaving.life);
      const standing = (await ledger.listTargets()).find((one) => targetKey(one) === targetKey(ref));
      const obstacle = holdsEverything(hold) ? hold.because : standing?.paused ? 'the sync is paused: send it the update `resume`' : (standing?.cause ?? null);
      return { ...leaving, obstacle };
    },
    async finishRetiring(ref: TargetRef): Promise<boolean> {
      const retired = await ledger.finishRetiring(ref);
      if (retired) logger.info({ destination: ref.destination, audience: ref.audienceKey }, `${ref.audienceKey} at ${ref.destination} is retired: nobody is in it any more.`);
      return retired;
    },
    finishRetiringAudience: (audienceKey: string): Promise<void> => ledger.finishRetiringAudience(audienceKey),
  };
}
