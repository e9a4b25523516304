/** docs/settings.md says what the environment is read for. UPDATE_DOCS=1 writes its table anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../src/config/environment.ts';

const PAGE = new URL('../../docs/settings.md', import.meta.url);
const TABLE = /(<!-- settings: [^\n]* -->\n)[^]*(<!-- \/settings -->)/;

test('docs/settings.md has a row for every setting', () => {
  const rows = SETTINGS.map(({ name, fallback, what }) => `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${what.replaceAll('|', '\\|')} |`);
  const table = ['', '| variable | default | what |', '|---|---|---|', ...rows, '', ''].join('\n');
  const page = readFileSync(PAGE, 'utf8');
  const expected = page.replace(TABLE, (_whole, start: string, end: string) => `${start}${table}${end}`);
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, expected);
  else expect(page).toBe(expected);
});
