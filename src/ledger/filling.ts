/** Filling a target: the present members of its audience become deliveries. For new targets and such as are taken up again. */
import type { Target, TargetRef } from '../domain/registry.ts';
import type { LedgerConnection } from './connection.ts';
import { readSlice, type FoundMember, type Slice } from './slices.ts';

/** Targets whose audience's present members have yet to become deliveries. */
export async function findTargetsToFill(connection: LedgerConnection): Promise<TargetRef[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ destination: string; audience_key: string }>("select destination, audience_key from targets where fill <> 'done' and life in ('active', 'absent')"),
  );
  return rows.map((row) => ({ destination: row.destination, audienceKey: row.audience_key }));
}

/**
 * Begins to fill a target.
 * @returns undefined when there is nothing to fill: done already, or given up; else the platform's id that the ledger has
 */
export async function beginFill(connection: LedgerConnection, { destination, audienceKey, platformAudienceId }: Target): Promise<{ platformAudienceId: string } | undefined> {
  const { rows } = await connection.use((client) =>
    client.query<{ platform_audience_id: string }>(
      `update targets set fill = 'running', life = 'active', platform_audience_id = coalesce(platform_audience_id, $3)
       where destination = $1 and audience_key = $2 and life in ('active', 'absent') and fill <> 'done' returning platform_audience_id`,
      [destination, audienceKey, platformAudienceId],
    ),
  );
  return rows[0] && { platformAudienceId: rows[0].platform_audience_id };
}

/** Returns false when a process has started without the target meanwhile, so that it is to be filled anew. */
export async function finishFill(connection: LedgerConnection, { destination, audienceKey }: TargetRef): Promise<boolean> {
  const { rowCount } = await connection.use((client) =>
    client.query("update targets set fill = 'done' where destination = $1 and audience_key = $2 and fill = 'running'", [destination, audienceKey]),
  );
  return rowCount === 1;
}

/** Members whose delivery at this target is not what it should be. @param after '' to begin */
export function nextToFill(connection: LedgerConnection, { destination, audienceKey }: TargetRef, after: string): Promise<Slice<FoundMember>> {
  return readSlice(
    connection,
    'next-to-fill',
    `select m.person_id, m.event_id, (m.state = 'in' and m.arm = 'treatment') is distinct from coalesce(d.wanted = 'in', false) as found
     from (select person_id, event_id, state, arm from memberships where audience_key = $2 and person_id > $3 order by person_id limit $4) m
     left join deliveries d on d.person_id = m.person_id and d.destination = $1 and d.audience_key = $2
     order by m.person_id`,
    [destination, audienceKey, after],
  );
}

/** Takes up again: the audience's members become deliveries of the targets. */
export async function takeUp(connection: LedgerConnection, { audienceKey, destinations }: { audienceKey: string; destinations: readonly string[] }): Promise<void> {
  await connection.transaction(async (client) => {
    await client.query("update audiences set life = 'active', life_since = clock_timestamp() where audience_key = $1 and life <> 'active'", [audienceKey]);
    await client.query(
      `update targets set life = 'active', life_since = clock_timestamp(), fill = 'due'
       where audience_key = $2 and destination = any($1) and life in ('retiring', 'retired', 'kept')`,
      [destinations, audienceKey],
    );
  });
}
