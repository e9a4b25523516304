/** Postgres refuses to run as root, so as root its programs run as somebody else. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EmbeddedError } from './embedded-error.ts';
import { run } from './processes.ts';

export interface Unprivileged {
  /** For child_process: empty unless this process is root and another user can reach the files. */
  ids: { uid?: number; gid?: number };
  /** Wraps a command where changing the user id is not enough. */
  command: (file: string, args: string[]) => [string, string[]];
}

const asIs: Unprivileged['command'] = (file, args) => [file, args];
/** In a user namespace the process is not root, while its files still are root's own. */
const IN_NAMESPACE = ['--user', '--map-user=1000', '--map-group=1000', '--'];

/**
 * How to run Postgres' programs. As root: as `postgres` or `nobody` when they can enter the folders of all `paths`, else in a
 * user namespace (a checkout below /root). Throws EmbeddedError when neither works.
 */
export async function findUnprivileged(paths: readonly string[]): Promise<Unprivileged> {
  if (process.getuid?.() !== 0) return { ids: {}, command: asIs };
  for (const name of ['postgres', 'nobody']) {
    const ids = await idsOf(name);
    if (ids && (await Promise.all(paths.map((path) => canEnter(path, ids)))).every(Boolean)) return { ids, command: asIs };
  }
  const inNamespace: Unprivileged['command'] = (file, args) => ['unshare', [...IN_NAMESPACE, file, ...args]];
  if ((await run(...inNamespace('true', []))).code === 0) return { ids: {}, command: inNamespace };
  throw new EmbeddedError(
    `Postgres does not run as root and nobody else can enter ${paths.join(' and ')}: run Headgate as an ordinary user, or name a Postgres by DATABASE_URL.`,
  );
}

async function idsOf(name: string): Promise<{ uid: number; gid: number } | undefined> {
  const [uid, gid] = [await run('id', ['-u', name]), await run('id', ['-g', name])];
  return uid.code === 0 && gid.code === 0 ? { uid: Number(uid.output), gid: Number(gid.output) } : undefined;
}

/** Whether every folder above the path lets the user through. */
async function canEnter(path: string, ids: { uid: number; gid: number }): Promise<boolean> {
  for (let folder = dirname(path), above = ''; folder !== above; above = folder, folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === ids.uid ? 0o100 : gid === ids.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
  }
  return true;
}
