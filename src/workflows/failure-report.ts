import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { FAILURE_KINDS, type FailureReport } from '../domain/failures.ts';
import type { FailedCall } from './contract.ts';

const causeOf = (error: unknown): unknown => (error instanceof ActivityFailure ? error.cause : error);

/** Undefined when the push failed before a call was put together. */
export function failedCallOf(error: unknown): FailedCall | undefined {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure ? ((cause.details?.[1] ?? undefined) as FailedCall | undefined) : undefined;
}

/** What a failed push says to the sync. Anything that is no PlatformFailure is a fault of Headgate or its ledger, and passes. */
export function failureReportOf(error: unknown): FailureReport {
  const cause = causeOf(error);
  if (cause instanceof TimeoutFailure) {
    return { kind: 'unavailable', cause: 'the worker that pushed was lost; the push is made again', cure: '' };
  }
  const report = cause instanceof ApplicationFailure ? (cause.details?.[0] as Partial<FailureReport> | undefined) : undefined;
  if (report?.kind !== undefined && FAILURE_KINDS.includes(report.kind)) return { cause: '', cure: '', ...report, kind: report.kind };
  const said = cause instanceof Error ? cause.message : String(cause);
  return { kind: 'unavailable', cause: `Headgate itself: ${said}`, cure: "Look at the worker's log." };
}
