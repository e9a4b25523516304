/** The Temporal server that tests of workflow types run on: the one that skips time, else the one of `npm start`, on which time passes as it does. */
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { createLogger } from '../monitoring/logger.ts';
import { installRuntime } from '../temporal/runtime.ts';
import { EmbeddedError, findTemporalBinary, findTestServer } from '../embedded/index.ts';

export interface TestEnvironment {
  environment: TestWorkflowEnvironment;
  /** Why time does not skip here, and what to install so that it does; undefined where it does. */
  whyNoSkipping: string | undefined;
  /** One after the other: the server's clock is one, and comes to a stand when two skip at once. */
  skipInTurn: <T>(skip: () => Promise<T>) => Promise<T>;
}

/** The SDK gives a server five seconds, which is short for a machine that has much to do; the second time its files are at hand. */
const STARTS = 5;

/** @param say one line at a time, of what takes long */
export async function openTestEnvironment(say: (line: string) => void): Promise<TestEnvironment> {
  await installRuntime({ logger: createLogger({ level: 'silent', pretty: false }), metrics: false });
  const skipping = await findTestServer({ say }).catch(unlessEmbedded);
  if (!(skipping instanceof EmbeddedError)) {
    const server = { executable: { type: 'existing-path', path: skipping.path } as const };
    return { environment: await patiently(() => TestWorkflowEnvironment.createTimeSkipping({ server })), whyNoSkipping: undefined, skipInTurn: turns() };
  }
  const { path } = await findTemporalBinary({ say });
  const server = { executable: { type: 'existing-path', path } as const, log: { format: 'pretty', level: 'error' } };
  return { environment: await patiently(() => TestWorkflowEnvironment.createLocal({ server })), whyNoSkipping: skipping.message, skipInTurn: (skip) => skip() };
}

function turns(): TestEnvironment['skipInTurn'] {
  let last: Promise<unknown> = Promise.resolve();
  return (skip) => {
    const own = last.then(skip);
    last = own.catch(() => undefined);
    return own;
  };
}

function unlessEmbedded(error: unknown): EmbeddedError {
  if (error instanceof EmbeddedError) return error;
  throw error;
}

async function patiently<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await start();
    } catch (error) {
      if (tries === STARTS) throw error;
    }
  }
}
