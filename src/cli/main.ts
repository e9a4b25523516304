/** The `headgate` command: what operators and newcomers type. Start reading at commands/; what all have in common is in guide.ts. */
import { Command, CommanderError } from 'commander';
import { addActionCommands } from './commands/action.ts';
import { addAlertCommands } from './commands/alerts.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addCheckCommand } from './commands/check.ts';
import { addCompletionCommands } from './commands/completion.ts';
import { addEncryptionCommands } from './commands/encryption.ts';
import { addEraseCommand } from './commands/erase.ts';
import { addExportCommand } from './commands/export.ts';
import { addExportStandingCommands } from './commands/export-standing.ts';
import { addGuardCommands } from './commands/guard.ts';
import { addIdentifiersCommand } from './commands/identifiers.ts';
import { addImportCommand } from './commands/import.ts';
import { addQuarantineCommands } from './commands/quarantine.ts';
import { addReadCommands } from './commands/read.ts';
import { addReconcileCommand } from './commands/reconcile.ts';
import { addRegistryChangeCommands } from './commands/registry-changes.ts';
import { addSendCommand } from './commands/send.ts';
import { addSyncCommands } from './commands/sync.ts';
import { addTemplateCommand } from './commands/template.ts';
import { addTargetCommands } from './commands/target.ts';
import { addWorkflowCommands } from './commands/workflow.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { teach } from './guide.ts';
import { harmless, harmlessJson } from './harmless.ts';

/** The whole tree of commands. */
export function createProgram(): Command {
  const program = new Command('headgate')
    .description('Acts on what Customer.io decides: ad audiences, the warehouse and other tools, durably, on Temporal.')
    .showHelpAfterError('(headgate --help lists the commands; each of them has --help too)')
    .exitOverride();
  program
    .command('start')
    .description('Run the whole service on this machine, on embedded defaults.')
    .option('--json', 'print JSON: a line when it is ready, and the log')
    .action(async ({ json }: { json?: boolean }) => {
      const { runDev } = await import('../dev.ts');
      await runDev({ json });
    });
  addSendCommand(program);
  const { audience, person } = addReadCommands(program);
  addEraseCommand(person);
  addQuarantineCommands(program);
  addAlertCommands(program);
  addAuditCommand(program);
  addCheckCommand(program);
  const target = addTargetCommands(program);
  addSyncCommands(program);
  addReconcileCommand(program);
  addGuardCommands(program);
  addRegistryChangeCommands({ target, audience });
  addIdentifiersCommand(program);
  addExportStandingCommands(addExportCommand(program));
  addImportCommand(program);
  addActionCommands(program);
  addTemplateCommand(program);
  addEncryptionCommands(program);
  addWorkflowCommands(program);
  addCompletionCommands(program);
  return teach(program);
}

/** Leaves the exit status (exit-codes.ts) in `process.exitCode`, where nothing worse is there already. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = statusOf(error);
    if (!(error instanceof CommanderError)) tell(error, args.includes('--json'));
  }
}

/** Of the command line, commander has told already; it ends help and the version by an error too. */
function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 && error.code !== 'commander.help' ? EXIT.ok : EXIT.usage;
  return error instanceof CommandError ? error.status : EXIT.failed;
}

/** For programs JSON too, and on standard error, so that standard output has results only. */
function tell(error: unknown, json: boolean): void {
  const problem = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${json ? harmlessJson({ problem }) : harmless(problem)}\n`);
}
