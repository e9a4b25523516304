/**
 * Snap's answers in Headgate's vocabulary, by HTTP status: no list of its error codes could be confirmed.
 * https://developers.snap.com/api/marketing-api/Ads-API/rate-limits (read 2026-11)
 */
import { z } from 'zod';
import type { FailureKind, FailureReport } from '../../domain/failures.ts';

const answer = z.object({
  request_status: z.string(),
  request_id: z.string().optional(),
  debug_message: z.string().optional(),
  display_message: z.string().optional(),
  error_code: z.string().optional(),
});
export type SnapError = Partial<z.infer<typeof answer>>;

export const TOKEN_CURE = 'Authorise the app again in Snap Business Manager and put the new refresh_token (with client_id and client_secret) into headgate.yaml.';
const WAIT = '';

const BY_STATUS: Record<number, { kind: FailureKind; cure: string }> = {
  400: { kind: 'invalid_row', cure: 'Snap does not say which row it refuses; the call is split until the wrong rows stand alone.' },
  401: { kind: 'unauthorised', cure: TOKEN_CURE },
  403: { kind: 'unauthorised', cure: 'Give the member the role Data Manager on the ad account in Snap Business Manager.' },
  404: { kind: 'misconfigured', cure: 'Check the segment id in headgate.yaml.' },
  429: { kind: 'rate_limited', cure: WAIT },
};

/** Snap averages its limits over a second; a minute lets a burst of other tools pass too. Milliseconds. */
const THROTTLED_MS = 60_000;

/** Undefined when the body says `SUCCESS`, or is not Snap's at all. */
export function readSnapError(body: unknown, status: number): SnapError | undefined {
  const parsed = answer.safeParse(body);
  if (!parsed.success) return status in BY_STATUS ? {} : undefined;
  return /^success$/i.test(parsed.data.request_status) ? undefined : parsed.data;
}

export function failureOf(status: number, error: SnapError, retryAfterMs: number | undefined): FailureReport {
  const unknown = status >= 500 ? { kind: 'unavailable' as const, cure: WAIT } : { kind: 'invalid_row' as const, cure: BY_STATUS[400]?.cure ?? '' };
  const { kind, cure } = BY_STATUS[status] ?? unknown;
  const words = error.debug_message ?? error.display_message ?? error.request_status ?? 'no words';
  const details = [`HTTP ${String(status)}`, error.error_code, error.request_id === undefined ? undefined : `request ${error.request_id}`].filter((one) => one !== undefined);
  const wait = retryAfterMs ?? (kind === 'rate_limited' ? THROTTLED_MS : undefined);
  return { kind, cure, cause: `${words} (${details.join(', ')})`, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
}
