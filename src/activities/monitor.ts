import type { MonitorResult } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { noticeRestore } from './notice-restore.ts';

/** One look of the monitor. Another process may be at it; then this one does nothing but tell Temporal that the ledger lives. */
export function createMonitor(dependencies: ActivityDependencies) {
  const { monitor, ledger, logger } = dependencies;
  return {
    async monitor(): Promise<MonitorResult> {
      await noticeRestore(dependencies).catch((error: unknown) => {
        logger.debug({ err: error }, 'Whether the ledger or Temporal was restored could not be found out; the next look tries again.');
      });
      const result = await monitor.round();
      return { ...result, beat: await ledger.nextBeat() };
    },
  };
}
