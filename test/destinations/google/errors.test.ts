/** Each reason and status of Google's documentation, in Headgate's vocabulary. */
import { describe, expect, test } from 'vitest';
import { failureOf, namedMembers, readGoogleError, type GoogleError } from '../../../src/destinations/google/errors.ts';
import { outcomeOf } from '../../../src/destinations/google/request-status.ts';
import type { FailureKind } from '../../../src/domain/failures.ts';

function errorOf(code: number, status: string, reasons: { reason: string; field?: string; description?: string }[] = [], metadata: object = {}): GoogleError {
  const error = readGoogleError({
    error: {
      code,
      message: 'words of Google',
      status,
      details: [
        { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: reasons[0]?.reason ?? status, domain: 'datamanager.googleapis.com', metadata: { requestId: 'r-1', ...metadata } },
        { '@type': 'type.googleapis.com/google.rpc.Help', links: [{ url: 'https://example.com' }] },
        ...(reasons.some(({ field }) => field !== undefined) ? [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: reasons }] : []),
      ],
    },
  });
  if (!error) throw new Error('not read');
  return error;
}

const rows = (...reasons: string[]): [string, FailureKind][] => reasons.map((reason) => [reason, 'invalid_row']);
const of = (kind: FailureKind, ...reasons: string[]): [string, FailureKind][] => reasons.map((reason) => [reason, kind]);

test.each<[string, FailureKind]>([
  ...rows('REQUIRED_FIELD_MISSING', 'INVALID_FORMAT', 'INVALID_ENUM_VALUE', 'FIELD_VALUE_TOO_LONG', 'FIELD_VALUE_TOO_SHORT', 'TOO_MANY_ELEMENTS', 'TOO_FEW_ELEMENTS', 'INVALID_HEX_ENCODING', 'INVALID_BASE64_ENCODING'),
  ...rows('INVALID_SHA256_FORMAT', 'INVALID_POSTAL_CODE', 'INVALID_AUDIENCE_MEMBER', 'TOO_MANY_USER_IDENTIFIERS', 'INVALID_MOBILE_ID_FORMAT', 'NO_IDENTIFIERS_PROVIDED', 'INVALID_REGION_CODE', 'INVALID_ARGUMENT'),
  ...of('rejected_request', 'TOO_MANY_AUDIENCE_MEMBERS', 'TOO_MANY_DESTINATIONS', 'MULTIPLE_DATA_TYPES_NOT_ALLOWED', 'DUPLICATE_DESTINATION_REFERENCE', 'INVALID_REQUEST_ID', 'INVALID_REMOVE_AS_OF_TIME'),
  ...of('misconfigured', 'INVALID_USER_LIST_TYPE', 'INVALID_USER_LIST_ID', 'INVALID_DESTINATION', 'DATA_PARTNER_USER_LIST_MUTATE_NOT_ALLOWED', 'OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH', 'DESTINATION_ACCOUNT_TYPE_MISMATCH', 'REQUIRED_PREREQUISITE_LINK_MISSING'),
  ...of('misconfigured', 'DIFFERENT_LOGIN_ACCOUNTS_NOT_ALLOWED_FOR_DATA_PARTNER', 'UNSUPPORTED_OPERATING_ACCOUNT_FOR_DATA_PARTNER', 'UNSUPPORTED_LINKED_ACCOUNT_FOR_DATA_PARTNER', 'LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT'),
  ...of('misconfigured', 'USER_LIST_TYPE_NOT_SUPPORTED_FOR_ACCOUNT', 'MEMBERSHIP_DURATION_TOO_LONG', 'DISPLAY_NAME_ALREADY_USED', 'ALREADY_EXISTS', 'NOT_FOUND'),
  ...of('unauthorised', 'PERMISSION_DENIED'),
  ...of('needs_person', 'TERMS_AND_CONDITIONS_NOT_SIGNED', 'ADVERTISER_TOS_NOT_ACCEPTED', 'NOT_ALLOWLISTED', 'ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA', 'EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED', 'THIRD_PARTY_USER_DATA_NOT_ALLOWED'),
  ...of('needs_person', 'USER_LIST_MUTATION_NOT_SUPPORTED', 'SENSITIVE_USER_LIST_IMMUTABLE'),
])('a violation %s is %s', (reason, kind) => {
  const report = failureOf(errorOf(400, 'INVALID_ARGUMENT', [{ reason, field: 'destinations[0]', description: 'as it is' }]), undefined);
  expect(report.kind).toBe(kind);
  expect(report.cause).toMatch(/words of Google.*request r-1/);
  expect(report.cure).not.toBe('');
});

