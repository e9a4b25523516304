/**
 * Everything about a release that a machine can look at, in the order of docs/releasing.md. A script of package.json whose name begins with `release:check:`
 * is one more of them: it is run, and its exit code is the answer.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { describeApi } from '../../src/api/openapi/document.ts';
import { createProgram } from '../../src/cli/main.ts';
import { describeCommands } from '../../src/cli/reference.ts';
import { PATCHES } from '../../src/workflows/patches.ts';
import { HISTORIES, readHistories } from '../replay/histories.ts';
import { makeSchema } from '../support/make-schema.ts';
import { apiOf, git, readReleases, ROOT, run, treeNow, treeOf } from './repository.ts';
import { apiBreaks, changedSince, changelogProblems, historyProblems, lockProblems, migrationProblems, patchesDue, versionProblems, type ApiLike, type LockLike } from './rules.ts';

export interface Check {
  /** What is to be true. */
  name: string;
  /** What is wrong; nothing when it is true. */
  look: () => Promise<string[]>;
  /** What to do when it is not. */
  cure: string;
  /** Nothing to stop a release for. */
  reminder?: true;
}

const { version } = packageJson;
const MIGRATIONS = 'src/ledger/migrations';
const HISTORIES_FOLDER = 'test/replay/histories';

const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');
const lastTag = async (): Promise<string | undefined> => {
  const newest = (await readReleases()).at(-1);
  return newest === undefined ? undefined : `v${newest}`;
};

async function foldersOfHistories(): Promise<string[]> {
  const entries = await readdir(HISTORIES, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
}

/** Of versions before this one, and not those that were given up with their whole folder. */
async function changedHistories(): Promise<string[]> {
  const tag = await lastTag();
  const folders = new Set(await foldersOfHistories());
  const before = [...(await treeOf(tag, HISTORIES_FOLDER))].filter(([path]) => folders.has(path.split('/')[3] ?? ''));
  return changedSince(new Map(before), await treeNow(HISTORIES_FOLDER));
}

/** The end of what a command said, where its complaint stands. */
const LAST_LINES = 30;
async function complaintOf(command: string, ...args: string[]): Promise<string[]> {
  const { ok, output } = await run(command, args);
  return ok ? [] : [output.trim().split('\n').slice(-LAST_LINES).join('\n')];
}

export const CHECKS: readonly Check[] = [
  { name: `${version} is a new version`, look: async () => versionProblems(version, await readReleases()), cure: 'Raise it: npm version <version> --no-git-tag-version' },
  { name: 'package-lock.json is in step with package.json', look: async () => lockProblems(packageJson, JSON.parse(await read('package-lock.json')) as LockLike), cure: 'npm install --package-lock-only, and commit package-lock.json' },
  { name: `CHANGELOG.md has notes for ${version}`, look: async () => changelogProblems(await read('CHANGELOG.md'), version), cure: `Give what stands under Unreleased the title "## ${version} · <today>", and say what an operator must know` },
  { name: `the API's description says ${version}`, look: () => Promise.resolve(describeApi().info.version === version ? [] : [`it says ${describeApi().info.version}`]), cure: 'src/api/openapi/document.ts takes it from package.json' },
  {
    name: 'callers of the last release can call this one',
    look: async () => {
      const tag = await lastTag();
      return tag === undefined ? [] : apiBreaks(await apiOf(tag), describeApi() as unknown as ApiLike);
    },
    cure: 'Keep what callers use beside what is new. If it must go, it goes with a new major version and a line in CHANGELOG.md, and callers have been told',
  },
  { name: 'released migrations are as they were, and new ones come after them', look: async () => migrationProblems(await treeOf(await lastTag(), MIGRATIONS), await treeNow(MIGRATIONS)), cure: 'Take the change back; a new migration is a new file with the next number' },
  { name: 'src/ledger/schema.sql is what the migrations make', look: async () => ((await makeSchema()) === (await read('src/ledger/schema.sql')) ? [] : ['it is not']), cure: 'npm run schema, and commit it' },
  { name: 'docs/cli.md is what the commands say', look: async () => (describeCommands(createProgram()) === (await read('docs/cli.md')) ? [] : ['it is not']), cure: 'npm run cli-reference, and commit it' },
  {
    name: `histories of ${version} are recorded, and those of earlier versions are kept`,
    look: async () => {
      const recorded = (await readHistories()).filter((one) => one.version === version).map(({ workflowType }) => workflowType);
      return historyProblems({ version, workflows: Object.keys(await import('../../src/workflows/index.ts')), recorded, released: await readReleases(), folders: await foldersOfHistories() });
    },
    cure: 'npm run record:histories, look at the diff, and commit test/replay/histories',
  },
  { name: 'histories of released versions are as they were', look: changedHistories, cure: `git checkout <the last tag> -- ${HISTORIES_FOLDER}/<version>: only a whole version that nobody may come from any more goes` },
  { name: 'all histories can be replayed', look: () => complaintOf(process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', 'test/replay'), cure: 'What to do stands with each history above' },
  { name: 'every old way of a workflow is still needed', look: () => Promise.resolve(patchesDue(Object.values(PATCHES), new Date().toISOString().slice(0, 10))), cure: 'Consider taking the old way and the entry out, as docs/releasing.md says', reminder: true },
  ...Object.keys(packageJson.scripts)
    .filter((name) => name.startsWith('release:check:'))
    .map((name): Check => ({ name: `npm run ${name}`, look: () => complaintOf('npm', 'run', '--silent', name), cure: 'What to do stands above' })),
  {
    name: 'everything is committed',
    look: async () => (await git('status', '--porcelain')).split('\n').filter((line) => line !== ''),
    cure: 'Commit it, or take it back: a tag is of what is committed',
  },
];
