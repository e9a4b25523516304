/** Work that one process does at a time, on all machines. */
import type { LedgerConnection } from './connection.ts';

/** Any numbers that differ; the same in every process. */
export const LOCKS = { sweep: 4_837_201, monitor: 4_837_202, alerts: 4_837_203 } as const;

/** Runs `work` unless another process is at it right now. Returns whether it ran. */
export async function underLock(connection: LedgerConnection, lock: keyof typeof LOCKS, work: () => Promise<void>): Promise<boolean> {
  return connection.use(async (client) => {
    const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [LOCKS[lock]]);
    if (!rows[0]?.locked) return false;
    try {
      await work();
    } finally {
      await client.query('select pg_advisory_unlock($1)', [LOCKS[lock]]);
    }
    return true;
  });
}
