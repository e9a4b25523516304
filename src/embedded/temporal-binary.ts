/**
 * Finds the `temporal` CLI, whose `server start-dev` is the embedded Temporal server, or gets one: named, on PATH, cached,
 * downloaded by Temporal's SDK, or built from Go modules. What is fetched or built appears in the cache only when complete.
 */
import { spawn } from 'node:child_process';
import { chmod, readdir, rename } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { EmbeddedError } from './embedded-error.ts';
import { isThere, obtain, type Obtained } from './obtain.ts';
import { run } from './processes.ts';

/** The version of the CLI that is downloaded or built; it contains server 1.31.2 and UI 2.50.1. */
export const TEMPORAL_CLI_VERSION = '1.8.2';
/** Task-queue priorities are on by default from this server version. */
const OLDEST_SERVER = [1, 31] as const;
const OLDEST_GO = [1, 26, 4] as const;
const GO_MODULE = fileURLToPath(new URL('../../tools/temporal/', import.meta.url));
const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal';

export interface FindOptions {
  /** Default: that of this process. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** Says what is being done, one line at a time. */
  say: (line: string) => void;
}

/** Throws EmbeddedError with everything that was tried when there is no way to get one. */
export async function findTemporalBinary({ environment = process.env, say }: FindOptions): Promise<Obtained> {
  const named = environment['TEMPORAL_CLI_PATH'];
  if (named) {
    const problem = await whyUnusable(named);
    if (problem) throw new EmbeddedError(`TEMPORAL_CLI_PATH names ${named}, which ${problem}.`);
    return { path: named, origin: 'named by TEMPORAL_CLI_PATH' };
  }
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'temporal');
    if (!(await isThere(path))) continue;
    const problem = await whyUnusable(path);
    if (!problem) return { path, origin: 'found on PATH' };
    say(`Temporal: ${path} ${problem}; looking further.`);
  }
  return obtain({
    name: `temporal-${TEMPORAL_CLI_VERSION}`,
    whyUnusable,
    ways: [
      { origin: 'downloaded', make: download },
      { origin: 'built from Go modules', make: build },
    ],
    what: 'Temporal server',
    instead: 'Install the Temporal CLI, or name a running server by TEMPORAL_ADDRESS.',
    environment,
    say,
  });
}

/** Undefined when the program runs and contains a server that is new enough; else the end of a sentence. */
async function whyUnusable(path: string): Promise<string | undefined> {
  const { code, output } = await run(path, ['--version']);
  if (code !== 0) return 'does not run';
  const server = /Server (\d+)\.(\d+)/.exec(output);
  if (!server) return 'is not the Temporal CLI';
  const enough = isAtLeast([Number(server[1]), Number(server[2])], OLDEST_SERVER);
  return enough ? undefined : `contains server ${server[1] ?? ''}.${server[2] ?? ''}, older than ${OLDEST_SERVER.join('.')}`;
}

function isAtLeast(version: readonly number[], oldest: readonly number[]): boolean {
  for (const [index, part] of oldest.entries()) {
    const own = version[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

/** By Temporal's own SDK, which checks nothing but the address: temporal.download. Returns why it did not work. */
async function download(made: string, work: string, say: FindOptions['say']): Promise<string | undefined> {
  say(`Temporal: downloading CLI ${TEMPORAL_CLI_VERSION} (about 40 MB, once).`);
  try {
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const server = { executable: { type: 'cached-download', version: `v${TEMPORAL_CLI_VERSION}`, downloadDir: work } as const };
    const environment = await TestWorkflowEnvironment.createLocal({ server });
    await environment.teardown();
    const [file] = (await readdir(work)).filter((name) => name.startsWith('temporal'));
    if (file === undefined) return 'the download left no file';
    await rename(join(work, file), made);
    await chmod(made, 0o755);
    return undefined;
  } catch (error) {
    const [, reason] = /([^:]*)$/.exec(error instanceof Error ? error.message : String(error)) ?? [];
    return `the download failed (${reason?.trim() ?? ''})`;
  }
}

/** From Go modules, with the recipe of tools/temporal/go.mod. Returns why it did not work. */
async function build(made: string, _work: string, say: FindOptions['say']): Promise<string | undefined> {
  const { code, output } = await run('go', ['version'], { cwd: GO_MODULE });
  if (code !== 0) return 'Go is not installed, so the server cannot be built';
  const version = (/go(\d+)\.(\d+)(?:\.(\d+))?/.exec(output) ?? []).slice(1).map((part) => Number(part));
  if (!isAtLeast(version, OLDEST_GO)) return `Go ${version.join('.')} is older than ${OLDEST_GO.join('.')}, so the server cannot be built`;

  say(`Temporal: building CLI ${TEMPORAL_CLI_VERSION} from Go modules. This happens once and takes 5 to 10 minutes on 2 cores.`);
  let fetched = 0;
  const listed = await runGo(['list', '-deps', GO_PACKAGE], (line) => {
    if (line.startsWith('go: downloading') && ++fetched % 50 === 0) say(`Temporal: fetched ${String(fetched)} modules.`);
  });
  if (listed.code !== 0) return `the Go modules could not be fetched (${listed.lastLine})`;
  const total = listed.lines;
  let compiled = 0;
  let shown = Date.now();
  const built = await runGo(['build', '-v', '-trimpath', '-ldflags', '-s -w', '-o', made, GO_PACKAGE], () => {
    compiled++;
    if (Date.now() - shown < 10_000) return;
    shown = Date.now();
    say(`Temporal: compiled ${String(compiled)} of ${String(total)} packages.`);
  });
  return built.code === 0 ? undefined : `the build failed (${built.lastLine})`;
}

async function runGo(args: string[], onProgress: (line: string) => void): Promise<{ code: number; lines: number; lastLine: string }> {
  const child = spawn('go', args, { cwd: GO_MODULE, env: { ...process.env, CGO_ENABLED: '0' }, stdio: ['ignore', 'pipe', 'pipe'] });
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  let lines = 0;
  let lastLine = '';
  createInterface(child.stdout).on('line', () => lines++);
  createInterface(child.stderr).on('line', (line) => {
    lastLine = line;
    onProgress(line);
  });
  const code = await new Promise<number>((resolve) => {
    child.once('error', () => {
      resolve(1);
    });
    child.once('close', (status) => {
      resolve(status ?? 1);
    });
  });
  process.off('exit', endWithUs);
  return { code, lines, lastLine };
}
