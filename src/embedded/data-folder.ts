/** The data folder, and the rule that one running Headgate owns it. */
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EmbeddedError } from './embedded-error.ts';
import { commandOf, isAlive, parentOf, whenGone } from './processes.ts';

export interface DataFolder {
  path: string;
  /** A secret that is made at the first use and kept, readable by the owner only. */
  keptSecret: (name: string) => Promise<string>;
  /** Gives the folder up, so that another Headgate may take it. */
  release: () => Promise<void>;
}

/** How long an instance whose parent was killed may take to stop by itself. */
const ORPHAN_GRACE_MS = 15_000;

/**
 * Makes the folder and takes it. Throws EmbeddedError when it cannot be written, or when a running Headgate owns it. What a
 * crash left behind is taken over.
 */
export async function takeDataFolder(folder: string): Promise<DataFolder> {
  const path = resolve(folder);
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new EmbeddedError(`The data folder ${path} cannot be written: change its permissions or set HEADGATE_DATA to another folder.`, { cause });
  }
  const pidFile = join(path, 'headgate.pid');
  const owner = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (owner && owner !== process.pid && isAlive(owner) && (await commandOf(owner)).includes('headgate') && !(await endsSoon(owner))) {
    throw new EmbeddedError(`A Headgate already runs on ${path} (process ${String(owner)}): stop it, or set HEADGATE_DATA and the ports to others.`);
  }
  await writeFile(pidFile, String(process.pid));
  return {
    path,
    keptSecret: (name) => keepSecret(join(path, name)),
    release: () => rm(pidFile, { force: true }),
  };
}

/** An instance that lost its `npm` (which stands before it, mostly with a shell between) stops by itself; anything else has an owner and stays. */
async function endsSoon(pid: number): Promise<boolean> {
  const parent = await parentOf(pid);
  const orphaned = parent === undefined || parent === 1 || (await parentOf(parent)) === 1;
  return orphaned && whenGone(pid, ORPHAN_GRACE_MS);
}

async function keepSecret(file: string): Promise<string> {
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (kept !== '') return kept;
  const secret = randomBytes(24).toString('hex');
  await writeFile(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}
