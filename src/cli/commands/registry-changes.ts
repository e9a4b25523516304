/** `headgate target retire | adopt` and `headgate audience retire | adopt | rewindow`: what headgate.yaml alone cannot say. */
import type { Command } from 'commander';
import type { Audience } from '../../domain/registry.ts';
import type { RegistryJob } from '../../workflows/contract.ts';
import { answerSaid } from '../answer.ts';
import { audited, type Doing } from '../audited.ts';
import { followJob } from '../follow-job.ts';
import { findTarget, loadOwnRegistry, pick, type OwnRegistry } from '../own-registry.ts';
import { withTemporal } from '../own-temporal.ts';

interface TargetOptions {
  destination: string;
  audience: string;
  keep?: boolean;
  json?: boolean;
}

/** @param groups the commands `target` and `audience` */
export function addRegistryChangeCommands({ target, audience }: { target: Command; audience: Command }): void {
  const ofTarget = (command: Command): Command => command.requiredOption('--destination <name>', 'where').requiredOption('--audience <key>', 'the audience').option('--json', 'print JSON');
  ofTarget(target.command('retire'))
    .description('Before a target is taken out of headgate.yaml: add nobody any more and let everybody go, until nobody is in it. Goes on without this terminal.')
    .option('--keep', 'leave the people in it, and forget them')
    .action(retireTarget);
  ofTarget(target.command('adopt')).description('Take a target up again that was retired or kept: the present members are pushed there.').action(adoptTarget);
  audience
    .command('retire')
    .description('Before an audience is taken out of headgate.yaml: let everybody go, from all its targets. Goes on without this terminal.')
    .argument('<key>')
    .option('--keep', 'leave the people with the platforms, and forget them')
    .option('--json', 'print JSON')
    .action(retireAudience);
  audience.command('adopt').description('Take an audience up again that was retired or kept, at all its targets.').argument('<key>').option('--json', 'print JSON').action(adoptAudience);
  audience
    .command('rewindow')
    .description('Give present members the window that headgate.yaml has now, counted from their add; who is over it leaves at once.')
    .argument('<key>')
    .option('--dry-run', 'only count')
    .option('--json', 'print JSON')
    .action(rewindow);
}

async function retireTarget({ destination, audience: key, keep = false, json }: TargetOptions): Promise<void> {
  const own = await loadOwnRegistry();
  ownTarget(own, destination, key);
  await follow(own, { kind: 'retire', input: { audienceKey: key, destinations: [destination], wholeAudience: false, keep } }, json);
}

async function adoptTarget({ destination, audience: key, json }: TargetOptions): Promise<void> {
  const own = await loadOwnRegistry();
  ownTarget(own, destination, key);
  await follow(own, { kind: 'adopt', input: { audienceKey: key, destinations: [destination] } }, json);
}

async function retireAudience(key: string, { keep = false, json }: { keep?: boolean; json?: boolean }): Promise<void> {
  const own = await loadOwnRegistry();
  await follow(own, { kind: 'retire', input: { audienceKey: key, destinations: destinationsOf(ownAudience(own, key)), wholeAudience: true, keep } }, json);
}

async function adoptAudience(key: string, { json }: { json?: boolean }): Promise<void> {
  const own = await loadOwnRegistry();
  await follow(own, { kind: 'adopt', input: { audienceKey: key, destinations: destinationsOf(ownAudience(own, key)) } }, json);
}

async function rewindow(key: string, { dryRun = false, json }: { dryRun?: boolean; json?: boolean }): Promise<void> {
  const own = await loadOwnRegistry();
  await follow(own, { kind: 'rewindow', input: { audienceKey: key, windowMs: ownAudience(own, key).windowMs, dryRun } }, json);
}

const destinationsOf = ({ targets }: Audience): string[] => targets.map(({ destination }) => destination);

const ownAudience = ({ registry }: OwnRegistry, key: string): Audience => pick('audience', key, registry.policies.audiences);

/** While it is given up, a target still stands in headgate.yaml: its destination is needed for that. */
function ownTarget(own: OwnRegistry, destination: string, key: string): void {
  if (!findTarget(own, destination, key)) throw new Error(`${key} has no target at ${destination} in ${own.path}: put it back for as long as this takes.`);
}

/** For the audit log. */
function doingOf(job: RegistryJob): Doing {
  const { audienceKey } = job.input;
  if (job.kind === 'rewindow') return { action: 'audience.rewindow', subject: audienceKey, detail: { window_ms: job.input.windowMs, dry_run: job.input.dryRun } };
  const [destination] = job.input.destinations;
  const whole = job.kind === 'retire' ? job.input.wholeAudience : destination === undefined || job.input.destinations.length > 1;
  return { action: `${whole ? 'audience' : 'target'}.${job.kind}`, subject: whole || destination === undefined ? audienceKey : `${destination}/${audienceKey}`, detail: job.kind === 'retire' ? { keep: job.input.keep } : {} };
}

async function follow({ environment }: OwnRegistry, job: RegistryJob, json: boolean | undefined): Promise<void> {
  await withTemporal(environment, async (gateway) => {
    const started = await audited(gateway, doingOf(job), () => gateway.startJob(job), ({ workflowId }) => ({ workflow_id: workflowId }));
    const { said } = await followJob(started, json);
    answerSaid(json, said, { workflow_id: started.workflowId });
  });
}
