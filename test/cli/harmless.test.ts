/** What strangers wrote, on the terminal of whoever looks at it. */
import { expect, test } from 'vitest';
import { harmless, harmlessJson } from '../../src/cli/harmless.ts';
import { table } from '../../src/cli/table.ts';

const HOSTILE = '\u001b]0;pwned\u0007\u001b[2J\u001b[8m\u009b31m\b\b\rok\u007f\u202egnp.exe\u2066\u2028\u0000';
const DANGEROUS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

test('no escape sequence, control character or turned line reaches the terminal, and all of them can be seen', () => {
  expect(harmless(HOSTILE)).not.toMatch(DANGEROUS);
  expect(harmless(HOSTILE)).toContain('\\u001b]0;pwned\\u0007\\u001b[2J');
  expect(table(['campaign'], [[HOSTILE]])).not.toMatch(DANGEROUS);
});

test('lines, tabs, other scripts and the colours of our own tables stay', () => {
  const own = 'a\tb\nZoë 🛒 שלום \u001b[36mhead\u001b[39m \u001b[90m│\u001b[39m';
  expect(harmless(own)).toBe(own);
});

test('JSON for programs holds the same values, written so that a terminal does nothing with them', () => {
  expect(harmlessJson({ a: HOSTILE })).not.toMatch(DANGEROUS);
  expect(JSON.parse(harmlessJson({ a: HOSTILE }))).toEqual({ a: HOSTILE });
});
