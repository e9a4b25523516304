/**
 * Walks through the many persons of an audience a slice at a time, in key order, so that no statement takes long. A person whom a
 * merge moves behind the walk is the caller's to think of.
 */
import type { LedgerConnection } from './connection.ts';

/** Rows that are looked at in one statement. Those that are found in them are decided together by `applyEvents`. */
export const SLICE = 500;

export interface Slice<Found> {
  found: Found[];
  /** Where the next slice begins; null at the end. */
  last: string | null;
}

/** Somebody who is in, because of an event. */
export interface FoundMember {
  personId: string;
  eventId: string;
}

/** @param text ends with `limit $n`, the last parameter, and says which of its rows are `found` */
export async function readSlice(connection: LedgerConnection, name: string, text: string, values: readonly unknown[]): Promise<Slice<FoundMember>> {
  const { rows } = await connection.use((client) => client.query<{ person_id: string; event_id: string; found: boolean }>({ name, text, values: [...values, SLICE] }));
  const found = rows.filter((row) => row.found).map((row) => ({ personId: row.person_id, eventId: row.event_id }));
  return { found, last: rows.length < SLICE ? null : (rows.at(-1)?.person_id ?? null) };
}
