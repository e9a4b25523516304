/** Quarantine: bodies that could not be understood or contradict what is known. */
import type { QuarantineEntry } from '../domain/quarantine.ts';
import type { LedgerConnection } from './connection.ts';

/** Keeps the entries until a person replays or discards them. */
export async function quarantine(connection: LedgerConnection, entries: readonly QuarantineEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await connection.use((client) =>
    client.query({
      name: 'quarantine',
      text: `insert into quarantine (source, reason, event_id, problems, body, received_at)
             select r.source, r.reason, r."eventId", r.problems, r.body, to_timestamp(r."receivedAt" / 1000.0)
             from json_to_recordset($1) as r (source text, reason text, "eventId" text, problems jsonb, body text, "receivedAt" float8)`,
      values: [JSON.stringify(entries)],
    }),
  );
}

/** How many entries wait for a person. */
export async function countQuarantined(connection: LedgerConnection): Promise<number> {
  const { rows } = await connection.use((client) =>
    client.query<{ waiting: number }>('select count(*)::int as waiting from quarantine where resolved_at is null'),
  );
  return rows[0]?.waiting ?? 0;
}
