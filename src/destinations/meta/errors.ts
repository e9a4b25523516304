/**
 * Meta's errors in Headgate's vocabulary. By code and subcode, never by message text.
 * https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference,
 * https://developers.facebook.com/docs/graph-api/guides/error-handling, …/marketing-api/overview/rate-limiting (read 2026-11)
 */
import { z } from 'zod';
import type { FailureKind, FailureReport } from '../../domain/failures.ts';

const metaError = z.object({
  error: z.object({
    message: z.string().default(''),
    type: z.string().optional(),
    code: z.number(),
    error_subcode: z.number().optional(),
    error_user_title: z.string().optional(),
    error_user_msg: z.string().optional(),
    is_transient: z.boolean().optional(),
    fbtrace_id: z.string().optional(),
  }),
});
export type MetaError = z.infer<typeof metaError>['error'];

interface Rule {
  kind: FailureKind;
  cure: string;
  /** When Meta does not say how long to wait, in milliseconds. */
  retryAfterMs?: number;
  refusesRemovals?: true;
}

const WAIT = '';
const RENEW_TOKEN = 'Make a new system user token with ads_management in Meta Business settings, put it into access_token and restart.';
const ACCEPT_TERMS = "Accept the Custom Audience terms of the ad account in Meta's Ads Manager, by the business that owns it.";
const throttled = (retryAfterMs: number): Rule => ({ kind: 'rate_limited', cure: WAIT, retryAfterMs });

/** `code/subcode` first, then the subcode where it is one of Meta's long numbers, which mean the same under each code, then `code`. */
const RULES: Record<string, Rule> = {
  '1': { kind: 'unavailable', cure: WAIT },
  '1/99': { kind: 'invalid_row', cure: 'Meta refused the size of the call; it is split.' },
  '2': { kind: 'unavailable', cure: WAIT },
  '4': throttled(60_000),
  '17': throttled(60_000),
  '32': throttled(60_000),
  '341': throttled(60_000),
  '613': { kind: 'needs_person', cure: 'Meta suspects abuse of the API: contact Meta support for the app.', retryAfterMs: 300_000 },
  '613/1487742': throttled(300_000),
  '80000': throttled(300_000),
  '80003': throttled(300_000),
  '80004': throttled(300_000),
  '80014': throttled(300_000),
  '368': { kind: 'needs_person', cure: 'Meta has blocked the app or account for a policy reason: see the account quality page.', retryAfterMs: 900_000 },
  '100': { kind: 'invalid_row', cure: 'Meta does not say what it does not accept; the call is split until the wrong rows stand alone.' },
  '100/33': { kind: 'misconfigured', cure: 'Check ad_account and the audience id in headgate.yaml, and that the token may use this ad account.' },
  '100/1713230': { kind: 'needs_person', cure: 'Meta has flagged the audience and blocks uploads: resolve it in Ads Manager > Audiences.', refusesRemovals: true },
  '105': { kind: 'rejected_request', cure: 'Headgate sent too many parameters: report this as a bug.' },
  '194': { kind: 'rejected_request', cure: 'Headgate left out a parameter: report this as a bug.' },
  '190': { kind: 'unauthorised', cure: RENEW_TOKEN },
  '102': { kind: 'unauthorised', cure: RENEW_TOKEN },
  '10': { kind: 'unauthorised', cure: 'Give the system user the permission ads_management on the ad account.' },
  '200': { kind: 'unauthorised', cure: 'Give the system user access to the ad account, with the permission ads_management.' },
  '200/1870034': { kind: 'needs_person', cure: ACCEPT_TERMS },
  '200/1870090': { kind: 'needs_person', cure: ACCEPT_TERMS },
  '200/1870092': { kind: 'needs_person', cure: ACCEPT_TERMS },
  '200/1870050': { kind: 'needs_person', cure: 'Link the ad account to a business in Meta Business settings.' },
  '200/1870047': { kind: 'needs_person', cure: 'Meta refuses removals while the audience is too small. They are kept, and go through when it has grown.', refusesRemovals: true },
  '294': { kind: 'unauthorised', cure: 'The app lacks ads_management or access to the Marketing API: request it in the app dashboard.' },
  '2635': { kind: 'misconfigured', cure: 'This API version has ended: update Headgate, or set api_version in headgate.yaml.' },
  '2650': { kind: 'rejected_request', cure: 'Meta could not update the audience: look at it in Ads Manager > Audiences.' },
  '2650/1870145': { kind: 'unavailable', cure: 'Another upload to this audience is running; it is tried again after it.' },
  '2650/1870148': { kind: 'unavailable', cure: WAIT },
  '2650/1870147': { kind: 'unavailable', cure: 'Another tool is replacing the audience; it is tried again after it.' },
  '2650/1870159': { kind: 'unavailable', cure: 'Another tool has replaced the audience; it is tried again.' },
  '2650/1870158': { kind: 'unavailable', cure: "Another tool's replacement of the audience has run out of time; it is tried again." },
  '2650/1870144': { kind: 'rejected_request', cure: 'The audience is too large to be replaced, which Headgate does not ask for: report this as a bug.' },
  '2655': { kind: 'needs_person', cure: 'Accept the messaging terms of the account.' },
  '1487301': { kind: 'misconfigured', cure: 'The audience is not shared with this ad account: share it or correct headgate.yaml.' },
  '1487366': { kind: 'misconfigured', cure: 'The audience was deleted at Meta: make a new one and put its id into headgate.yaml.' },
};

