/**
 * Google's errors (google.rpc.Status) in Headgate's vocabulary: by reason first, then by status.
 * https://developers.google.com/data-manager/api/devguides/concepts/understand-errors,
 * google/ads/datamanager/v1/error.proto of github.com/googleapis/googleapis (read 2026-11)
 */
import { z } from 'zod';
import type { FailureKind, FailureReport } from '../../domain/failures.ts';

const violation = z.object({ field: z.string().default(''), description: z.string().default(''), reason: z.string().default('') });
const detail = z.object({
  '@type': z.string().default(''),
  reason: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  fieldViolations: z.array(violation).optional(),
  requestId: z.string().optional(),
});
const rpcStatus = z.object({
  error: z.object({ code: z.number(), message: z.string().default(''), status: z.string().default(''), details: z.array(detail.catch({ '@type': '' })).default([]) }),
});
export type GoogleError = z.infer<typeof rpcStatus>['error'];
type Violation = z.infer<typeof violation>;

interface Rule {
  kind: FailureKind;
  cure: string;
  refusesRemovals?: true;
}

const WAIT = '';
const BUG = 'Headgate put the request together wrongly: report this as a bug.';
const row: Rule = { kind: 'invalid_row', cure: 'Google does not say which member is wrong; the request is split until it stands alone.' };
const bug: Rule = { kind: 'rejected_request', cure: BUG };
const account = (cure: string): Rule => ({ kind: 'misconfigured', cure });
const person = (cure: string): Rule => ({ kind: 'needs_person', cure });
const closed = (cure: string): Rule => ({ ...person(cure), refusesRemovals: true });
const LIST = "Check the user list's number in headgate.yaml: it must be a Customer Match list with upload key CONTACT_ID of operating_account.";
const ACCOUNTS = 'Check operating_account, account_type and login_account in headgate.yaml.';
const TERMS = 'Accept the Customer Match terms in Google Ads (Tools > Audience manager), and let customer_match_terms stand at accepted.';
const NAME_USED = 'A list of this name exists already: give the audience another name, or use that list.';
const ALLOWED = "Google does not let this account upload customer data: see Google's Customer Match policy, or ask Google support.";

const BY_REASON: Record<string, Rule> = {
  ...Object.fromEntries(
    [
      'REQUIRED_FIELD_MISSING', 'INVALID_FORMAT', 'INVALID_ENUM_VALUE', 'FIELD_VALUE_TOO_LONG', 'FIELD_VALUE_TOO_SHORT', 'TOO_MANY_ELEMENTS', 'TOO_FEW_ELEMENTS',
      'INVALID_HEX_ENCODING', 'INVALID_BASE64_ENCODING', 'INVALID_SHA256_FORMAT', 'INVALID_POSTAL_CODE', 'INVALID_AUDIENCE_MEMBER', 'TOO_MANY_USER_IDENTIFIERS',
      'INVALID_MOBILE_ID_FORMAT', 'NO_IDENTIFIERS_PROVIDED', 'INVALID_REGION_CODE', 'INVALID_ARGUMENT',
    ].map((reason) => [reason, row]),
  ),
  TOO_MANY_AUDIENCE_MEMBERS: bug,
  TOO_MANY_DESTINATIONS: bug,
  MULTIPLE_DATA_TYPES_NOT_ALLOWED: bug,
  DUPLICATE_DESTINATION_REFERENCE: bug,
  INVALID_REQUEST_ID: bug,
  INVALID_REMOVE_AS_OF_TIME: bug,
  INVALID_USER_LIST_TYPE: account(LIST),
  INVALID_USER_LIST_ID: account(LIST),
  INVALID_DESTINATION: account(LIST),
  NOT_FOUND: account(LIST),
  USER_LIST_TYPE_NOT_SUPPORTED_FOR_ACCOUNT: account(LIST),
  MEMBERSHIP_DURATION_TOO_LONG: account('A membership duration cannot be longer than 540 days.'),
  DISPLAY_NAME_ALREADY_USED: account(NAME_USED),
  ALREADY_EXISTS: account(NAME_USED),
  DATA_PARTNER_USER_LIST_MUTATE_NOT_ALLOWED: account(ACCOUNTS),
  DIFFERENT_LOGIN_ACCOUNTS_NOT_ALLOWED_FOR_DATA_PARTNER: account(ACCOUNTS),
  UNSUPPORTED_OPERATING_ACCOUNT_FOR_DATA_PARTNER: account(ACCOUNTS),
  UNSUPPORTED_LINKED_ACCOUNT_FOR_DATA_PARTNER: account(ACCOUNTS),
  LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT: account(ACCOUNTS),
  OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH: account(ACCOUNTS),
  DESTINATION_ACCOUNT_TYPE_MISMATCH: account(ACCOUNTS),
  REQUIRED_PREREQUISITE_LINK_MISSING: account(ACCOUNTS),
  TERMS_AND_CONDITIONS_NOT_SIGNED: person(TERMS),
  ADVERTISER_TOS_NOT_ACCEPTED: person(TERMS),
  EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED: person('Make the declaration on EU political advertising in Google Ads.'),
  NOT_ALLOWLISTED: person(ALLOWED),
  ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA: person(ALLOWED),
  THIRD_PARTY_USER_DATA_NOT_ALLOWED: person(ALLOWED),
  USER_LIST_MUTATION_NOT_SUPPORTED: closed('Google does not let this list be changed: open it again in Google Ads (Tools > Audience manager), or make a new one.'),
  SENSITIVE_USER_LIST_IMMUTABLE: closed('Google has marked this list as sensitive and does not let it be changed: make a new one.'),
  PERMISSION_DENIED: { kind: 'unauthorised', cure: "Give the credentials' e-mail access to the Google Ads account, or name its manager account in login_account. Google answers the same when the list does not exist." },
  RESOURCE_EXHAUSTED: { kind: 'rate_limited', cure: WAIT },
  INTERNAL_ERROR: { kind: 'unavailable', cure: WAIT },
  DEADLINE_EXCEEDED: { kind: 'timed_out', cure: WAIT },
};

