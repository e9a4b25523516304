/**
 * Loaded into the workflows of a test. In production a mistake in a workflow's code (a TypeError) stops it until the code is mended, and nothing is lost;
 * a test would wait for ever, so here the workflow fails at once with that mistake.
 */
import { ApplicationFailure, ContinueAsNew, DeterminismViolationError, TemporalFailure, type WorkflowInterceptors } from '@temporalio/workflow';

async function failing<T>(code: () => Promise<T>): Promise<T> {
  try {
    return await code();
  } catch (error) {
    const meant = error instanceof TemporalFailure || error instanceof ContinueAsNew || error instanceof DeterminismViolationError;
    throw meant ? error : ApplicationFailure.fromError(error, { nonRetryable: true });
  }
}

export const interceptors = (): WorkflowInterceptors => ({
  inbound: [
    {
      execute: (input, next) => failing(() => next(input)),
      handleSignal: (input, next) => failing(() => next(input)),
    },
  ],
});
