/** Shows how far a job in Temporal is until it has ended. */
import type { FollowedJob } from '../temporal/index.ts';
import { ProgressLine } from './progress-line.ts';

/** How often the terminal asks how far a job is, in milliseconds. */
const ASK_EVERY_MS = 1_000;

/** @param json programs read standard output, and nobody the progress */
export async function followJob<Result>({ workflowId, result, progress }: FollowedJob<Result>, json: boolean | undefined): Promise<Result> {
  const line = new ProgressLine({ json });
  line.say(`Workflow ${workflowId}; Ctrl-C leaves it running.`);
  const ending = result();
  ending.catch(() => undefined);
  for (;;) {
    const ended = await Promise.race([ending.then((value) => ({ value })), new Promise<undefined>((resolve) => setTimeout(() => { resolve(undefined); }, ASK_EVERY_MS))]);
    if (ended) {
      line.clear();
      return ended.value;
    }
    line.tell(await progress().catch(() => 'No worker answers; it waits for one'));
  }
}
