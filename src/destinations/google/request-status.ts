/**
 * What became of a request, which Google decides up to a day later. It tells counts by reason, never which member failed.
 * https://developers.google.com/data-manager/api/devguides/diagnostics (read 2026-11)
 */
import { z } from 'zod';
import type { FailureKind } from '../../domain/failures.ts';
import type { RequestOutcome } from '../destination.ts';

const counts = z.array(z.object({ recordCount: z.coerce.number().default(0), reason: z.string().default('') })).default([]);
const ingested = z.object({ uploadMatchRateRange: z.string().optional() }).optional();
const status = z.object({
  requestStatus: z.string().default('REQUEST_STATUS_UNKNOWN'),
  errorInfo: z.object({ errorCounts: counts }).optional(),
  audienceMembersIngestionStatus: z.object({ compositeDataIngestionStatus: ingested, userDataIngestionStatus: ingested }).optional(),
});
const answer = z.object({ requestStatusPerDestination: z.array(status).min(1) });
type Status = z.infer<typeof status>;

const PREFIX = /^PROCESSING_ERROR_(REASON_)?/;

/** What a reason means when it holds for the whole request; everything else is about single members. */
const OF_THE_WHOLE: Record<string, { kind: FailureKind; cure: string }> = {
  INTERNAL_ERROR: { kind: 'unavailable', cure: '' },
  NO_CONSENT: { kind: 'needs_person', cure: 'Google says that the account gave no consent for these people: send consent with the events, or set the consent of the account in Google Ads.' },
};

/** Undefined when the body is not what Google gives. */
export function outcomeOf(body: unknown, checkAfterMs: number): RequestOutcome | undefined {
  const parsed = answer.safeParse(body);
  const [first] = parsed.success ? parsed.data.requestStatusPerDestination : [];
  if (!first) return undefined;
  const rate = matchRateOf(first);
  const known = rate === undefined ? {} : { matchRate: rate };
  switch (first.requestStatus) {
    case 'SUCCESS':
      return { status: 'settled', answer: { status: 'accepted' }, ...known };
    case 'PARTIAL_SUCCESS':
      return partial(first, known);
    case 'FAILED':
      return failed(first, known);
    default:
      return { status: 'processing', checkAfterMs };
  }
}

const reasonsOf = ({ errorInfo }: Status): { recordCount: number; reason: string }[] => (errorInfo?.errorCounts ?? []).map(({ recordCount, reason }) => ({ recordCount, reason: reason.replace(PREFIX, '') }));

const inWords = (request: Status): string => {
  const reasons = reasonsOf(request).map(({ recordCount, reason }) => `${String(recordCount)} × ${reason}`);
  return `Google's status of the request is ${request.requestStatus}${reasons.length === 0 ? '' : `: ${reasons.join(', ')}`}`;
};

/** A fault of Google's own is sent again as it is; anything else is split until the wrong members stand alone. */
function partial(request: Status, known: { matchRate?: string }): RequestOutcome {
  const reasons = reasonsOf(request);
  if (reasons.length > 0 && reasons.every(({ reason }) => reason === 'INTERNAL_ERROR')) return { status: 'failed', report: { kind: 'unavailable', cause: inWords(request), cure: '' } };
  return { status: 'mixed', reason: inWords(request), ...known };
}

/** Said of encrypted uploads, which Headgate does not make: never a member's fault. */
const OF_ENCRYPTION = /DECRYPTION_ERROR|WIP|KEK|AWS_AUTH/;
const ENCRYPTION: { kind: FailureKind; cure: string } = { kind: 'rejected_request', cure: 'Google took the upload for an encrypted one, and Headgate encrypts none: report this as a bug.' };
const ruleOf = (reason: string): { kind: FailureKind; cure: string } | undefined => OF_THE_WHOLE[reason] ?? (OF_ENCRYPTION.test(reason) ? ENCRYPTION : undefined);

/** All members failed. Reasons that concern members reject them; one that concerns the account or Google keeps them. */
function failed(request: Status, known: { matchRate?: string }): RequestOutcome {
  const reasons = reasonsOf(request);
  const whole = reasons.length === 0 ? { kind: 'unavailable' as const, cure: '' } : reasons.map(({ reason }) => ruleOf(reason)).find((rule) => rule !== undefined);
  if (whole) return { status: 'failed', report: { ...whole, cause: inWords(request) } };
  return { status: 'settled', answer: { status: 'rejected', reason: inWords(request) }, ...known };
}

/** `MATCH_RATE_RANGE_41_TO_50` as `41–50 %`; undefined while Google does not say. */
function matchRateOf({ audienceMembersIngestionStatus: ingestion }: Status): string | undefined {
  const range = (ingestion?.compositeDataIngestionStatus ?? ingestion?.userDataIngestionStatus)?.uploadMatchRateRange;
  if (range === undefined || range.endsWith('UNKNOWN')) return undefined;
  const [, from, to] = /(\d+)_TO_(\d+)$/.exec(range) ?? [];
  if (from !== undefined && to !== undefined) return `${from}–${to} %`;
  const below = /LESS_THAN_(\d+)$/.exec(range)?.[1];
  return below === undefined ? range.replace('MATCH_RATE_RANGE_', '').toLowerCase().replaceAll('_', ' ') : `below ${below} %`;
}
