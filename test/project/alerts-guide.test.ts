/** docs/alerts.md and docs/runbook.md name every rule, and none that is gone. `UPDATE_DOCS=1` writes the table anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RULES, WATCHDOG_RULES, type AlertRule } from '../../src/domain/alert-rules.ts';
import { formatDuration } from '../../src/domain/registry.ts';

const GUIDE = new URL('../../docs/alerts.md', import.meta.url);
const TABLE = /<!-- rules -->\n([\s\S]*)<!-- \/rules -->/;

const shown = (value: number, unit: AlertRule['unit']): string => (unit === null ? '–' : unit === 'share' ? `${String(value * 100)}%` : unit === 'duration' ? formatDuration(value) : value.toLocaleString('en'));
const HEAD = '| rule | of | warning | critical | at least |\n|---|---|---|---|---|\n';
const table = HEAD + (Object.entries(RULES) as [string, AlertRule][])
  .map(([name, { title, unit, defaults }]) => `| \`${name}\` | ${title} | ${shown(defaults.warning, unit)} | ${shown(defaults.critical, unit)} | ${defaults.least > 1 ? defaults.least.toLocaleString('en') : '–'} |\n`)
  .join('');

test('the table of rules is that of the code', () => {
  const text = readFileSync(GUIDE, 'utf8');
  const update = process.env['UPDATE_DOCS'] === '1';
  if (update) writeFileSync(GUIDE, text.replace(TABLE, `<!-- rules -->\n${table}<!-- /rules -->`));
  else expect(TABLE.exec(text)?.[1]).toBe(table);
});

test('every alert has its section in the runbook, and no section is of nothing', () => {
  const sections = [...readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8').matchAll(/^## (\S+)$/gm)].map(([, name]) => name);
  expect(sections.sort()).toEqual([...Object.keys(RULES), ...Object.keys(WATCHDOG_RULES)].sort());
});
