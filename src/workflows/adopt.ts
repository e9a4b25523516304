import type { AdoptInput, JobResult } from './contract.ts';
import { fill } from './fill-target.ts';
import { steps } from './walk-members.ts';

/** Takes targets up again that were retired or kept: their audience's present members are pushed there. */
export async function adopt({ audienceKey, destinations }: AdoptInput): Promise<JobResult> {
  await steps.takeUp({ audienceKey, destinations });
  let prepared = 0;
  for (const destination of destinations) {
    const filled = await fill({ destination, audienceKey });
    // What is left to do, the sweep has a workflow of its own started for.
    prepared += filled === 'later' ? 0 : filled;
  }
  return { said: `${audienceKey} is taken up again${destinations.length === 0 ? '' : ` and pushed to ${destinations.join(', ')}, ${String(prepared)} members for a start`}` };
}
