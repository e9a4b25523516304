/**
 * Programs that Headgate fetches or builds once per machine and user, and keeps in the user's cache folder. What is being made
 * appears there only when it is complete, and one process at a time makes it.
 */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, platform } from 'node:os';
import { join } from 'node:path';
import { EmbeddedError } from './embedded-error.ts';
import { isAlive } from './processes.ts';

export interface Obtained {
  path: string;
  /** For people: where it came from. */
  origin: string;
}

/** One way to get a program. */
export interface Way {
  /** For people: what that makes it, such as `downloaded`. */
  origin: string;
  /** Makes it at `made`, which lies in the folder `work`, of which nothing else remains. Returns why that did not work. */
  make: (made: string, work: string, say: (line: string) => void) => Promise<string | undefined>;
}

export interface ObtainOptions {
  /** Of the file or folder in the cache, with its version. */
  name: string;
  /** Of the program inside `name`, when that is a folder. */
  program?: string;
  /** Undefined when the program works; else the end of a sentence. */
  whyUnusable: (path: string) => Promise<string | undefined>;
  ways: readonly Way[];
  /** For people, such as `Temporal server`. */
  what: string;
  /** For people: what they can do where there is no way. */
  instead: string;
  environment: Readonly<Record<string, string | undefined>>;
  say: (line: string) => void;
}

/** `$XDG_CACHE_HOME`, else the system's own place for caches, below it `headgate`. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const own = environment['XDG_CACHE_HOME'];
  if (own) return join(own, 'headgate');
  return platform() === 'darwin' ? join(homedir(), 'Library', 'Caches', 'headgate') : join(homedir(), '.cache', 'headgate');
}

export const isThere = async (path: string): Promise<boolean> => stat(path).then((found) => found.isFile(), () => false);

/** From the cache, else the first way that works. Throws EmbeddedError with everything that was tried when there is none. */
export async function obtain({ name, program = '', whyUnusable, ways, what, instead, environment, say }: ObtainOptions): Promise<Obtained> {
  const cached = join(cacheFolder(environment), name);
  const path = join(cached, program);
  const isCached = async (): Promise<boolean> => (await isThere(path)) && (await whyUnusable(path)) === undefined;
  if (await isCached()) return { path, origin: 'cached' };
  await mkdir(cacheFolder(environment), { recursive: true });
  const release = await takeTurn(`${cached}.lock`, what, say);
  await removeLeftovers(cacheFolder(environment));
  const work = await mkdtemp(`${cached}.making-${String(process.pid)}-`);
  try {
    if (await isCached()) return { path, origin: 'cached' };
    const tried: string[] = [];
    for (const { origin, make } of ways) {
      const made = join(work, 'made');
      const problem = await make(made, work, say);
      if (problem === undefined) {
        // What lies there does not work; a folder would not be replaced.
        await rm(cached, { recursive: true, force: true });
        await rename(made, cached);
        return { path, origin };
      }
      await rm(made, { recursive: true, force: true });
      tried.push(problem);
      say(`Temporal: ${problem}.`);
    }
    throw new EmbeddedError(`No ${what}: ${tried.join('; ')}. ${instead}`);
  } finally {
    await rm(work, { recursive: true, force: true });
    await release();
  }
}

/** What a killed process was making. */
async function removeLeftovers(folder: string): Promise<void> {
  const leftovers = (await readdir(folder)).filter((name) => {
    const [, maker] = /\.making-(?:(\d+)-)?/.exec(name) ?? [];
    return name.includes('.making-') && !(maker !== undefined && isAlive(Number(maker)));
  });
  await Promise.all(leftovers.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

async function takeTurn(lock: string, what: string, say: (line: string) => void): Promise<() => Promise<void>> {
  for (let waited = false; ; waited = true) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      return () => rm(lock, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new EmbeddedError(`The cache folder cannot be written (${(error as Error).message}): set XDG_CACHE_HOME to another.`, { cause: error });
      }
    }
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (holder && !isAlive(holder)) await rm(lock, { force: true });
    if (!waited) say(`Temporal: another process is getting the ${what}; waiting for it.`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
