import type { ActionRef, ActionStandingReport } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** Tells the ledger how an action stands, and what operators ask of it. */
export function createActionStanding({ ledger }: ActivityDependencies) {
  return {
    async reportAction({ action, report, ...standing }: ActionStandingReport): Promise<void> {
      await ledger.reportAction(action, { ...standing, ...(report ? { cause: report.cause, cure: report.cure } : {}) });
    },
    async pauseAction({ action }: ActionRef): Promise<void> {
      await ledger.setActionPaused(action, true);
    },
    async resumeAction({ action }: ActionRef): Promise<void> {
      await ledger.setActionPaused(action, false);
    },
    /** What was refused is sent again; returns how many. */
    async retryAction({ action }: ActionRef): Promise<number> {
      return ledger.retryForwards(action);
    },
  };
}
