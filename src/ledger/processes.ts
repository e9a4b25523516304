/** Which processes run, with which registry: so that two different registries on one ledger are noticed. */
import type { LedgerConnection } from './connection.ts';

/** A process that has not been seen for this long does not count as running. Seconds. */
const GONE_AFTER_S = 180;

/** Says that this process runs. Returns the roles of running processes that have loaded another registry. */
export async function announceProcess(
  connection: LedgerConnection,
  self: { processId: string; role: string; registryHash: string },
): Promise<string[]> {
  return connection.use(async (client) => {
    await client.query(`delete from processes where seen_at < now() - make_interval(secs => $1)`, [GONE_AFTER_S]);
    await client.query(
      `insert into processes (process_id, role, registry_hash) values ($1, $2, $3)
       on conflict (process_id) do update set seen_at = now(), registry_hash = excluded.registry_hash`,
      [self.processId, self.role, self.registryHash],
    );
    const { rows } = await client.query<{ role: string }>('select role from processes where registry_hash <> $1', [self.registryHash]);
    return rows.map((row) => row.role);
  });
}

/** Says that this process has ended in order. */
export async function retireProcess(connection: LedgerConnection, processId: string): Promise<void> {
  await connection.use((client) => client.query('delete from processes where process_id = $1', [processId]));
}

/** Whether all running processes have loaded the same registry. */
export async function isOneRegistry(connection: LedgerConnection): Promise<boolean> {
  const { rows } = await connection.use((client) =>
    client.query<{ registries: number }>('select count(distinct registry_hash)::int as registries from processes where seen_at > now() - make_interval(secs => $1)', [GONE_AFTER_S]),
  );
  return (rows[0]?.registries ?? 0) <= 1;
}
