/** The table of failures in docs/operating.md against the code: each code that it names means what its row says. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { failureOf as googleFailure, readGoogleError } from '../../src/destinations/google/errors.ts';
import { failureOf as metaFailure } from '../../src/destinations/meta/errors.ts';
import { failureOf as snapFailure } from '../../src/destinations/snap/errors.ts';
import { failureOf as tiktokFailure, PARTIAL } from '../../src/destinations/tiktok/errors.ts';
import type { FailureKind, FailureReport } from '../../src/domain/failures.ts';

const KINDS: Record<string, FailureKind[]> = {
  'rows wrong': ['invalid_row'],
  throttled: ['rate_limited'],
  'token, permission': ['unauthorised'],
  'terms, blocks': ['needs_person'],
  'removals refused': ['needs_person'],
  'setting or id wrong': ['misconfigured'],
  'platform down': ['unavailable'],
  'no answer': ['timed_out'],
  'call wrong for good': ['rejected_request'],
};

const text = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
const section = /^## What each failure looks like\n([^]*?)^## /m.exec(text)?.[1] ?? '';
const rows = section.split('\n').filter((line) => line.startsWith('| ')).slice(1).map((line) => line.slice(2, -2).split(' | '));

/** Each platform's code, with what the platform says of it where its number means several things. */
const READERS: Record<string, (code: string, said: string) => FailureReport | undefined> = {
  meta: (code) => {
    const [given = NaN, subcode] = code.split('/').map(Number);
    // Long numbers mean the same under each code, and are written without one.
    return metaFailure(given > 1_000_000 ? { code: 100, error_subcode: given, message: '' } : { code: given, message: '', ...(subcode === undefined ? {} : { error_subcode: subcode }) }, 0);
  },
  google: (code) => {
    const status = /^\d+$/.test(code);
    const error = readGoogleError({ error: { code: status ? Number(code) : 400, status: '', message: '', details: status ? [] : [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code }] } });
    return error && googleFailure(error, undefined);
  },
  // A partial answer is no failure of the call.
  tiktok: (code, said) => (Number(code) === PARTIAL ? undefined : tiktokFailure(Number(code), said, undefined)),
  snap: (code) => snapFailure(Number(code), {}, undefined),
};

const cases = rows.flatMap(([kind = '', ...cells]) =>
  Object.keys(READERS).flatMap((platform, column) =>
    [...(cells[column] ?? '').matchAll(/`([A-Z_]{5,}|\d[\d/]*)`(?: “([^”]*)”)?/g)].map(([, code = '', said = '']) => [platform, code, said, kind] as const),
  ),
);

test('the table has a row for each kind of failure', () => {
  expect(rows.map(([kind]) => kind)).toEqual(Object.keys(KINDS));
  expect(cases.length).toBeGreaterThan(70);
});

test.each(cases)('%s %s %s: %s', (platform, code, said, kind) => {
  const report = READERS[platform]?.(code, said);
  if (!report) return;
  expect(KINDS[kind]).toContain(report.kind);
  if (kind === 'removals refused') expect(report.refusesRemovals).toBe(true);
});
