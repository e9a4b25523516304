/** `headgate pause`, `resume` and `resync`: what an operator does about the syncs of an audience. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ResyncTarget } from '../../workflows/contract.ts';
import { checkTarget, loadOwnRegistry, pick } from '../own-registry.ts';
import { withTemporal } from '../own-temporal.ts';
import { table } from '../table.ts';

interface SyncOptions {
  destination: string;
  audience: string;
}

interface ResyncOptions {
  target?: string[];
  withFormer?: boolean;
  verify?: boolean;
  detach?: boolean;
  json?: boolean;
}

const LOOK_EVERY_MS = 1_000;

export function addSyncCommands(program: Command): void {
  for (const [name, description] of [
    ['pause', 'Stop pushing to a target; what is pending is kept, also over restarts.'],
    ['resume', 'Push to a paused target again, at once.'],
  ] as const) {
    program
      .command(name)
      .description(description)
      .requiredOption('--destination <name>', 'where')
      .requiredOption('--audience <key>', 'the audience')
      .action((options: SyncOptions) => changeSync(name, options));
  }
  program
    .command('push-now')
    .description('Have a target tried at once, whatever it waits for.')
    .requiredOption('--destination <name>', 'where')
    .requiredOption('--audience <key>', 'the audience')
    .action(pushNow);
  program
    .command('resync')
    .description('Push every member of an audience again. Runs in Temporal: it goes on when this command is interrupted.')
    .argument('<audience>', 'the audience of headgate.yaml')
    .option('--target <destination...>', 'only to these destinations (default: all of the audience)')
    .option('--with-former', 'also push the removal of those who have left again')
    .option('--verify', 'in the end ask the platforms for the size of the audience, and compare')
    .option('--detach', 'do not wait for it')
    .option('--json', 'print the result as JSON')
    .action(resync);
}

async function changeSync(what: 'pause' | 'resume', { destination, audience }: SyncOptions): Promise<void> {
  const own = await loadOwnRegistry();
  checkTarget(own, destination, audience);
  const answer = await withTemporal(own.environment, (gateway) => gateway.updateSync({ destination, audienceKey: audience }, what));
  process.stdout.write(`${answer}.\n`);
}

async function pushNow({ destination, audience }: SyncOptions): Promise<void> {
  const own = await loadOwnRegistry();
  checkTarget(own, destination, audience);
  await withTemporal(own.environment, (gateway) => gateway.wakeSync({ destination, audienceKey: audience }, 'pushNow'));
  process.stdout.write(`${destination}/${audience} is tried at once: headgate audience ${audience} shows what comes of it.\n`);
}

async function resync(audience: string, { target, withFormer = false, verify = false, detach = false, json = false }: ResyncOptions): Promise<void> {
  const own = await loadOwnRegistry();
  const { targets } = pick('audience', audience, own.registry.policies.audiences);
  const destinations = target ?? targets.map(({ destination }) => destination);
  if (destinations.length === 0) throw new Error(`${audience} has no targets in headgate.yaml.`);
  for (const destination of destinations) checkTarget(own, destination, audience);
  await withTemporal(own.environment, async (gateway) => {
    const workflowId = await gateway.startResync(audience, destinations, { withFormer, verify });
    if (!json) process.stdout.write(`Workflow ${workflowId}\n`);
    if (detach) {
      if (json) process.stdout.write(`${JSON.stringify({ workflow_id: workflowId })}\n`);
      return;
    }
    for (;;) {
      const { targets: progress, status } = await gateway.readResync(workflowId);
      if (!json && process.stdout.isTTY) process.stdout.write(`\r\u001b[K${progress.map(inOneLine).join('  ')}`);
      if (status !== 'RUNNING') {
        if (status !== 'COMPLETED') throw new Error(`The resync is ${status.toLowerCase()}: look at workflow ${workflowId}.`);
        if (progress.some(({ size }) => size?.verdict === 'strange')) process.exitCode = 1;
        process.stdout.write(json ? `${JSON.stringify({ workflow_id: workflowId, targets: progress.map(jsonOf) })}\n` : `${process.stdout.isTTY ? '\r\u001b[K' : ''}${resultOf(progress)}\n`);
        return;
      }
      await wait(LOOK_EVERY_MS);
    }
  });
}

const inOneLine = ({ destination, members, marked, pending }: ResyncTarget): string =>
  `${destination}: ${pending === null ? `${String(marked)} of ${String(members ?? '…')} made pending` : `${String(marked - pending)} of ${String(marked)} pushed`}`;

const jsonOf = ({ destination, marked, pending, size }: ResyncTarget): object => ({ destination, members: marked, pushed: marked - (pending ?? 0), ...(size ? { size } : {}) });

function resultOf(targets: readonly ResyncTarget[]): string {
  const verified = targets.some(({ size }) => size);
  return table(['target', 'members', 'pushed again', ...(verified ? ['the platform'] : [])], targets.map(({ destination, members, marked, size }) => [destination, members, marked, ...(verified ? [size?.message] : [])]));
}