test.each<[string, FailureKind]>([
  ['RESOURCE_EXHAUSTED', 'rate_limited'],
  ['INTERNAL_ERROR', 'unavailable'],
  ['DEADLINE_EXCEEDED', 'timed_out'],
])('the reason %s is %s, whatever the status, and waiting is all there is to do', (reason, kind) => {
  expect(failureOf(errorOf(400, 'INVALID_ARGUMENT', [{ reason }]), undefined)).toMatchObject({ kind, cure: '' });
});

test('a list that cannot be changed refuses removals; terms, access and allow-lists are about every call', () => {
  const refuses = (reason: string): boolean => failureOf(errorOf(400, 'INVALID_ARGUMENT', [{ reason, field: 'destinations[0]' }]), undefined).refusesRemovals ?? false;
  expect(['USER_LIST_MUTATION_NOT_SUPPORTED', 'SENSITIVE_USER_LIST_IMMUTABLE'].map(refuses)).toEqual([true, true]);
  expect(['TERMS_AND_CONDITIONS_NOT_SIGNED', 'NOT_ALLOWLISTED', 'PERMISSION_DENIED', 'INVALID_USER_LIST_ID'].map(refuses)).toEqual([false, false, false, false]);
});

test.each<[number, string, FailureKind]>([
  [401, 'UNAUTHENTICATED', 'unauthorised'],
  [403, 'PERMISSION_DENIED', 'unauthorised'],
  [404, 'NOT_FOUND', 'misconfigured'],
  [409, 'ABORTED', 'unavailable'],
  [429, 'RESOURCE_EXHAUSTED', 'rate_limited'],
  [500, 'INTERNAL', 'unavailable'],
  [503, 'UNAVAILABLE', 'unavailable'],
  [504, 'DEADLINE_EXCEEDED', 'timed_out'],
  [400, 'INVALID_ARGUMENT', 'invalid_row'],
  [418, 'A_TEAPOT', 'rejected_request'],
  [599, 'NEW_TROUBLE', 'unavailable'],
])('HTTP %s %s without a reason is %s', (code, status, kind) => {
  expect(failureOf(errorOf(code, status), undefined).kind).toBe(kind);
});

test.each([
  ['IngestionMutateRequestsPerMinutePerProject', 60_000],
  ['IngestionMutateRequestsPerDayPerProject', 3_600_000],
  ['IngestionReadRequestsPerDayPerProject', 3_600_000],
  ['ManagementMutateRequestsPerMinutePerProject', 60_000],
])('a quota %s is waited for, %s ms unless Google says otherwise', (limit, ms) => {
  const error = errorOf(429, 'RESOURCE_EXHAUSTED', [], { quota_limit: limit });
  expect(failureOf(error, undefined).retryAfterMs).toBe(ms);
  expect(failureOf(error, 7_000).retryAfterMs).toBe(7_000);
});

describe('which members a refusal names', () => {
  test.each(['audience_members[2]', 'audience_members.audience_members[2].user_data.user_identifiers', 'audienceMembers[2].compositeData'])('%s', (field) => {
    expect([...namedMembers(errorOf(400, 'INVALID_ARGUMENT', [{ reason: 'INVALID_FORMAT', field, description: 'not a hash' }]))]).toEqual([[2, 'INVALID_FORMAT: not a hash']]);
  });
  test('nobody, when the reason is about the list or the account although the field names a member', () => {
    expect(namedMembers(errorOf(400, 'INVALID_ARGUMENT', [{ reason: 'TERMS_AND_CONDITIONS_NOT_SIGNED', field: 'audience_members[0]' }])).size).toBe(0);
    const both = errorOf(400, 'INVALID_ARGUMENT', [{ reason: 'INVALID_FORMAT', field: 'audience_members[0]' }, { reason: 'INVALID_USER_LIST_ID', field: 'destinations[0]' }]);
    expect(namedMembers(both).size).toBe(0);
    expect(failureOf(both, undefined).kind).toBe('misconfigured');
  });
});

