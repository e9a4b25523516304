import { setCurrentDetails } from '@temporalio/workflow';
import { describeWindow } from '../domain/registry.ts';
import type { JobResult, RewindowInput } from './contract.ts';
import { steps, walkMembers, walks } from './walk-members.ts';

/** Gives the present members of an audience the window that the registry has now; who is over it leaves at once. */
export async function rewindow(input: RewindowInput): Promise<JobResult> {
  const { members, endNow, sooner, later } = await steps.countWindowChange(input);
  const would = input.dryRun ? 'would ' : '';
  const effect = `with ${describeWindow(input.windowMs)}, of ${String(members)} present members of ${input.audienceKey} ${String(endNow)} ${would}leave now, ${String(sooner)} sooner than before, ${String(later)} later or never`;
  if (input.dryRun) return { said: `${effect}; nothing was changed` };
  const changed = await walkMembers(
    (after) => walks.rewindowNext(input, after),
    (soFar) => { setCurrentDetails(`Windows of ${input.audienceKey} are counted anew (${effect}): ${String(soFar)} so far.`); },
  );
  return { said: `${effect}; ${String(changed)} were changed` };
}
