/**
 * The last step of `npm pack` (`postpack`): gives the tarball that npm has just written the package.json of the npm package, whose `exports` lead to dist/. Nothing
 * of the repository is changed for it, so whatever ends the run in the middle leaves the tree as it was.
 */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readPackageJson, ROOT, type PackageJson } from './package-json.ts';
import { exportsOfPackage } from './public-entries.ts';
import { run } from './run.ts';

/** What only whoever works on Headgate needs. */
const OF_THE_REPOSITORY = ['scripts', 'devDependencies', 'overrides', 'allowScripts'] as const;

/** package.json of the package. */
export function packageJsonOfPackage(given: PackageJson): Record<string, unknown> {
  const made: Record<string, unknown> = { ...given, ...(given.exports === undefined ? {} : { exports: exportsOfPackage(given) }) };
  for (const key of OF_THE_REPOSITORY) Reflect.deleteProperty(made, key);
  return made;
}

/** Replaces the tarball by the finished one, at once. */
export async function finish(tarball: string): Promise<void> {
  const work = await mkdtemp(join(dirname(tarball), '.headgate-pack-'));
  try {
    await run('tar', ['-xzf', tarball, '-C', work]);
    const folder = join(work, 'package');
    const file = join(folder, 'package.json');
    await writeFile(file, `${JSON.stringify(packageJsonOfPackage(JSON.parse(await readFile(file, 'utf8')) as PackageJson), null, 2)}\n`);
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', work], { cwd: folder });
    await rename(join(work, basename(tarball)), tarball);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  process.stderr.write(`${basename(tarball)} is finished: its package.json leads to dist/. The size and the hashes that npm prints are of before that, those of the file are of now.\n`);
}

if (import.meta.main) {
  const { name, version } = await readPackageJson();
  const tarball = resolve(ROOT, process.env['npm_config_pack_destination'] ?? '', `${name}-${version}.tgz`);
  // `npm pack --dry-run` writes none.
  if (process.env['npm_config_dry_run'] !== 'true' && existsSync(tarball)) await finish(tarball);
}
