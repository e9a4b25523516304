/**
 * TikTok's codes in Headgate's vocabulary. Almost every answer is a 200; the code in the body decides.
 * https://business-api.tiktok.com/portal/docs?id=1737172488964097, …/portal/docs/rate-limits/v1.3 (read 2026-11)
 */
import type { FailureKind, FailureReport } from '../../domain/failures.ts';

export const OK = 0;
export const PARTIAL = 20_001;
/** TikTok has seen the very same request a moment ago. */
export const ALREADY_SENT = 40_050;

interface Rule {
  kind: FailureKind;
  cure: string;
  retryAfterMs?: number;
  refusesRemovals?: true;
}

const WAIT = '';
const RENEW_TOKEN = 'Authorise the app again in TikTok Business Center, put the new long-term token into access_token and restart.';
const ALLOW = 'Ask your TikTok representative to allow-list the app for the Streaming audience API (segment/*).';
const wrongRow: Rule = { kind: 'invalid_row', cure: 'TikTok does not say which row it refuses; the call is split until the wrong rows stand alone.' };
const throttled: Rule = { kind: 'rate_limited', cure: WAIT };
const unauthorised: Rule = { kind: 'unauthorised', cure: RENEW_TOKEN };
const busy: Rule = { kind: 'unavailable', cure: WAIT };
const allow: Rule = { kind: 'needs_person', cure: ALLOW };
const account: Rule = { kind: 'misconfigured', cure: 'Check advertiser_id in headgate.yaml, and that the token may act for this advertiser.' };

const RULES: Record<number, Rule> = {
  20_001: wrongRow,
  40_000: wrongRow,
  40_001: { kind: 'unauthorised', cure: 'The token may not do this: authorise the app again with scope 31 (Create and Update Custom Audiences) for this advertiser.' },
  40_002: wrongRow,
  40_007: { kind: 'misconfigured', cure: 'Check the audience id in headgate.yaml: it must come from segment/audience (headgate target create), not from a customer file.' },
  40_011: wrongRow,
  40_016: throttled,
  40_061: wrongRow,
  40_062: { kind: 'rejected_request', cure: 'TikTok says that identifiers are not hashed: report this as a bug.' },
  40_100: throttled,
  40_102: unauthorised,
  40_104: unauthorised,
  40_105: unauthorised,
  40_106: unauthorised,
  40_113: unauthorised,
  40_118: allow,
  40_119: allow,
  40_125: allow,
  40_132: throttled,
  40_133: throttled,
  40_202: busy,
  40_300: account,
  40_301: account,
  41_000: { kind: 'needs_person', cure: "TikTok blocks this server's IP address: ask TikTok support." },
  50_000: busy,
  50_002: busy,
  60_001: { kind: 'unavailable', cure: WAIT, retryAfterMs: 5 * 60_000 },
  61_000: throttled,
};

const UNKNOWN: Rule = { kind: 'rejected_request', cure: 'This code of TikTok is not known to Headgate: look it up in the error reference.' };

/** The one code that means three things, told apart by its text. */
const BEING_UPDATED = /being updated|is updating|in progress/i;
const TOO_SMALL = /size (is )?0|1,?000 match/i;

/** After a 5xx TikTok asks for about five minutes. */
const AFTER_5XX_MS = 5 * 60_000;

/** What a code other than success means. */
export function failureOf(code: number, message: string, requestId: string | undefined, now = Date.now()): FailureReport {
  const { kind, cure, retryAfterMs, refusesRemovals } = ruleOf(code, message);
  const wait = kind === 'rate_limited' ? quotaWait(message, now) : retryAfterMs;
  const cause = `${message === '' ? 'no message' : message} (code ${String(code)}${requestId === undefined ? '' : `, request ${requestId}`})`;
  return { kind, cure, cause, ...(wait === undefined ? {} : { retryAfterMs: wait }), ...(refusesRemovals ? { refusesRemovals } : {}) };
}

function ruleOf(code: number, message: string): Rule {
  if (code === 40_002 && BEING_UPDATED.test(message)) return busy;
  if (code === 40_002 && TOO_SMALL.test(message)) return { kind: 'needs_person', cure: 'The audience is too small for TikTok; what is pending is kept until it has grown.', refusesRemovals: true };
  const known = RULES[code];
  if (known) return known;
  const serverSide = code >= 51_000 && code < 53_000;
  return serverSide ? busy : UNKNOWN;
}

/** No header says how long. A quota per second is free in the next one, per minute after five, per day at midnight UTC. */
function quotaWait(message: string, now: number): number {
  if (/QPS/i.test(message)) return 1_000;
  if (/QPD/i.test(message)) return 86_400_000 - (now % 86_400_000);
  return /QPM/i.test(message) ? 5 * 60_000 : 60_000;
}

/** HTTP errors without a code: a wrong path or method, or a server in trouble. */
export function failureOfStatus(status: number, text: string): FailureReport {
  const cause = `HTTP ${String(status)}: ${text.replace(/\s+/g, ' ')}`;
  if (status === 429) return { kind: 'rate_limited', cause, cure: WAIT, retryAfterMs: 60_000 };
  if (status >= 500) return { kind: 'unavailable', cause, cure: WAIT, retryAfterMs: AFTER_5XX_MS };
  return { kind: 'rejected_request', cause, cure: 'TikTok does not know this call: update Headgate.' };
}
