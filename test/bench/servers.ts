/** A Postgres and a Temporal server of a section's own, so that none works off what another left behind. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, startTemporal, type EmbeddedTemporal } from '../../src/embedded/index.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import { migrate } from '../../src/ledger/index.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/contract.ts';

export interface BenchServers {
  databaseUrl: string;
  temporalAddress: string;
  stopPostgres: () => Promise<void>;
  /** On the same data, at the same address. */
  startPostgres: () => Promise<void>;
  stopTemporal: () => Promise<void>;
  startTemporal: () => Promise<void>;
  postgresPid: () => number;
  /** Undefined while it is stopped. */
  temporalPid: () => number | undefined;
}

/** Both stop when the work has ended, whatever became of it. */
export async function withServers<T>(binary: string, work: (servers: BenchServers) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-bench-'));
  await chmod(folder, 0o755);
  const postgresPort = await findFreePort();
  const options = { binary, folder, port: await findFreePort(), uiPort: await findFreePort(), searchAttributes: SEARCH_ATTRIBUTES };
  let postgres = await startPostgres(folder, { port: postgresPort });
  const first = await startTemporal(options);
  let temporal = first as EmbeddedTemporal | undefined;
  await migrate(postgres.url);
  try {
    return await work({
      databaseUrl: postgres.url,
      temporalAddress: first.address,
      stopPostgres: () => postgres.stop(),
      startPostgres: async () => {
        postgres = await startPostgres(folder, { port: postgresPort });
      },
      stopTemporal: async () => {
        await temporal?.stop();
        temporal = undefined;
      },
      startTemporal: async () => {
        temporal = await startTemporal(options);
      },
      postgresPid: () => postgres.pid,
      temporalPid: () => temporal?.pid,
    });
  } finally {
    await temporal?.stop();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
