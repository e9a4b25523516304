/** `headgate encryption …` and `headgate codec-server`: keys, and a way to look at what they encrypt. */
import type { Command } from 'commander';
import { writeNewKey } from '../../encryption/index.ts';
import { answer } from '../answer.ts';

export function addEncryptionCommands(program: Command): Command {
  const encryption = program.command('encryption').description('Keys that encrypt what Temporal keeps (docs/encryption.md).');
  encryption
    .command('new-key')
    .description('Print a new key, as it goes into HEADGATE_ENCRYPTION_KEYS. It is kept nowhere.')
    .option('--id <id>', 'its id, which stands readable beside each payload (default: the month)')
    .option('--json', 'print JSON')
    .action(newKey);
  program
    .command('codec-server')
    .description('Run the server by which the Temporal UI and CLI show encrypted payloads. It needs the keys, and nothing else.')
    .option('--json', 'print JSON: a line when it is ready, and the log')
    .action(async ({ json = false }: { json?: boolean }) => {
      const { runCodecServer } = await import('../../codec-server/index.ts');
      await runCodecServer({ json });
    });
  return encryption;
}

function newKey({ id = new Date().toISOString().slice(0, 7), json }: { id?: string; json?: boolean }): void {
  const key = writeNewKey(id);
  answer(json, { id, key }, () => key);
}
