/** `headgate reconcile`: after the ledger or Temporal was restored from a backup. docs/backup.md says when and why. */
import type { Command } from 'commander';
import { answer } from '../answer.ts';
import { audited } from '../audited.ts';
import { EXIT } from '../exit-codes.ts';
import { followJob } from '../follow-job.ts';
import { loadOwnRegistry } from '../own-registry.ts';
import { withTemporal } from '../own-temporal.ts';
import { readTime } from '../time.ts';

interface Options {
  since?: string;
  dryRun?: boolean;
  resync?: boolean;
  acceptLoss?: boolean;
  json?: boolean;
}

const HELP = `
Headgate runs on meanwhile. A ledger that is older than what Temporal knows of it is noticed when a worker starts: until this command has ended
nobody enters an audience and no tool is told; removals go on. It runs in Temporal: it goes on without this terminal, and the same command
again follows it. A second run finds nothing to do. docs/backup.md says what can be got back and what cannot.`;

export function addReconcileCommand(program: Command): void {
  program
    .command('reconcile')
    .description('After a restore: read back from Temporal what the ledger forgot, start again what Temporal forgot, and make the platforms equal to that.')
    .option('--since <time>', 'look at everything since then, a little before the time of the backup (default: the restore that was noticed): ISO 8601, Unix seconds, or a time back such as -2h')
    .option('--dry-run', 'only count')
    .option('--resync', 'push every audience again, also when the ledger knew everything that Temporal knows')
    .option('--accept-loss', 'end it although events were found that cannot be read any more')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(reconcile);
}

async function reconcile({ since, dryRun = false, resync = false, acceptLoss = false, json }: Options): Promise<void> {
  const { environment } = await loadOwnRegistry();
  const from = since === undefined ? null : readTime('--since', since);
  await withTemporal(environment, async (gateway) => {
    const doing = { action: 'ledger.reconcile', subject: 'the ledger and Temporal', detail: { since: from === null ? 'the restore that was noticed' : new Date(from).toISOString(), dry_run: dryRun, resync, accept_loss: acceptLoss } } as const;
    const started = await audited(gateway, doing, () => gateway.startReconcile({ since: from, dryRun, resync, acceptLoss }), ({ workflowId }) => ({ workflow_id: workflowId }));
    const { said, counts, done } = await followJob(started, json);
    if (!done) process.exitCode = EXIT.failed;
    const { lostIds, lostErasures, ...numbers } = counts;
    answer(json, { workflow_id: started.workflowId, done, ...numbers, lost_ids: lostIds, lost_erasures: lostErasures, said }, () => `${said.slice(0, 1).toUpperCase()}${said.slice(1)}.`);
  });
}
