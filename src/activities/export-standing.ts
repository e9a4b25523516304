import type { ExportRef, ExportStandingReport } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** Tells the ledger how an export stands, and what operators ask of it. */
export function createExportStanding({ ledger }: ActivityDependencies) {
  return {
    async reportExport({ exporter, report, ...standing }: ExportStandingReport): Promise<void> {
      await ledger.reportExport(exporter, { ...standing, ...(report ? { cause: report.cause, cure: report.cure } : {}) });
    },
    async pauseExport({ exporter }: ExportRef): Promise<void> {
      await ledger.setExportPaused(exporter, true);
    },
    async resumeExport({ exporter }: ExportRef): Promise<void> {
      await ledger.setExportPaused(exporter, false);
    },
    /** Parked rows are tried again; returns how many. */
    async retryExport({ exporter }: ExportRef): Promise<number> {
      return ledger.retryParked(exporter);
    },
    async restartExport({ exporter }: ExportRef): Promise<void> {
      await ledger.restartExport(exporter);
    },
  };
}
