/** `headgate pause`, `resume` and `resync`: what an operator does about the syncs of an audience. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ResyncTarget } from '../../workflows/contract.ts';
import { answer, answerSaid } from '../answer.ts';
import { audited } from '../audited.ts';
import { EXIT } from '../exit-codes.ts';
import { checkTarget, loadOwnRegistry, pick } from '../own-registry.ts';
import { withTemporal } from '../own-temporal.ts';
import { drawBar, ProgressLine } from '../progress-line.ts';
import { table } from '../table.ts';

interface SyncOptions {
  destination: string;
  audience: string;
  json?: boolean;
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
      .option('--json', 'print JSON')
      .action((options: SyncOptions) => changeSync(name, options));
  }
  program
    .command('push-now')
    .description('Have a target tried at once, whatever it waits for.')
    .requiredOption('--destination <name>', 'where')
    .requiredOption('--audience <key>', 'the audience')
    .option('--json', 'print JSON')
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

async function changeSync(what: 'pause' | 'resume', { destination, audience, json }: SyncOptions): Promise<void> {
  const own = await loadOwnRegistry();
  checkTarget(own, destination, audience);
  const said = await withTemporal(own.environment, (gateway) =>
    audited(gateway, { action: `target.${what}`, subject: `${destination}/${audience}` }, () => gateway.updateSync({ destination, audienceKey: audience }, what), (answered) => ({ said: answered })));
  answerSaid(json, said, { destination, audience_key: audience });
}

async function pushNow({ destination, audience, json }: SyncOptions): Promise<void> {
  const own = await loadOwnRegistry();
  checkTarget(own, destination, audience);
  await withTemporal(own.environment, (gateway) => audited(gateway, { action: 'target.push_now', subject: `${destination}/${audience}` }, () => gateway.wakeSync({ destination, audienceKey: audience }, 'pushNow')));
  answerSaid(json, `${destination}/${audience} is tried at once: headgate audience ${audience} shows what comes of it`, { destination, audience_key: audience });
}

async function resync(audience: string, { target, withFormer = false, verify = false, detach = false, json = false }: ResyncOptions): Promise<void> {
  const own = await loadOwnRegistry();
  const { targets } = pick('audience', audience, own.registry.policies.audiences);
  const destinations = target ?? targets.map(({ destination }) => destination);
  if (destinations.length === 0) throw new Error(`${audience} has no targets in headgate.yaml.`);
  for (const destination of destinations) checkTarget(own, destination, audience);
  await withTemporal(own.environment, async (gateway) => {
    const doing = { action: 'audience.resync', subject: audience, detail: { destinations, with_former: withFormer } } as const;
    const workflowId = await audited(gateway, doing, () => gateway.startResync(audience, destinations, { withFormer, verify }), (started) => ({ workflow_id: started }));
    if (detach) {
      answer(json, { workflow_id: workflowId }, () => `Workflow ${workflowId}`);
      return;
    }
    if (!json) process.stdout.write(`Workflow ${workflowId}\n`);
    const line = new ProgressLine({ json });
    for (;;) {
      const { targets: progress, status } = await gateway.readResync(workflowId);
      line.tell(inOneLine(progress));
      if (status !== 'RUNNING') {
        line.clear();
        if (status !== 'COMPLETED') throw new Error(`The resync is ${status.toLowerCase()}: look at workflow ${workflowId}.`);
        if (progress.some(({ size }) => size?.verdict === 'strange')) process.exitCode = EXIT.failed;
        answer(json, { workflow_id: workflowId, targets: progress.map(jsonOf) }, () => resultOf(progress));
        return;
      }
      await wait(LOOK_EVERY_MS);
    }
  });
}

/** First all are made pending, then they are pushed: half of the way each. */
function inOneLine(targets: readonly ResyncTarget[]): string {
  const shares = targets.map(({ members, marked, pending }) => (pending === null ? marked / (members ?? Infinity) / 2 : marked === 0 ? 1 : 0.5 + (marked - pending) / marked / 2));
  const texts = targets.map(({ destination, members, marked, pending }) => `${destination}: ${pending === null ? `${String(marked)} of ${String(members ?? '…')} made pending` : `${String(marked - pending)} of ${String(marked)} pushed`}`);
  return `${drawBar(shares.reduce((sum, share) => sum + (Number.isFinite(share) ? share : 0), 0) / targets.length)} ${texts.join(', ')}`;
}

const jsonOf = ({ destination, marked, pending, size }: ResyncTarget): object => ({ destination, members: marked, pushed: marked - (pending ?? 0), ...(size ? { size } : {}) });

function resultOf(targets: readonly ResyncTarget[]): string {
  const verified = targets.some(({ size }) => size);
  return table(['target', 'members', 'pushed again', ...(verified ? ['the platform'] : [])], targets.map(({ destination, members, marked, size }) => [destination, members, marked, ...(verified ? [size?.message] : [])]));
}