const UNAUTHORISED: Rule = { kind: 'unauthorised', cure: 'Google does not accept the access token: check credentials_file and impersonate in headgate.yaml.' };
const BY_STATUS: Record<number, Rule> = {
  400: row,
  401: UNAUTHORISED,
  403: BY_REASON['PERMISSION_DENIED'] ?? UNAUTHORISED,
  404: account(LIST),
  409: { kind: 'unavailable', cure: WAIT },
  429: { kind: 'rate_limited', cure: WAIT },
  500: { kind: 'unavailable', cure: WAIT },
  503: { kind: 'unavailable', cure: WAIT },
  504: { kind: 'timed_out', cure: WAIT },
};

/** Quotas come back within the minute, or at the reset of the day; asked again each hour then. Milliseconds. */
const MINUTE_QUOTA_MS = 60_000;
const DAY_QUOTA_MS = 60 * 60_000;

/** Undefined when the body holds no google.rpc.Status. */
export function readGoogleError(body: unknown): GoogleError | undefined {
  const parsed = rpcStatus.safeParse(body);
  return parsed.success ? parsed.data.error : undefined;
}

const violationsOf = (error: GoogleError): Violation[] => error.details.flatMap(({ fieldViolations = [] }) => fieldViolations);

/** The most telling rule: a reason about list, account or terms decides over one about a member. */
function ruleOf(error: GoogleError): Rule {
  const reasons = [...violationsOf(error).map(({ reason }) => reason), ...error.details.flatMap(({ reason }) => reason ?? [])];
  const rules = reasons.flatMap((reason) => BY_REASON[reason] ?? []);
  const status = BY_STATUS[error.code] ?? { kind: error.code >= 500 ? 'unavailable' : 'rejected_request', cure: error.code >= 500 ? WAIT : 'This answer of Google is not known to Headgate.' };
  return rules.find(({ kind }) => kind !== 'invalid_row') ?? rules[0] ?? status;
}

/** What a refused request means. `retryAfterMs`: of the headers, when Google said so. */
export function failureOf(error: GoogleError, retryAfterMs: number | undefined): FailureReport {
  const { kind, cure, refusesRemovals } = ruleOf(error);
  const wait = kind === 'rate_limited' ? (retryAfterMs ?? quotaWait(error)) : retryAfterMs;
  return { kind, cure, cause: inGooglesWords(error), ...(wait === undefined ? {} : { retryAfterMs: wait }), ...(refusesRemovals ? { refusesRemovals } : {}) };
}

function quotaWait(error: GoogleError): number {
  const limits = error.details.map(({ metadata }) => metadata?.['quota_limit']);
  return limits.some((limit) => typeof limit === 'string' && limit.includes('PerDay')) ? DAY_QUOTA_MS : MINUTE_QUOTA_MS;
}

/**
 * Members that a refusal names, by their position in the request; empty when it is not about members. Google spells the
 * field `audience_members[0]` or `audience_members.audience_members[0].user_data…`.
 */
export function namedMembers(error: GoogleError): Map<number, string> {
  const named = new Map<number, string>();
  if (ruleOf(error).kind !== 'invalid_row') return named;
  for (const { field, reason, description } of violationsOf(error)) {
    const position = /audience_?members\[(\d+)\]/i.exec(field)?.[1];
    if (position !== undefined) named.set(Number(position), [reason, description].filter((text) => text !== '').join(': '));
  }
  return named;
}

function inGooglesWords(error: GoogleError): string {
  const violations = violationsOf(error).slice(0, 3).map(({ field, reason, description }) => `${field} ${reason} ${description}`.trim());
  const requestId = error.details.map((one) => one.requestId ?? one.metadata?.['requestId']).find((id) => typeof id === 'string');
  const words = [error.message, ...violations].filter((text) => text !== '').join(' · ');
  return `${words} (${error.status === '' ? `HTTP ${String(error.code)}` : error.status}${requestId === undefined ? '' : `, request ${requestId}`})`;
}
