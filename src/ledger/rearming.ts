/** Members whose arm is not the one that the registry's shares of holdouts give. What is due was noted when a process started (adopt-registry.ts). */
import { sharesOf } from '../domain/holdout.ts';
import type { Audience } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import { isOneRegistry } from './processes.ts';
import { readSlice, type FoundMember, type Slice } from './slices.ts';

const shared = (audience: Audience): string => JSON.stringify(sharesOf(audience));

/**
 * Of these audiences, those that are to be walked through, with where to go on. Not such as the newest process has other shares for.
 * A walk that begins notes first whether all processes run this registry.
 */
export async function findToRearm(connection: LedgerConnection, audiences: readonly Audience[]): Promise<{ audienceKey: string; after: string }[]> {
  const alone = await isOneRegistry(connection);
  await connection.use((client) => client.query("update audiences set rearm_alone = $1 where rearm_after = '' and rearm_alone <> $1", [alone]));
  const { rows } = await connection.use((client) =>
    client.query<{ audience_key: string; rearm_after: string }>(
      `select a.audience_key, a.rearm_after from audiences a join unnest($1::text[], $2::jsonb[]) as own (audience_key, holdout)
       on own.audience_key = a.audience_key and own.holdout = a.holdout where a.rearm_after is not null`,
      [audiences.map(({ key }) => key), audiences.map(shared)],
    ),
  );
  return rows.map((row) => ({ audienceKey: row.audience_key, after: row.rearm_after }));
}

/** @param after '' to begin */
export function nextToRearm(connection: LedgerConnection, audience: Audience, after: string): Promise<Slice<FoundMember>> {
  return readSlice(
    connection,
    'next-to-rearm',
    `select person_id, event_id, state = 'in' and (arm = 'holdout') <> exists (
       select 1 from jsonb_each_text($3::jsonb) as shares (salt, share) where holdout_position(salt, person_id) < share::float8) as found
     from memberships where audience_key = $1 and person_id > $2 order by person_id limit $4`,
    [audience.key, after, shared(audience)],
  );
}

/**
 * Notes how far the walk is; nothing, when a process with other shares has started meanwhile. A walk that began while another registry
 * was running somewhere, whose decisions may lie behind it, begins once more at its end.
 * @param to null: at the end
 */
export async function noteRearmed(connection: LedgerConnection, audience: Audience, from: string, to: string | null): Promise<void> {
  await connection.use((client) =>
    client.query(
      `update audiences set rearm_after = case when $4::text is null and not rearm_alone then '' else $4 end
       where audience_key = $1 and holdout = $2::jsonb and rearm_after = $3`,
      [audience.key, shared(audience), from, to],
    ),
  );
}
