import type { TargetRef } from '../domain/registry.ts';
import type { Walked } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { keepUp, ownTarget } from './upkeep.ts';
import { walk } from './walk.ts';

/** Steps of filling a target with the present members of its audience. */
export function createFillTarget(dependencies: ActivityDependencies) {
  const { ledger, policies, logger } = dependencies;
  return {
    /** `needed`: false when it is filled, or given up. `alone`: no process runs another registry, whose decisions know nothing of the target. */
    async beginFill(ref: TargetRef): Promise<{ needed: boolean; alone: boolean }> {
      const target = ownTarget(policies, ref);
      const alone = await ledger.isOneRegistry();
      const begun = await ledger.beginFill(target);
      if (begun && begun.platformAudienceId !== target.platformAudienceId) throw new Error(`this worker's headgate.yaml has another id for ${ref.audienceKey} at ${ref.destination} than the newest process`);
      return { needed: begun !== undefined, alone };
    },
    async fillNext(ref: TargetRef, after: string): Promise<Walked> {
      ownTarget(policies, ref);
      const walked = await walk(
        dependencies,
        after,
        (from) => ledger.nextToFill(ref, from),
        (found) => keepUp(dependencies, found.map(({ personId }) => ({ kind: 'reconcile', personId, audienceKey: ref.audienceKey }))),
      );
      if (walked.changed > 0) logger.info({ destination: ref.destination, audience: ref.audienceKey }, `${String(walked.changed)} present members of ${ref.audienceKey} were prepared for ${ref.destination}${walked.after === null ? '' : ', and more are coming'}.`);
      return walked;
    },
    finishFill: (ref: TargetRef): Promise<boolean> => ledger.finishFill(ref),
    isOneRegistry: (): Promise<boolean> => ledger.isOneRegistry(),
    /** Takes targets up again that were given up. */
    async takeUp({ audienceKey, destinations }: { audienceKey: string; destinations: string[] }): Promise<void> {
      for (const destination of destinations) ownTarget(policies, { destination, audienceKey });
      await ledger.takeUp({ audienceKey, destinations });
      logger.info({ audience: audienceKey, destinations }, `${audienceKey} was taken up again at ${destinations.join(', ')}.`);
    },
  };
}
