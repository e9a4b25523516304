/** Long walks through the members of an audience: an activity takes some seconds of it at a time. */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { QUEUES, type Walked } from './contract.ts';

/** Jobs that a changed registry asks for wait for the ledger, and for a worker with the right registry, for as long as it takes. */
const PATIENCE = { taskQueue: QUEUES.patient, retry: { initialInterval: '1s', maximumInterval: '30s' } } as const;

export const steps = proxyActivities<Activities>({ ...PATIENCE, startToCloseTimeout: '40s' });
/** Steps that take long, and say that their worker lives. */
export const walks = proxyActivities<Activities>({ ...PATIENCE, startToCloseTimeout: '2m', heartbeatTimeout: '10s' });

/**
 * Walks to the end. Returns how many members were changed.
 * @param tell hears how many were changed so far
 */
export async function walkMembers(step: (after: string) => Promise<Walked>, tell: (changed: number) => void): Promise<number> {
  let changed = 0;
  for (let after: string | null = ''; after !== null; ) {
    tell(changed);
    const walked: Walked = await step(after);
    changed += walked.changed;
    after = walked.after;
  }
  return changed;
}

/** A pause that grows while nothing happens: 1 s, 2 s … 5 min. Milliseconds. @param rounds from 0 */
export const growingPause = (rounds: number): number => Math.min(300_000, 1_000 * 2 ** Math.min(rounds, 9));
