/** Snap's answers, in Headgate's vocabulary. */
import { expect, test } from 'vitest';
import { failureOf, readSnapError } from '../../../src/destinations/snap/errors.ts';
import type { FailureKind } from '../../../src/domain/failures.ts';

test.each<[number, FailureKind]>([
  [400, 'invalid_row'],
  [401, 'unauthorised'],
  [403, 'unauthorised'],
  [404, 'misconfigured'],
  [429, 'rate_limited'],
  [500, 'unavailable'],
  [503, 'unavailable'],
  [200, 'invalid_row'],
])('HTTP %s with an error in the body is %s', (status, kind) => {
  const error = readSnapError({ request_status: 'ERROR', request_id: 'r1', debug_message: 'words of Snap', error_code: 'E1' }, status);
  expect(failureOf(status, error!, undefined)).toMatchObject({ kind, cause: `words of Snap (HTTP ${String(status)}, E1, request r1)` });
});

test('a success is no error, in capitals or not', () => {
  expect(readSnapError({ request_status: 'SUCCESS' }, 200)).toBeUndefined();
  expect(readSnapError({ request_status: 'success' }, 200)).toBeUndefined();
});

test('an empty 401 is an error all the same', () => {
  expect(readSnapError('unauthorized', 401)).toEqual({});
});
