/** Changes of sleeping workflows stand in one file, each with what a reader of it must know. */
import { fileURLToPath } from 'node:url';
import { ESLint, Linter } from 'eslint';
import { describe, expect, test } from 'vitest';
import { PATCHES } from '../../src/workflows/patches.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const patches = Object.values(PATCHES);

test('no two patches share an id, and each says since when it is, and when it may go', () => {
  expect(new Set(patches.map(({ id }) => id)).size).toBe(patches.length);
  for (const { since, mayGoOn } of patches) {
    for (const day of [since, mayGoOn]) expect(new Date(day).toISOString()).toBe(`${day}T00:00:00.000Z`);
    expect(Date.parse(mayGoOn)).toBeGreaterThan(Date.parse(since));
  }
});

describe('eslint', () => {
  const complaintsAbout = async (code: string, file: string): Promise<string[]> => {
    const { rules } = (await new ESLint({ cwd: ROOT }).calculateConfigForFile(file)) as Linter.Config;
    return new Linter().verify(code, { rules: { 'no-restricted-imports': rules?.['no-restricted-imports'] ?? 'off' } }).map(({ message }) => message);
  };
  test.each(["import { patched } from '@temporalio/workflow';", "import { sleep, deprecatePatch as over } from '@temporalio/workflow';", "import * as temporal from '@temporalio/workflow';"])('refuses in a workflow: %s', async (code) => {
    expect(await complaintsAbout(code, 'src/workflows/audience-add.ts')).toEqual([expect.stringContaining('src/workflows/patches.ts')]);
  });
  test('lets patches.ts do it, and workflows have everything else', async () => {
    expect(await complaintsAbout("import { patched, deprecatePatch } from '@temporalio/workflow';", 'src/workflows/patches.ts')).toEqual([]);
    expect(await complaintsAbout("import { condition } from '@temporalio/workflow';", 'src/workflows/audience-add.ts')).toEqual([]);
    expect(await complaintsAbout("import { readFile } from 'node:fs';", 'src/workflows/patches.ts')).toEqual([expect.stringContaining('reach nothing outside')]);
  });
});
