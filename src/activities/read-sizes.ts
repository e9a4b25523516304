import { setTimeout as wait } from 'node:timers/promises';
import { cancellationSignal } from '@temporalio/activity';
import { PlatformFailure } from '../domain/failures.ts';
import { judgeSize } from '../domain/drift.ts';
import { targetKey, targetsOf, type Target } from '../domain/registry.ts';
import type { ReadSizesInput, SizesRead } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { whileBeating } from './while-beating.ts';

/** Between two questions, so that a platform is not asked about all audiences at once. Milliseconds. */
const PACE_MS = 250;

/** Asks platforms for the sizes that are due, or of one audience now, and keeps what they tell. A platform that cannot be asked is asked again when the next one is due. */
export function createReadSizes(dependencies: ActivityDependencies) {
  const { ledger, policies, destinations, sizesEveryMs, stopping, logger } = dependencies;

  async function readOne(target: Target): Promise<'read' | 'unread'> {
    const { destination: name, audienceKey } = target;
    const destination = destinations.get(name);
    const clocks = policies.destinations.get(name)?.clocks;
    if (!destination || !clocks) return 'unread';
    const { earlierShares, ...counts } = await ledger.countForSize(target, clocks.sizeWithinMs);
    const kept = { destination: name, audienceKey, ...counts };
    try {
      const signal = AbortSignal.any([stopping, cancellationSignal(), AbortSignal.timeout(destination.timeoutMs)]);
      const told = (await destination.readSize(target.platformAudienceId, signal)) ?? null;
      const { verdict, message } = judgeSize({ ...counts, earlierShares, told, roundedTo: clocks.roundedTo });
      await ledger.noteSize({ ...kept, told, failure: null, verdict, message });
      if (verdict === 'more' || verdict === 'fewer') logger.warn({ destination: name, audience: audienceKey }, `${name} ${message}.`);
      return 'read';
    } catch (error) {
      // What is wrong at a platform is kept; a ledger that is away, or a stop, is tried again as a whole.
      if (!(error instanceof PlatformFailure) || stopping.aborted || cancellationSignal().aborted) throw error;
      await ledger.noteSize({ ...kept, told: null, failure: error.report.cause, verdict: 'unread', message: `could not be asked: ${error.report.cause}` });
      logger.info({ destination: name, audience: audienceKey, failure: error.report.kind }, `The size of ${targetKey(target)} could not be read: ${error.report.cause}.`);
      return 'unread';
    }
  }

  return {
    async readSizes({ audienceKey }: ReadSizesInput): Promise<SizesRead> {
      return whileBeating(async () => {
        const own = targetsOf(policies).filter((target) => audienceKey === undefined || target.audienceKey === audienceKey);
        const due = new Set((audienceKey === undefined ? await ledger.findSizesDue(own, sizesEveryMs) : own).map(targetKey));
        const done: SizesRead = { read: 0, unread: 0 };
        for (const target of own) {
          if (!due.has(targetKey(target))) continue;
          done[await readOne(target)]++;
          await wait(PACE_MS, undefined, { signal: AbortSignal.any([stopping, cancellationSignal()]) });
        }
        return done;
      });
    },
  };
}
