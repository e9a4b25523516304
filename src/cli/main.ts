/** The `headgate` command: what operators and newcomers type. Start reading at commands/. */
import { Command } from 'commander';
import { addAlertCommands } from './commands/alerts.ts';
import { addCheckCommand } from './commands/check.ts';
import { addEraseCommand } from './commands/erase.ts';
import { addExportCommand } from './commands/export.ts';
import { addExportStandingCommands } from './commands/export-standing.ts';
import { addIdentifiersCommand } from './commands/identifiers.ts';
import { addImportCommand } from './commands/import.ts';
import { addQuarantineCommands } from './commands/quarantine.ts';
import { addReadCommands } from './commands/read.ts';
import { addRegistryChangeCommands } from './commands/registry-changes.ts';
import { addSendCommand } from './commands/send.ts';
import { addSyncCommands } from './commands/sync.ts';
import { addTargetCommands } from './commands/target.ts';

/** Exit status: 0 when it worked, 1 when it did not, 2 when the command line was wrong. */
export async function main(args: readonly string[]): Promise<void> {
  const program = new Command('headgate')
    .description('Acts on what Customer.io decides: ad audiences, the warehouse and other tools, durably, on Temporal.')
    .showHelpAfterError('(headgate --help lists the commands)')
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : 2);
    });
  program
    .command('start')
    .description('Run the whole service on this machine, on embedded defaults.')
    .action(async () => {
      const { runDev } = await import('../dev.ts');
      await runDev();
    });
  addSendCommand(program);
  const { audience, person } = addReadCommands(program);
  addEraseCommand(person);
  addQuarantineCommands(program);
  addAlertCommands(program);
  addCheckCommand(program);
  const target = addTargetCommands(program);
  addSyncCommands(program);
  addRegistryChangeCommands({ target, audience });
  addIdentifiersCommand(program);
  addExportStandingCommands(addExportCommand(program));
  addImportCommand(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
