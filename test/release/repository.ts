/** What git and the project's folder say. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { releasesIn, type ApiLike, type Tree } from './rules.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const execute = promisify(execFile);
/** More than any listing here. */
const MOST_OUTPUT = 64 * 1024 * 1024;

export async function git(...args: string[]): Promise<string> {
  const { stdout } = await execute('git', args, { cwd: ROOT, maxBuffer: MOST_OUTPUT });
  return stdout;
}

/** In ascending order. */
export const readReleases = async (): Promise<string[]> => releasesIn((await git('tag', '--list', 'v*')).split('\n'));

/** What a commit has in a folder; `--` and the like of its names are git's. @param revision undefined: nothing was released yet */
export async function treeOf(revision: string | undefined, folder: string): Promise<Tree> {
  if (revision === undefined) return new Map();
  const lines = (await git('ls-tree', '-r', revision, folder)).split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => {
    const [meta = '', path = ''] = line.split('\t');
    return [path, meta.split(' ')[2] ?? ''];
  }));
}

/** What is in the folder now, committed or not. */
export async function treeNow(folder: string): Promise<Tree> {
  const paths = (await git('ls-files', '--cached', '--others', '--exclude-standard', folder)).split('\n').filter((path) => path !== '');
  const present = await Promise.all([...new Set(paths)].map(async (path): Promise<[string, string][]> => {
    const hash = await git('hash-object', '--', path).catch(() => undefined);
    return hash === undefined ? [] : [[path, hash.trim()]];
  }));
  return new Map(present.flat());
}

/** The description of the api that a release serves, made by its own source. */
export async function apiOf(tag: string): Promise<ApiLike> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-release-'));
  try {
    await execute('sh', ['-c', `git archive "$1" | tar -x -C "$2"`, 'sh', tag, folder], { cwd: ROOT });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const print = join(folder, 'print-api.ts');
    await writeFile(print, "import { describeApi } from './src/api/openapi/document.ts';\nprocess.stdout.write(JSON.stringify(describeApi()));\n");
    const { stdout } = await execute(process.execPath, [print], { cwd: folder, maxBuffer: MOST_OUTPUT });
    return JSON.parse(stdout) as ApiLike;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a command; resolves with whether it went well and what it said. */
export function run(command: string, args: readonly string[]): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
    child.once('error', reject);
    child.once('close', (code) => { resolve({ ok: code === 0, output }); });
  });
}
