import { setTimeout as wait } from 'node:timers/promises';
import { cancellationSignal } from '@temporalio/activity';
import { LedgerUnavailable } from '../ledger/index.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** How long a step waits for the ledger to come back, and how often it asks. Milliseconds. */
const PATIENCE_MS = 50_000;
const LOOK_EVERY_MS = 250;

/** Does the work again while the ledger is away: that says nothing of the platform, and shall not count as a failure of the target. */
export async function withPatience<T>({ ledger, stopping }: ActivityDependencies, work: () => Promise<T>): Promise<T> {
  let ends: number | undefined;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      ends ??= performance.now() + PATIENCE_MS;
      if (!(error instanceof LedgerUnavailable) || stopping.aborted || cancellationSignal().aborted || performance.now() > ends) throw error;
      await wait(LOOK_EVERY_MS);
      await ledger.connection.whenUp(ends - performance.now());
    }
  }
}
