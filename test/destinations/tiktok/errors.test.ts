/** Each code of TikTok's reference, in Headgate's vocabulary. */
import { expect, test } from 'vitest';
import { failureOf, failureOfStatus } from '../../../src/destinations/tiktok/errors.ts';
import type { FailureKind } from '../../../src/domain/failures.ts';

const of = (kind: FailureKind, ...codes: number[]): [number, FailureKind][] => codes.map((code) => [code, kind]);

test.each<[number, FailureKind]>([
  ...of('invalid_row', 20001, 40000, 40002, 40011, 40061),
  ...of('misconfigured', 40007, 40300, 40301),
  ...of('unauthorised', 40001, 40102, 40104, 40105, 40106, 40113),
  ...of('rate_limited', 40016, 40100, 40132, 40133, 61000),
  ...of('rejected_request', 40062, 49999),
  ...of('needs_person', 40118, 40119, 40125, 41000),
  ...of('unavailable', 40202, 50000, 50002, 51010, 51063, 51999, 52001, 60001),
])('code %s is %s', (code, kind) => {
  const report = failureOf(code, 'words of TikTok', 'R1');
  expect(report.kind).toBe(kind);
  expect(report.cause).toBe(`words of TikTok (code ${String(code)}, request R1)`);
  expect(['unavailable', 'rate_limited'].includes(kind) || report.cure !== '').toBe(true);
});

test.each<[string, FailureKind]>([
  ['The audience is being updated, try again later', 'unavailable'],
  ['audience size 0 (<1,000 matches)', 'needs_person'],
  ['id_schema: invalid', 'invalid_row'],
])('code 40002 means three things: %s', (message, kind) => {
  expect(failureOf(40002, message, undefined).kind).toBe(kind);
});

test('a small audience refuses removals; an app that is not allow-listed is refused everything', () => {
  expect(failureOf(40002, 'audience size 0 (<1,000 matches)', undefined).refusesRemovals).toBe(true);
  for (const code of [40001, 40105, 40118, 41000, 40300]) expect(failureOf(code, 'words', undefined).refusesRemovals).toBeUndefined();
});

test.each<[string, number]>([
  ['App reaches the QPS limit 10, current QPS is 11', 1_000],
  ['App reaches the QPM limit 600, current QPM is 601', 300_000],
  ['App reaches the QPD limit', 3_600_000],
  ['Too many requests', 60_000],
])('how long a throttled app waits: %s', (message, ms) => {
  expect(failureOf(40100, message, undefined, Date.parse('2026-11-24T23:00:00Z')).retryAfterMs).toBe(ms);
});

test.each<[number, FailureKind, number | undefined]>([
  [404, 'rejected_request', undefined],
  [429, 'rate_limited', 60_000],
  [502, 'unavailable', 300_000],
])('HTTP %s without a code is %s', (status, kind, ms) => {
  expect(failureOfStatus(status, 'nothing')).toMatchObject({ kind, ...(ms === undefined ? {} : { retryAfterMs: ms }) });
});
