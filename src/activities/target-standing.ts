import type { TargetRef } from '../domain/registry.ts';
import type { StandingReportInput } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** Tells the ledger how a sync stands, and keeps pauses there. */
export function createTargetStanding({ ledger, monitor }: ActivityDependencies) {
  return {
    async reportTarget({ destination, audienceKey, report, ...standing }: StandingReportInput): Promise<void> {
      const words = report ? { cause: report.cause, cure: report.cure } : {};
      await ledger.reportTarget({ destination, audienceKey }, { ...standing, ...words });
      if (standing.state === 'stuck' && standing.failures === 1) monitor.alarm();
    },
    async pauseTarget(target: TargetRef): Promise<void> {
      await ledger.setTargetPaused(target, true);
    },
    async resumeTarget(target: TargetRef): Promise<void> {
      await ledger.setTargetPaused(target, false);
    },
    /** Rejected and blocked members become pending; returns how many. */
    async retryTarget({ who, ...target }: TargetRef & { who?: string }): Promise<number> {
      return ledger.retryRefused(target, who);
    },
  };
}
