import { continueAsNew, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import { targetKey, type TargetRef } from '../domain/registry.ts';
import { growingPause, steps, walkMembers, walks } from './walk-members.ts';

/**
 * Fills a new target: every present member of its audience becomes a delivery. Members whom a process with an older registry
 * decides meanwhile are missed, so it walks once more when all processes have the same one.
 */
export async function fillTarget(target: TargetRef): Promise<{ prepared: number }> {
  const prepared = await fill(target);
  if (prepared === 'later') return continueAsNew<typeof fillTarget>(target);
  return { prepared };
}

/** Returns how many members became deliveries; `later` when the history has got long by waiting. */
export async function fill(target: TargetRef): Promise<number | 'later'> {
  let prepared = 0;
  for (;;) {
    const { needed, alone } = await steps.beginFill(target);
    if (!needed) return prepared;
    prepared += await walkMembers(
      (after) => walks.fillNext(target, after),
      (changed) => { setCurrentDetails(`Present members of ${target.audienceKey} become deliveries at ${target.destination}: ${String(prepared + changed)} so far.`); },
    );
    if (alone && (await steps.finishFill(target))) return prepared;
    for (let rounds = 0; !(await steps.isOneRegistry()); rounds++) {
      setCurrentDetails(`Present members of ${targetKey(target)} are deliveries: ${String(prepared)}. Processes with another headgate.yaml are running; when they are gone, members whom they decided are looked for.`);
      if (workflowInfo().continueAsNewSuggested) return 'later';
      await sleep(growingPause(rounds));
    }
  }
}
