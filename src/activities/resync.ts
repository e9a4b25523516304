import { setTimeout as wait } from 'node:timers/promises';
import { cancellationSignal } from '@temporalio/activity';
import { compareSize } from '../domain/audience-size.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { AwaitPushedInput, MarkForResyncInput, SizeReport } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { destinationOf } from './destination-of.ts';
import { toTemporal } from './failures.ts';
import { whileBeating } from './while-beating.ts';

const LOOK_EVERY_MS = 500;

/** The steps of a resync (workflows/resync.ts). Each may run twice. */
export function createResync(dependencies: ActivityDependencies) {
  const { ledger, wake, stopping } = dependencies;
  return {
    async countForResync({ withFormer, ...target }: TargetRef & { withFormer: boolean }): Promise<number> {
      return ledger.countForResync(target, { withFormer });
    },
    async markForResync({ destination, audienceKey, ...chunk }: MarkForResyncInput): Promise<{ marked: number; last: string | null; at: number }> {
      const marked = await ledger.markForResync({ destination, audienceKey }, chunk);
      if (marked.marked > 0) wake([{ destination, audienceKey }]);
      return marked;
    },
    async readSize(ref: TargetRef): Promise<SizeReport> {
      const { target, destination } = destinationOf(dependencies, ref);
      const signal = AbortSignal.any([stopping, cancellationSignal(), AbortSignal.timeout(destination.timeoutMs)]);
      try {
        const told = (await destination.readSize(target.platformAudienceId, signal)) ?? null;
        const takenIn = await ledger.countTakenIn(ref);
        return { takenIn, told, ...compareSize(takenIn, told) };
      } catch (error) {
        throw toTemporal(error);
      }
    },
    /** Returns how many of those that were made pending wait still: 0 as soon as none does, else after `forMs`. */
    async awaitPushed({ destination, audienceKey, markedAt, forMs }: AwaitPushedInput): Promise<number> {
      const ends = performance.now() + forMs;
      return whileBeating(async () => {
        for (;;) {
          const pending = await ledger.countPendingSince({ destination, audienceKey }, markedAt);
          if (pending === 0 || performance.now() >= ends || stopping.aborted || cancellationSignal().aborted) return pending;
          await wait(LOOK_EVERY_MS);
        }
      });
    },
  };
}
