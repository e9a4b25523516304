import type { MonitorResult } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** One look of the monitor. Another process may be at it; then this one does nothing. */
export function createMonitor({ monitor }: ActivityDependencies) {
  return {
    monitor: (): Promise<MonitorResult> => monitor.round(),
  };
}
