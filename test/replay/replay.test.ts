/** What workflows of every released version did is gone through with today's workflows, as a worker does that gets one of them after an upgrade. */
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { PATCHES } from '../../src/workflows/patches.ts';
import { fileNameOf, readHistories, type RecordedHistory } from './histories.ts';
import { textsOf } from './record/scrub.ts';
import { bundleOf, installQuietRuntime, replay } from './replay.ts';

let bundle: WorkflowBundleWithSourceMap;
let histories: RecordedHistory[];
beforeAll(async () => {
  installQuietRuntime();
  [histories, bundle] = await Promise.all([readHistories(), bundleOf()]);
}, 120_000);

test('every history of every released version can go on with these workflows', async () => {
  expect(histories.length).toBeGreaterThan(0);
  const problems = await replay(histories, bundle);
  if (problems.length > 0) throw new Error(`${String(problems.length)} of ${String(histories.length)} histories cannot be replayed.\n\n${problems.join('\n\n')}`);
}, 120_000);

test('each workflow has a history of the version in package.json (npm run record:histories)', async () => {
  const { version } = packageJson;
  const types = Object.keys(await import('../../src/workflows/index.ts'));
  const recorded = new Set(histories.filter((one) => one.version === version).map(({ workflowType }) => workflowType));
  expect(types.filter((type) => !recorded.has(type)), `workflows without a history in test/replay/histories/${version}: add a story in test/replay/record/stories, then npm run record:histories`).toEqual([]);
});

test('a history is called after its workflow and its path', () => {
  for (const { path, workflowType } of histories) expect(path.split('/').at(-1)).toMatch(new RegExp(`^${fileNameOf(workflowType)}-[a-z0-9-]+\\.json$`));
});

/** A machine, a process, a folder, somebody's address, a port of the run. */
const PRIVATE = [/\d+@/, /[\w.]+@(?!temporalio)[\w-]+\.\w+/, /(?<![\w.:/])\/(home|root|work|tmp|var|usr|opt|Users)\//, /node_modules/, /file:\/\//, /\b(?!127\.0\.0\.1\b)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/, /(127\.0\.0\.1|localhost):(?!8090\b)\d+/];

describe('a history', () => {
  test('holds nothing of the machine that it was recorded on, and nobody\'s address', () => {
    for (const { path, history } of histories) {
      const texts = textsOf(history);
      for (const pattern of PRIVATE) expect(texts.filter((text) => pattern.test(text)), path).toEqual([]);
    }
  });
  test('knows no patch that src/workflows/patches.ts does not know', () => {
    const known = new Set<string>(Object.values(PATCHES).map(({ id }) => id));
    for (const { path, history } of histories) for (const id of patchesIn(history.events)) expect(known, `${path} holds the patch ${id}, which may go only when no such run is left`).toContain(id);
  });
});

/** The ids of the patches that a run went the new way of. */
function patchesIn(events: RecordedHistory['history']['events']): string[] {
  const markers = events.flatMap((event) => (event['markerRecordedEventAttributes'] as { markerName: string; details?: unknown } | undefined) ?? []);
  return markers.filter(({ markerName }) => markerName === 'core_patch').flatMap(({ details }) => textsOf(details).flatMap((text) => /^\{.*"id":"([^"]+)"/.exec(text)?.[1] ?? []));
}
