/**
 * How property tests run. `HEADGATE_RUNS=500` tries more cases than `npm test` does; a failure prints the command that replays it, which
 * names the seed and the way to the smallest case in `HEADGATE_SEED`.
 */
import fc from 'fast-check';
import { expect } from 'vitest';

const asked = process.env['HEADGATE_RUNS'];
/** What was found, by test: other cases are no answer to it when the test is tried again. */
const found = new Map<string, Error>();

/** The timeout of a test whose property is slow, in milliseconds. */
export const PATIENCE_MS = asked === undefined ? 120_000 : 24 * 3_600_000;

/**
 * Tries the property `runs` times, or as often as `HEADGATE_RUNS` says. Throws with the smallest case that it found until shortly before
 * `PATIENCE_MS` and the command that replays it.
 */
export async function holds<Values>(property: fc.IAsyncProperty<Values> | fc.IProperty<Values>, runs = 100): Promise<void> {
  const { testPath = '', currentTestName = '' } = expect.getState();
  const earlier = found.get(currentTestName);
  if (earlier) throw earlier;
  const details = await fc.check(property as fc.IAsyncProperty<Values>, { numRuns: Number(asked ?? runs), interruptAfterTimeLimit: PATIENCE_MS * 0.8, ...replayed() });
  if (!details.failed) {
    if (details.interrupted) process.stdout.write(`${currentTestName}: only ${String(details.numRuns)} of ${String(runs)} cases were tried, for lack of time\n`);
    return;
  }
  const seed = [details.seed, details.counterexamplePath].filter((part) => part !== null).join('/');
  const replay = `HEADGATE_SEED=${seed} npx vitest run ${testPath.slice(testPath.indexOf('test/'))} -t ${JSON.stringify(currentTestName)}`;
  const failure = new Error(`${fc.defaultReportMessage(details) ?? ''}\n\nReplay: ${replay}`, { cause: details.errorInstance });
  found.set(currentTestName, failure);
  throw failure;
}

/** `<seed>` tries the same cases again; `<seed>/<path>` only the smallest one that failed. */
function replayed(): { seed?: number; path?: string } {
  const [seed, path] = (process.env['HEADGATE_SEED'] ?? '').split('/');
  return { ...(seed ? { seed: Number(seed) } : {}), ...(path ? { path } : {}) };
}
