/** Each code of Meta's error reference, in Headgate's vocabulary. */
import { expect, test } from 'vitest';
import { failureOf, readMetaError } from '../../../src/destinations/meta/errors.ts';
import { restAfter } from '../../../src/destinations/meta/throttling.ts';
import type { FailureKind } from '../../../src/domain/failures.ts';

test.each<[code: number, subcode: number | undefined, kind: FailureKind]>([
  [1, undefined, 'unavailable'],
  [2, undefined, 'unavailable'],
  [1, 99, 'invalid_row'],
  [4, undefined, 'rate_limited'],
  [17, undefined, 'rate_limited'],
  [17, 2446079, 'rate_limited'],
  [32, undefined, 'rate_limited'],
  [341, undefined, 'rate_limited'],
  [613, 1487742, 'rate_limited'],
  [613, undefined, 'needs_person'],
  [80000, undefined, 'rate_limited'],
  [80003, 2446079, 'rate_limited'],
  [80004, undefined, 'rate_limited'],
  [80014, undefined, 'rate_limited'],
  [368, undefined, 'needs_person'],
  [100, undefined, 'invalid_row'],
  [100, 33, 'misconfigured'],
  [100, 1713230, 'needs_person'],
  [105, undefined, 'rejected_request'],
  [194, undefined, 'rejected_request'],
  [190, undefined, 'unauthorised'],
  [190, 458, 'unauthorised'],
  [190, 459, 'unauthorised'],
  [190, 460, 'unauthorised'],
  [190, 463, 'unauthorised'],
  [190, 464, 'unauthorised'],
  [190, 467, 'unauthorised'],
  [102, undefined, 'unauthorised'],
  [10, undefined, 'unauthorised'],
  [200, undefined, 'unauthorised'],
  [200, 1870034, 'needs_person'],
  [200, 1870090, 'needs_person'],
  [200, 1870092, 'needs_person'],
  [200, 1870050, 'needs_person'],
  [200, 1870047, 'needs_person'],
  [294, undefined, 'unauthorised'],
  [2635, undefined, 'misconfigured'],
  [2650, undefined, 'rejected_request'],
  [2650, 1870145, 'unavailable'],
  [2650, 1870148, 'unavailable'],
  [2650, 1870147, 'unavailable'],
  [2650, 1870159, 'unavailable'],
  [2650, 1870158, 'unavailable'],
  [2650, 1870144, 'rejected_request'],
  [2655, undefined, 'needs_person'],
  [1487301, undefined, 'misconfigured'],
  [1487366, undefined, 'misconfigured'],
  [100, 1487301, 'misconfigured'],
  [100, 1487366, 'misconfigured'],
  [2650, 1870047, 'needs_person'],
  [100, 1870034, 'needs_person'],
  [987654, undefined, 'rejected_request'],
])('code %s subcode %s is %s', (code, subcode, kind) => {
  const error = readMetaError({ error: { message: 'words of Meta', code, ...(subcode === undefined ? {} : { error_subcode: subcode }), fbtrace_id: 'AbC' } });
  if (!error) throw new Error('not read');
  const report = failureOf(error, 0);
  expect(report.kind).toBe(kind);
  expect(report.cause).toMatch(/words of Meta \(code .*fbtrace_id AbC\)/);
  const heals = ['unavailable', 'rate_limited'].includes(kind);
  expect(heals || report.cure !== '').toBe(true);
});

test('an unknown error with many rows is answered by a smaller call, down to one that is not large; a transient one by the same call', () => {
  const unknown = { message: 'An unknown error occurred', code: 1 };
  expect([10_000, 501, 500, 1].map((rows) => failureOf(unknown, 0, rows).kind)).toEqual(['invalid_row', 'invalid_row', 'unavailable', 'unavailable']);
  expect(failureOf({ ...unknown, is_transient: true }, 0, 10_000).kind).toBe('unavailable');
  expect(failureOf({ ...unknown, code: 2 }, 0, 10_000).kind).toBe('unavailable');
});

test('a small audience and a flagged one refuse removals; terms, blocks and tokens are about every call', () => {
  const refuses = (code: number, subcode?: number): boolean => failureOf({ message: '', code, ...(subcode === undefined ? {} : { error_subcode: subcode }) }, 0).refusesRemovals ?? false;
  expect([refuses(200, 1870047), refuses(100, 1713230)]).toEqual([true, true]);
  expect([refuses(200, 1870034), refuses(613), refuses(368), refuses(2655), refuses(190), refuses(100, 33)]).toEqual([false, false, false, false, false, false]);
});

test('an unknown code does not become an outage that is tried again each minute', () => {
  expect(failureOf({ message: '', code: 987654 }, 0)).toMatchObject({ kind: 'rejected_request', cure: expect.stringContaining('not known') as string });
});

test('a code that nobody knows, and that Meta calls transient, is tried again', () => {
  expect(failureOf({ message: '', code: 987654, is_transient: true }, 0).kind).toBe('unavailable');
});

test('what the headers ask for wins over the usual wait', () => {
  expect(failureOf({ message: '', code: 17 }, 1_234).retryAfterMs).toBe(1_234);
});

test.each([{}, { error: 'text' }, [], null, '<html>'])('a body without Meta\'s error is none (%j)', (body) => {
  expect(readMetaError(body)).toBeUndefined();
});

test.each<[number, number | undefined, number]>([[4, undefined, 60_000], [613, 1487742, 300_000], [80003, 2446079, 300_000], [613, undefined, 300_000], [368, undefined, 900_000]])('without a word of Meta, code %s/%s waits for %s ms', (code, subcode, ms) => {
  expect(failureOf({ message: '', code, ...(subcode === undefined ? {} : { error_subcode: subcode }) }, 0).retryAfterMs).toBe(ms);
});

test.each<[string, string, object | string, number]>([
  ['business usage with time to wait', 'x-business-use-case-usage', { '1': [{ call_count: 1, estimated_time_to_regain_access: 7 }] }, 420_000],
  ['business usage that is full', 'x-business-use-case-usage', { '1': [{ call_count: 2, total_time: 96 }] }, 60_000],
  ['business usage with room', 'x-business-use-case-usage', { '1': [{ call_count: 94, total_time: 3, total_cputime: 3, estimated_time_to_regain_access: 0 }] }, 0],
  ['an account that is full', 'x-ad-account-usage', { acc_id_util_pct: 100, reset_time_duration: 5 }, 5_000],
  ['an account with room', 'x-ad-account-usage', { acc_id_util_pct: 9.5, reset_time_duration: 60 }, 0],
  ['an app that is full', 'x-app-usage', { call_count: 95 }, 60_000],
  ['a header that is no JSON', 'x-app-usage', 'busy', 0],
])('%s', (_name, header, value, ms) => {
  expect(restAfter(new Headers({ [header]: typeof value === 'string' ? value : JSON.stringify(value) }))).toBe(ms);
});
