import { heartbeat } from '@temporalio/activity';

/** Well below the heartbeats' timeouts (workflows/audience-sync.ts, ledger-steps.ts, lifeboat.ts), in milliseconds. */
const EVERY_MS = 2_000;

/** Tells Temporal that this worker lives for as long as the work lasts, however long a single call takes. */
export async function whileBeating<T>(work: () => Promise<T>): Promise<T> {
  const beating = setInterval(() => {
    heartbeat();
  }, EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(beating);
  }
}
