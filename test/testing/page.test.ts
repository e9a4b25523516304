/** docs/testing-workflow-types.md: its code is run as it stands there, beside a real type. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../../src/embedded/processes.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('the code of the page passes', async () => {
  const page = await readFile(join(ROOT, 'docs/testing-workflow-types.md'), 'utf8');
  const [, code = ''] = /```ts\n([^]*?)```/.exec(page) ?? [];
  expect(code).toContain('createTestKit');
  // Below the project, where `headgate` and `vitest` are found.
  const folder = await mkdtemp(join(ROOT, 'test/testing/page-'));
  try {
    await cp(join(ROOT, 'examples/refund-watch/workflows/refund-watch'), join(folder, 'refund-watch'), { recursive: true, filter: (file) => !file.endsWith('.test.ts') });
    await writeFile(join(folder, 'refund-watch', 'page.test.ts'), code);
    await writeFile(join(folder, 'vitest.config.ts'), 'export default { test: { testTimeout: 120_000, hookTimeout: 120_000 } };\n');
    const { code: status, output } = await run(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder], { cwd: ROOT });
    expect(output).toMatch(/Tests .*2 passed|1 passed.*1 skipped/);
    expect(status, output).toBe(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
