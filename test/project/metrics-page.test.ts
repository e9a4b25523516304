/** docs/metrics.md and the code say the same. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { ownMetrics, TEMPORAL_METRICS } from '../support/metric-names.ts';

const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const rows = page.split('\n').flatMap((line) => /^\| `((?:headgate|temporal)_\w+)` \| (.*) \|$/.exec(line) ?? []).filter((_, index) => index % 3 > 0);
const written = new Map(Array.from({ length: rows.length / 2 }, (_, index) => [rows[2 * index]!, rows[2 * index + 1]!.split(' | ')] as const));
const own = [...ownMetrics()].filter(([name]) => name.startsWith('headgate_'));

test('every metric of the code has its row in docs/metrics.md, and every row its metric', () => {
  const names = [...own.map(([name]) => name), ...Object.keys(TEMPORAL_METRICS)];
  expect([...written.keys()].toSorted()).toEqual(names.toSorted());
});

describe.each(own)('%s', (name, { type, labels }) => {
  const [writtenType, writtenLabels, unit] = written.get(name) ?? [];

  test('has the type, the labels and the unit that the page says', () => {
    expect(writtenType).toBe(type);
    expect(writtenLabels).toBe(labels.length === 0 ? '–' : labels.map((label) => `\`${label}\``).join(', '));
    if (name.replace(/_total$/, '').endsWith('_seconds')) expect(unit).toMatch(name.endsWith('_timestamp_seconds') ? /^Unix time$/ : /^seconds$/);
  });

  test('is named as Prometheus wants it, and counts nobody one by one', () => {
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name).toMatch(/^headgate_[a-z]+(_[a-z]+)*$/);
    expect(labels.filter((label) => /person|event|customer|email|phone|(^|_)id$|run/.test(label))).toEqual([]);
  });
});
