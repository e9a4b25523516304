/** `headgate encryption …` and `headgate codec-server`: keys, and a way to look at what they encrypt. */
import type { Command } from 'commander';
import { readEnvironment } from '../../config/environment.ts';
import { openKeyring, writeNewKey } from '../../encryption/index.ts';
import type { RunsBefore } from '../../temporal/index.ts';
import { answer } from '../answer.ts';
import { withTemporal } from '../own-temporal.ts';
import { readTime } from '../time.ts';

interface SinceOptions {
  since: string;
  json?: boolean;
}

export function addEncryptionCommands(program: Command): Command {
  const encryption = program.command('encryption').description('Keys that encrypt what Temporal keeps (docs/encryption.md).');
  encryption
    .command('new-key')
    .description('Print a new key, as it goes into HEADGATE_ENCRYPTION_KEYS. It is kept nowhere.')
    .option('--id <id>', 'its id, which stands readable beside each payload (default: the month)')
    .option('--json', 'print JSON')
    .action(newKey);
  for (const [name, description, act] of [
    ['status', 'Tell which workflows may still need a key that does not write any more.', status],
    ['renew', 'Begin syncs, queues and exports anew, which go on for ever and so would need an old key for ever. Nothing is lost: their state is in the ledger.', renew],
  ] as const) {
    encryption
      .command(name)
      .description(description)
      .requiredOption('--since <time>', 'when the last process got the new key as its first: ISO 8601, Unix seconds, or a time back such as -2d')
      .option('--json', 'print JSON')
      .action(act);
  }
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

async function status({ since, json }: SinceOptions): Promise<void> {
  const environment = readEnvironment();
  const { writing, ids } = openKeyring(environment.variables);
  const before = new Date(readTime('--since', since));
  const runs = await withTemporal(environment, async (_gateway, client) => (await import('../../temporal/index.ts')).readRunsBefore(client, before));
  const needed = runs.others + runs.forEver.length > 0;
  answer(json, { writes_with: writing?.id ?? null, reads_with: ids, since: before.toISOString(), open: runs.others, for_ever: runs.forEver, closed: runs.closed, needed }, () => describe(runs, writing?.id, ids, before));
}

function describe({ forEver, others, closed }: RunsBefore, writes: string | undefined, ids: readonly string[], before: Date): string {
  const lines = [
    ids.length === 0 ? 'This command has no keys; Headgate may have some.' : `Keys: ${writes ?? 'none'} writes; ${ids.join(', ')} read.`,
    `Of the workflows that began before ${before.toISOString()}:`,
    `  ${String(others)} are open and end by themselves: windows, and what waits for a tool or a platform`,
    `  ${String(forEver.length)} go on for ever${forEver.length === 0 ? '' : `: ${forEver.join(', ')}`}`,
    `  ${String(closed)} are over, and only shown`,
  ];
  if (forEver.length > 0) lines.push(`Next: npx headgate encryption renew --since ${before.toISOString()}`);
  else if (others > 0) lines.push('Older keys are needed until those that are open have ended. Keep them.');
  else lines.push(closed > 0 ? 'Nothing that runs needs an older key. Without it the Temporal UI cannot show what is over.' : 'Nothing needs an older key: it may go.');
  return lines.join('\n');
}

async function renew({ since, json }: SinceOptions): Promise<void> {
  const environment = readEnvironment();
  const before = new Date(readTime('--since', since));
  const renewed = await withTemporal(environment, async (gateway, client) => {
    const { beginAnew, makeMonitorScheduleAnew, readRunsBefore } = await import('../../temporal/index.ts');
    const { forEver } = await readRunsBefore(client, before);
    for (const workflowId of forEver) await beginAnew(client, gateway, workflowId);
    await makeMonitorScheduleAnew(client, gateway);
    return forEver;
  });
  answer(json, { renewed }, () => `${String(renewed.length)} workflows and the monitor's schedule have begun anew${renewed.length === 0 ? '' : `: ${renewed.join(', ')}`}.`);
}
