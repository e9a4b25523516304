/** docs/files.md has tables that are loaded by the place of their columns, and what the import knows of Customer.io's. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { COLUMNS } from '../../src/cli/files/customerio-columns.ts';
import { EXPOSURE_COLUMNS } from '../../src/domain/exposure-columns.ts';

const guide = await readFile(new URL('../../docs/files.md', import.meta.url), 'utf8');

test('its tables have the columns of the files, in their order', () => {
  const tables = [...guide.matchAll(/create table exposures \(\n([^;]*?)\n\)/g)].map(([, columns = '']) => columns.split(/,\s+/).map((column) => column.trim().split(' ')[0]));
  expect(tables).toEqual([Object.keys(EXPOSURE_COLUMNS), Object.keys(EXPOSURE_COLUMNS)]);
});

test('it names every column of Customer.io that the import knows', () => {
  const shown = new Set([...guide.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  const metrics = /^(human_|prefetch_)?(drafted|attempted|sent|delivered|opened|clicked|converted|unsubscribed|subscribed|bounced|dropped|spammed|failed|undeliverable|replied)(_at)?$/;
  expect([...COLUMNS.keys()].filter((column) => !shown.has(column) && !metrics.test(column))).toEqual([]);
});