const LONG_SUBCODE = 1_000_000;
const BY_LONG_SUBCODE = new Map(Object.entries(RULES).map(([key, rule]) => [Number(key.split('/').at(-1)), rule] as const).filter(([subcode]) => subcode >= LONG_SUBCODE));

const UNKNOWN: Rule = { kind: 'rejected_request', cure: 'This code of Meta is not known to Headgate: look it up in the error reference.' };

/** Reads Meta's error out of a body; undefined when there is none. */
export function readMetaError(body: unknown): MetaError | undefined {
  const parsed = metaError.safeParse(body);
  return parsed.success ? parsed.data.error : undefined;
}

/** With more rows than this, code 1 is answered by a smaller call. */
const SMALL_CALL_ROWS = 500;
const TOO_LARGE_PERHAPS: Rule = { kind: 'invalid_row', cure: 'Meta does not say what was wrong, which is what it says of too large a call; a smaller one is tried.' };

/**
 * What a refused call means.
 * @param restMs how long the usage headers ask to wait, in milliseconds; 0 when they do not say
 * @param rows how many rows the call carried
 */
export function failureOf(error: MetaError, restMs: number, rows = 0): FailureReport {
  const { kind, cure, retryAfterMs, refusesRemovals } = ruleOf(error, rows);
  const wait = restMs > 0 ? restMs : retryAfterMs;
  return { kind, cure, cause: inMetasWords(error), ...(wait === undefined ? {} : { retryAfterMs: wait }), ...(refusesRemovals ? { refusesRemovals } : {}) };
}

function ruleOf({ code, error_subcode: subcode, is_transient: transient = false }: MetaError, rows: number): Rule {
  const bySubcode = subcode === undefined ? undefined : (RULES[`${String(code)}/${String(subcode)}`] ?? BY_LONG_SUBCODE.get(subcode));
  if (bySubcode) return bySubcode;
  if (code === 1 && rows > SMALL_CALL_ROWS && !transient) return TOO_LARGE_PERHAPS;
  return RULES[String(code)] ?? (transient ? { kind: 'unavailable', cure: WAIT } : UNKNOWN);
}

function inMetasWords(error: MetaError): string {
  const code = error.error_subcode === undefined ? String(error.code) : `${String(error.code)}/${String(error.error_subcode)}`;
  const said = [error.message, error.error_user_title, error.error_user_msg].filter((text) => text !== undefined && text !== '');
  const trace = error.fbtrace_id === undefined ? '' : `, fbtrace_id ${error.fbtrace_id}`;
  return `${said.join(' · ')} (code ${code}${trace})`;
}
