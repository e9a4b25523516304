import type { Restored } from '../ledger/index.ts';
import type { ActivityDependencies } from './dependencies.ts';

const SAID: Record<Restored, string> = {
  ledger: 'The ledger is older than what Temporal knows of it: it was restored from a backup. Nobody enters an audience and no tool is told until `headgate reconcile` has read what is missing; removals go on.',
  temporal: 'Temporal is older than the ledger: it was restored or lost. Everything goes on; `headgate reconcile` starts the workflows that it does not know.',
};

/** Looks whether the ledger or Temporal was restored from a backup. What Temporal says is read first: the ledger is always ahead of it by itself. */
export async function noticeRestore({ ledger, gateway, logger }: Pick<ActivityDependencies, 'ledger' | 'gateway' | 'logger'>): Promise<void> {
  const heard = await gateway.newestBeat();
  const noticed = await ledger.noticeRestore(heard);
  if (noticed) logger.error({ restored: noticed }, SAID[noticed]);
}
