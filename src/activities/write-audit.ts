import type { AuditInput } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { withPatience } from './with-patience.ts';

/** Writes down what an operator did by a command that does not go through the api. Twice is once: the entries have keys. */
export function createWriteAudit(dependencies: ActivityDependencies) {
  const { ledger, logger } = dependencies;
  return {
    async writeAudit({ entries }: AuditInput): Promise<void> {
      await withPatience(dependencies, () => ledger.writeAudit(entries));
      for (const { via, who, credential, action, subject, outcome } of entries) logger.info({ audit: { via, who, credential, action, subject, outcome } }, 'An operator did something.');
    },
  };
}
