/** Goes through the many members of an audience, a slice at a time, for as long as one activity may take. */
import { cancellationSignal } from '@temporalio/activity';
import type { Slice } from '../ledger/index.ts';
import type { Walked } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { whileBeating } from './while-beating.ts';

/** A worker that is lost loses no more than this; milliseconds. */
const LONGEST_MS = 15_000;

/**
 * Walks on from `after` ('' to begin). Everything that was done stays done, so a walk may be broken off and repeated anywhere.
 * @param act returns how many of those who were found it changed
 */
export function walk<Found>({ stopping }: ActivityDependencies, after: string, next: (after: string) => Promise<Slice<Found>>, act: (found: Found[]) => Promise<number>): Promise<Walked> {
  const end = performance.now() + LONGEST_MS;
  return whileBeating(async () => {
    const walked: Walked = { after, changed: 0 };
    while (walked.after !== null && performance.now() < end && !stopping.aborted && !cancellationSignal().aborted) {
      const { found, last } = await next(walked.after);
      if (found.length > 0) walked.changed += await act(found);
      walked.after = last;
    }
    return walked;
  });
}
