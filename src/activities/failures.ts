/** The one place where Headgate's failures become Temporal's. */
import { ApplicationFailure } from '@temporalio/common';
import { isWorthAQuickRetry, PlatformFailure } from '../domain/failures.ts';
import type { FailedCall } from '../workflows/contract.ts';

/** A PlatformFailure with its report (and what the call was) as details; quick retries only where they can help. Everything else passes as it is. */
export function toTemporal(error: unknown, call?: FailedCall): unknown {
  if (!(error instanceof PlatformFailure)) return error;
  const { kind } = error.report;
  return ApplicationFailure.create({ message: error.message, type: kind, nonRetryable: !isWorthAQuickRetry(kind), details: [error.report, call], cause: error });
}
