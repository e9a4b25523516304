/**
 * Noticing a restore. The ledger counts beats, and Temporal keeps the newest one in the result of the monitor's last run. A beat is written here before
 * Temporal hears of it, so Temporal can be ahead only of a ledger that was restored; and a ledger far ahead means that Temporal was.
 */
import type { LedgerConnection } from './connection.ts';

/** A sign of life of one ledger. */
export interface Beat {
  ledger: string;
  beat: number;
}

/** The newest beat that Temporal knows of, and when it heard it (milliseconds since the epoch). */
export interface HeardBeat extends Beat {
  at: number;
}

export type Restored = 'ledger' | 'temporal';

export interface Restore {
  what: Restored;
  /** What came after this may be missing, in milliseconds since the epoch; null: everything may. */
  since: number | null;
  noticedAt: number;
}

/** So many beats Temporal may be behind: runs of the monitor that wrote one and were cut off, or that cannot be found yet. */
const BEATS_ON_THE_WAY = 5;

/** The next beat, which is to be told to Temporal after this returns. */
export async function nextBeat(connection: LedgerConnection): Promise<Beat> {
  const { rows } = await connection.use((client) =>
    client.query<{ ledger: string; beats: string }>(
      `insert into lineage (beats) values (1) on conflict (single) do update set beats = lineage.beats + 1, beat_at = clock_timestamp() returning ledger, beats`,
    ),
  );
  const [row] = rows;
  if (!row) throw new Error('the ledger has no row in lineage');
  return { ledger: row.ledger, beat: Number(row.beats) };
}

/**
 * Holds the ledger's beats against the newest one that Temporal knows, and writes down which of the two was restored. What was written down stays
 * until `endRestores`.
 * @param heard read before this is called; undefined when Temporal has none
 * @returns what is noticed just now, if anything
 */
export async function noticeRestore(connection: LedgerConnection, heard: HeardBeat | undefined): Promise<Restored | undefined> {
  return connection.transaction(async (client) => {
    const { rows: [own] } = await client.query<{ ledger: string; beats: string; beat_at: Date; behind_at_beat: string }>('select ledger, beats, beat_at, behind_at_beat from lineage for update');
    // Of another ledger, which is none of this one's past.
    if (!own || (heard && heard.ledger !== own.ledger)) return undefined;
    const beats = Number(own.beats);
    const note = async (what: Restored, since: Date | null): Promise<void> => {
      await client.query('insert into restores (what, since) values ($1, $2) on conflict (what) where ended_at is null do update set since = least(restores.since, excluded.since)', [what, since]);
    };
    if (heard && heard.beat > beats) {
      await note('ledger', own.beat_at);
      await client.query('update lineage set beats = $1, beat_at = clock_timestamp()', [heard.beat]);
      return 'ledger';
    }
    if (beats - Math.max(heard?.beat ?? 0, Number(own.behind_at_beat)) > BEATS_ON_THE_WAY) {
      await note('temporal', heard ? new Date(heard.at) : null);
      await client.query('update lineage set behind_at_beat = beats');
      return 'temporal';
    }
    return undefined;
  });
}

/** Says by hand what was not noticed: the ledger is older than what was decided. One that is noticed already stays as it is. */
export async function noteLedgerRestored(connection: LedgerConnection, since: number): Promise<void> {
  await connection.use((client) => client.query("insert into restores (what, since) values ('ledger', $1) on conflict (what) where ended_at is null do nothing", [new Date(since)]));
}

/** What was noticed and is not reconciled yet. */
export async function listOpenRestores(connection: LedgerConnection): Promise<Restore[]> {
  const { rows } = await connection.use((client) => client.query<{ what: Restored; since: Date | null; noticed_at: Date }>({ name: 'list-open-restores', text: 'select what, since, noticed_at from restores where ended_at is null order by what' }));
  return rows.map((row) => ({ what: row.what, since: row.since?.getTime() ?? null, noticedAt: row.noticed_at.getTime() }));
}

/** They are reconciled. @param outcome for people */
export async function endRestores(connection: LedgerConnection, outcome: string): Promise<void> {
  await connection.use((client) => client.query('update restores set ended_at = clock_timestamp(), outcome = $1 where ended_at is null', [outcome]));
}

/** In a query: the ledger is older than what was decided, so nobody enters and no tool is told until it is reconciled. */
export const LEDGER_IS_OLD = "exists (select 1 from restores where what = 'ledger' and ended_at is null)";
