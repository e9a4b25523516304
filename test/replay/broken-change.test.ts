/** Two changes of workflows that may be asleep, in a copy of the source: one that nobody thought through, one behind a predicate of patches.ts. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readHistories, type RecordedHistory } from './histories.ts';
import { bundleOf, installQuietRuntime, replay } from './replay.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let copy: string;
let changed: WorkflowBundleWithSourceMap;
let histories: RecordedHistory[];

/** Fails when the text to change is not there any more. */
async function change(file: string, from: string, to: string): Promise<void> {
  const path = join(copy, 'src/workflows', file);
  const text = await readFile(path, 'utf8');
  expect(text, `${file} has changed: this test needs another text to change`).toContain(from);
  await writeFile(path, text.replace(from, to));
}

beforeAll(async () => {
  installQuietRuntime();
  copy = await mkdtemp(join(tmpdir(), 'headgate-changed-'));
  for (const name of ['src/workflows', 'src/domain', 'package.json']) await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  // The removal waits a second first.
  await change('audience-remove.ts', 'return settle(input);', "await sleep('1s');\n  return settle(input);");
  await change('audience-remove.ts', 'import', "import { sleep } from '@temporalio/workflow';\nimport");
  // So does the exposure, when its run began after the change.
  await change('patches.ts', 'export const PATCHES', "export const exposureWaits = (): boolean => patched('exposure-waits');\nexport const PATCHES");
  await change('exposure.ts', 'return settle(input);', "if (exposureWaits()) await sleep('1s');\n  return settle(input);");
  await change('exposure.ts', 'import', "import { sleep } from '@temporalio/workflow';\nimport { exposureWaits } from './patches.ts';\nimport");
  [changed, histories] = await Promise.all([bundleOf(pathToFileURL(`${copy}/`)), readHistories()]);
}, 120_000);
afterAll(() => rm(copy, { recursive: true, force: true }));

const of = (type: string): RecordedHistory[] => histories.filter(({ workflowType }) => workflowType === type);

test('a change that sleeping workflows cannot go through fails with a message that names the history, what differs and what to do', async () => {
  const removals = of('audienceRemove');
  expect(removals.length).toBeGreaterThan(0);
  const problems = await replay(removals, changed);
  expect(problems).toHaveLength(removals.length);
  const [problem] = problems;
  expect(problem).toMatch(/^test\/replay\/histories\/[\d.]+\/audience-remove-[a-z-]+\.json: a audienceRemove that began with Headgate [\d.]+ cannot go on with these workflows\./);
  expect(problem).toMatch(/What differs: Nondeterminism error: .*LocalActivity[^]*What it did then: local activity settle, local activity decide, the end/);
  for (const advice of ['put it behind `patched()`, by a predicate in src/workflows/patches.ts', 'Take it back', 'npm run record:histories', 'delete the folder test/replay/histories/']) expect(problem).toContain(advice);
});

test('the same change behind a predicate of patches.ts lets runs that began before it go on', async () => {
  expect(of('exposure').length).toBeGreaterThan(0);
  expect(await replay(of('exposure'), changed)).toEqual([]);
});
