import { continueAsNew, getExternalWorkflowHandle, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import { isOver, type TargetLife } from '../domain/holding.ts';
import type { TargetRef } from '../domain/registry.ts';
import { SYNC_SIGNALS, syncWorkflowId, type JobResult, type LeavingReport, type RetireInput } from './contract.ts';
import { growingPause, steps, walkMembers, walks } from './walk-members.ts';

/**
 * Gives up targets: nobody is added there any more, and everybody is let go by removals as any others, or with `keep` left
 * there and forgotten. Ends when nobody is in them. May begin anew anywhere: what is done stays done.
 */
export async function retire(input: RetireInput): Promise<JobResult> {
  const { audienceKey, destinations, wholeAudience, keep } = input;
  await steps.giveUp({ audienceKey, destinations, wholeAudience }, keep);
  const show = progressOf(input);
  const targets = destinations.map((destination): TargetRef => ({ destination, audienceKey }));
  if (keep) for (const target of targets) await walkMembers((after) => walks.forgetNext(target, after), (forgotten) => { show(target.destination, `${String(forgotten)} deliveries forgotten`); });
  if (wholeAudience) await walkMembers((after) => walks.endMembersNext(audienceKey, after), (ended) => { show('members', `${String(ended)} taken out`); });
  const lives = await Promise.all(targets.map((target) => whenEmpty(target, (line) => { show(target.destination, line); })));
  if (lives.includes(undefined)) return continueAsNew<typeof retire>(input);
  if (wholeAudience) await steps.finishRetiringAudience(audienceKey);
  for (const target of targets) await endSync(target);
  return { said: describeEnd(input, lives) };
}

/** Resolves when nobody is in the target, or it is not being retired any more; with undefined when the history has got long by waiting. */
async function whenEmpty(target: TargetRef, show: (line: string) => void): Promise<TargetLife | undefined> {
  let before: number | undefined;
  for (let rounds = 0; ; rounds++) {
    if (await steps.finishRetiring(target)) return 'retired';
    const leaving = await steps.readLeaving(target);
    if (leaving.life !== 'retiring') return leaving.life;
    const left = leaving.waiting + leaving.refused;
    // At first, and for decisions that came while the last removals were under way.
    if (before === undefined || left === 0) await walkMembers((after) => walks.withdrawNext(target, after), (made) => { show(`${String(made)} removals made`); });
    show(describeLeaving(leaving));
    if (workflowInfo().continueAsNewSuggested) return undefined;
    if (left !== before) rounds = 0;
    before = left;
    await sleep(growingPause(rounds));
  }
}

/** A sync that looks once more finds that its target is given up, and ends. There may be none. */
async function endSync({ destination, audienceKey }: TargetRef): Promise<void> {
  await getExternalWorkflowHandle(syncWorkflowId(destination, audienceKey)).signal(SYNC_SIGNALS.pushNow).catch(() => undefined);
}

/** Shows a line for each target. */
function progressOf({ audienceKey, keep }: RetireInput): (part: string, line: string) => void {
  const lines = new Map<string, string>();
  return (part, line) => {
    lines.set(part, line);
    setCurrentDetails(`${audienceKey} is ${keep ? 'given up' : 'being retired'}: ${[...lines].map((entry) => entry.join(': ')).join(' · ')}`);
  };
}

function describeLeaving({ waiting, blocked, refused, reason, obstacle }: LeavingReport): string {
  const parts = [`${String(waiting)} removals to go`];
  if (blocked > 0) parts.push(`${String(blocked)} of them refused for now`);
  if (refused > 0) parts.push(`${String(refused)} refused for good: \`headgate retry\` tries them again, \`--keep\` leaves them in`);
  if (reason !== null) parts.push(`because: ${reason}`);
  if (obstacle !== null) parts.push(`nothing moves while ${obstacle}`);
  return parts.join(', ');
}

function describeEnd({ audienceKey, destinations, wholeAudience }: RetireInput, lives: readonly (TargetLife | undefined)[]): string {
  const targets = destinations.map((destination, index) => `${destination} ${{ retired: 'is retired, nobody is in it', kept: 'is given up, its people stay in it' }[lives[index] as string] ?? 'was taken up again meanwhile'}`);
  const over = lives.every((life) => life !== undefined && isOver(life));
  return `${audienceKey}: ${[...targets, ...(wholeAudience ? ['its members are out'] : [])].join('; ')}.${over ? ` Take ${wholeAudience ? 'the audience' : 'what is given up'} out of headgate.yaml now` : ''}`;
}
