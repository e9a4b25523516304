/** The `headgate` command: what operators and newcomers type. Start reading at commands/. */
import { Command } from 'commander';
import { addCheckCommand } from './commands/check.ts';
import { addIdentifiersCommand } from './commands/identifiers.ts';
import { addReadCommands } from './commands/read.ts';
import { addSendCommand } from './commands/send.ts';
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
  addReadCommands(program);
  addCheckCommand(program);
  addTargetCommands(program);
  addIdentifiersCommand(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
