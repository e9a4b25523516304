/** A Temporal server of its own for a test file, so that workflow ids and task queues of files never meet. */
import { chmod, cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { startTemporal, type EmbeddedTemporal } from '../../src/embedded/index.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import { whenGone } from '../../src/embedded/processes.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/contract.ts';

export interface TestTemporal extends EmbeddedTemporal {
  /** Ends the process without a goodbye. */
  kill: () => void;
  /** Starts it again on the same file and port. */
  restart: () => Promise<void>;
  /** Ends the process, keeps a copy of its database as a backup, and starts it again. */
  backUp: () => Promise<void>;
  /** Starts it again with the database as it was kept. The process must have ended. */
  restartFromBackup: () => Promise<void>;
  /** Starts it again on the same port with nothing in it, not even Headgate's search attributes. */
  restartEmpty: () => Promise<void>;
}

export async function startTestTemporal(): Promise<TestTemporal> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-temporal-'));
  await chmod(folder, 0o755);
  const start = async () => {
    const options = { binary: inject('temporalBinary'), folder, port: await findFreePort(), uiPort: await findFreePort(), searchAttributes: SEARCH_ATTRIBUTES };
    return { options, running: await startTemporal(options) };
  };
  // Somebody else may take a port between the moment that it is found free and the moment that the server listens.
  const first = await start().catch(start).catch(start);
  const { options } = first;
  let { running } = first;
  const databaseFiles = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.startsWith('temporal.db'));
  return {
    ...running,
    kill: () => {
      process.kill(running.pid, 'SIGKILL');
    },
    restart: async () => {
      running = await startTemporal(options);
    },
    backUp: async () => {
      process.kill(running.pid, 'SIGKILL');
      await whenGone(running.pid, 10_000);
      for (const file of await databaseFiles()) await cp(join(folder, file), join(folder, `backup-${file}`));
      running = await startTemporal(options);
    },
    restartFromBackup: async () => {
      await whenGone(running.pid, 10_000);
      for (const file of await databaseFiles()) await rm(join(folder, file));
      for (const file of (await readdir(folder)).filter((name) => name.startsWith('backup-'))) await cp(join(folder, file), join(folder, file.slice('backup-'.length)));
      running = await startTemporal(options);
    },
    restartEmpty: async () => {
      await whenGone(running.pid, 10_000);
      for (const file of await databaseFiles()) await rm(join(folder, file));
      running = await startTemporal({ ...options, searchAttributes: [] });
    },
    stop: async () => {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