describe('what became of a request', () => {
  const status = (requestStatus: string, more: object = {}): object => ({ requestStatusPerDestination: [{ requestStatus, ...more }] });
  const errors = (...counts: [string, string][]): object => ({ errorInfo: { errorCounts: counts.map(([reason, recordCount]) => ({ reason: `PROCESSING_ERROR_REASON_${reason}`, recordCount })) } });

  test.each(['PROCESSING', 'REQUEST_STATUS_UNKNOWN'])('%s is asked about again', (name) => {
    expect(outcomeOf(status(name), 1_234)).toEqual({ status: 'processing', checkAfterMs: 1_234 });
  });
  test('SUCCESS, with the match rate when Google has one', () => {
    expect(outcomeOf(status('SUCCESS'), 0)).toEqual({ status: 'settled', answer: { status: 'accepted' } });
    const rated = status('SUCCESS', { audienceMembersIngestionStatus: { compositeDataIngestionStatus: { recordCount: '10', uploadMatchRateRange: 'MATCH_RATE_RANGE_LESS_THAN_20' } } });
    expect(outcomeOf(rated, 0)).toMatchObject({ status: 'settled', matchRate: 'below 20 %' });
  });
  test.each([['_LESS_THAN_20', 'below 20 %'], ['_20_TO_30', '20–30 %'], ['_91_TO_100', '91–100 %'], ['_NOT_ELIGIBLE', 'not eligible'], ['_UNKNOWN', undefined]])('a match rate %s is %s', (range, shown) => {
    const rated = status('SUCCESS', { audienceMembersIngestionStatus: { compositeDataIngestionStatus: { recordCount: '10', uploadMatchRateRange: `MATCH_RATE_RANGE${range}` } } });
    expect(outcomeOf(rated, 0)).toEqual({ status: 'settled', answer: { status: 'accepted' }, ...(shown === undefined ? {} : { matchRate: shown }) });
  });
  test('a partial success for wrong members is mixed, one for faults of Google is sent again', () => {
    expect(outcomeOf(status('PARTIAL_SUCCESS', errors(['INVALID_FORMAT', '3'], ['INTERNAL_ERROR', '1'])), 0)).toMatchObject({ status: 'mixed', reason: expect.stringContaining('3 × INVALID_FORMAT') as string });
    expect(outcomeOf(status('PARTIAL_SUCCESS', errors(['INTERNAL_ERROR', '1'])), 0)).toMatchObject({ status: 'failed', report: { kind: 'unavailable' } });
  });
  test.each<[string, object]>([
    ['DENIED_CONSENT', { status: 'settled', answer: { status: 'rejected' } }],
    ['UNKNOWN_CONSENT', { status: 'settled', answer: { status: 'rejected' } }],
    ['INVALID_FORMAT', { status: 'settled', answer: { status: 'rejected' } }],
    ['NO_CONSENT', { status: 'failed', report: { kind: 'needs_person' } }],
    ['INTERNAL_ERROR', { status: 'failed', report: { kind: 'unavailable' } }],
    ['USER_ID_NOT_FOUND', { status: 'settled', answer: { status: 'rejected' } }],
    ['DECRYPTION_ERROR', { status: 'failed', report: { kind: 'rejected_request' } }],
    ['KEK_PERMISSION_DENIED', { status: 'failed', report: { kind: 'rejected_request' } }],
    ['WIP_AUTH_FAILED', { status: 'failed', report: { kind: 'rejected_request' } }],
    ['AWS_AUTH_FAILED', { status: 'failed', report: { kind: 'rejected_request' } }],
  ])('a request that failed whole for %s', (reason, expected) => {
    expect(outcomeOf(status('FAILED', errors([reason, '5'])), 0)).toMatchObject(expected);
  });
  test('a body that is no status is not believed', () => {
    expect(outcomeOf({}, 0)).toBeUndefined();
    expect(outcomeOf({ requestStatusPerDestination: [] }, 0)).toBeUndefined();
  });
});
