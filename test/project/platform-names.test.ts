/** Nothing outside a platform's folder and its stand-in knows its name, except one line of the catalogue, and examples in the description of the api. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { catalog } from '../../src/destinations/catalog.ts';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

test('no code names a platform', async () => {
  const names = new RegExp(`(['"\`])(${[...catalog.keys()].join('|')})\\1`);
  const own = new RegExp(`^(sandbox/|api/openapi/|destinations/(catalog\\.ts|(${[...catalog.keys()].join('|')})/))`);
  const files = (await readdir(SRC, { recursive: true })).filter((file) => file.endsWith('.ts') && !own.test(file));
  const naming: string[] = [];
  for (const file of files) if (names.test(await readFile(join(SRC, file), 'utf8'))) naming.push(file);
  expect(files.length).toBeGreaterThan(100);
  expect(naming).toEqual([]);
});
