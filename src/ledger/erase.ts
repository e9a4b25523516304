/** Erasing a person: who it is, what still has to leave the platforms, and taking out of every table what says anything of them. */
import type { PoolClient } from 'pg';
import { ANONYMOUS_COLUMNS } from '../domain/exported-columns.ts';
import { EXPOSURE_COLUMNS } from '../domain/exposure-columns.ts';
import type { Applicable } from './apply-events.ts';
import { insertAudit, type AuditOf } from './audit.ts';
import type { LedgerConnection } from './connection.ts';

export interface Erasure {
  erasureId: string;
  /** The person and those who were merged into them. */
  personIds: string[];
  requestedBy: string;
  because: string | null;
  requestedAt: Date;
  finishedAt: Date | null;
  receipt: Record<string, unknown> | null;
}

/** A target that may still hold an erased person. */
export interface StillThere {
  destination: string;
  audienceKey: string;
  status: string;
  reason: string | null;
}

const ANONYMOUS = ANONYMOUS_COLUMNS.map((column) => `${column} = ${EXPOSURE_COLUMNS[column] === 'json' ? "'{}'" : 'null'}`).join(', ');

/** How much was taken out of each table. */
export interface ErasedRows {
  events: number;
  exposures: number;
  memberships: number;
  deliveries: number;
  quarantined: number;
  outbox: number;
  forwards: number;
}

interface ErasureRow {
  erasure_id: string;
  person_ids: string[];
  requested_by: string;
  because: string | null;
  requested_at: Date;
  finished_at: Date | null;
  receipt: Record<string, unknown> | null;
}

const erasureOf = (row: ErasureRow): Erasure => ({
  erasureId: row.erasure_id, personIds: row.person_ids, requestedBy: row.requested_by, because: row.because, requestedAt: row.requested_at, finishedAt: row.finished_at, receipt: row.receipt,
});

/** Writes down that a person is to be erased; one that is under way already is returned as it is. Undefined when there is no such person. */
export async function requestErasure(connection: LedgerConnection, given: { erasureId: string; personId: string; by: string; because: string | null }, audit?: AuditOf<Erasure>): Promise<Erasure | undefined> {
  return connection.transaction(async (client, last) => {
    const { rows: persons } = await client.query<{ person_id: string }>('select person_id from persons where person_id = $1 or merged_into = $1 order by person_id for no key update', [given.personId]);
    if (persons.length === 0) return undefined;
    const personIds = persons.map(({ person_id }) => person_id);
    // The guard keeps nobody with a platform who is to be forgotten.
    await client.query("update deliveries set status = 'pending', cause = null where person_id = any($1) and status = 'held' and wanted = 'out'", [personIds]);
    const { rows: open } = await client.query<ErasureRow>('select * from erasures where finished_at is null and person_ids && $1', [personIds]);
    const told = (erasure: Erasure): Erasure => {
      if (audit) last(insertAudit(client, audit(erasure)));
      return erasure;
    };
    if (open[0]) return told(erasureOf(open[0]));
    const { rows } = await client.query<ErasureRow>('insert into erasures (erasure_id, person_ids, requested_by, because) values ($1, $2, $3, $4) returning *', [given.erasureId, personIds, given.by, given.because]);
    return rows[0] && told(erasureOf(rows[0]));
  });
}

/** Undefined when there is no such erasure. */
export async function readErasure(connection: LedgerConnection, erasureId: string): Promise<Erasure | undefined> {
  const { rows } = await connection.use((client) => client.query<ErasureRow>('select * from erasures where erasure_id = $1', [erasureId]));
  return rows[0] && erasureOf(rows[0]);
}

/** What has to be decided so that the persons leave every audience. */
export async function findMembershipsToErase(connection: LedgerConnection, personIds: readonly string[]): Promise<Applicable[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ person_id: string; audience_key: string; event_id: string; now: Date }>(
      `select person_id, audience_key, event_id, clock_timestamp() as now from memberships where person_id = any($1) and state = 'in'`,
      [personIds],
    ),
  );
  return rows.map((row): Applicable => ({ kind: 'erase', personId: row.person_id, audienceKey: row.audience_key, eventId: row.event_id, at: row.now.getTime() }));
}

/** Targets that may hold them: a removal that is not accepted, but for such as never held them. */
export async function findStillThere(connection: LedgerConnection, personIds: readonly string[]): Promise<StillThere[]> {
  return connection.use((client) => stillThere(client, personIds));
}

async function stillThere(client: PoolClient, personIds: readonly string[]): Promise<StillThere[]> {
  const { rows } = await client.query<{ destination: string; audience_key: string; status: string; reason: string | null }>(
    `select d.destination, d.audience_key, d.status, d.reason from deliveries d left join targets t using (destination, audience_key)
     where d.person_id = any($1) and not (d.wanted = 'out' and d.status = 'accepted') and not (d.status = 'rejected' and d.accepted is distinct from 'in')
       and coalesce(t.life, 'active') not in ('retired', 'kept')
     order by 1, 2`,
    [personIds],
  );
  return rows.map((row) => ({ destination: row.destination, audienceKey: row.audience_key, status: row.status, reason: row.reason }));
}

/** The next events of the persons after `after`, in order of their ids. */
export async function nextEventsOf(connection: LedgerConnection, personIds: readonly string[], after: string, limit: number): Promise<string[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ event_id: string }>('select event_id from events where person_id = any($1) and event_id > $2 order by event_id limit $3', [personIds, after, limit]),
  );
  return rows.map(({ event_id }) => event_id);
}

/**
 * Takes the persons out: their rows go, events stay as ids without content so that none of them can come again, exposures stay without
 * whose they were. Returns undefined, and does nothing, when a target may still hold them and `anyway` is not set: somebody may have
 * entered again meanwhile.
 */
export async function eraseFromLedger(connection: LedgerConnection, personIds: readonly string[], anyway: boolean): Promise<ErasedRows | undefined> {
  return connection.transaction(async (client) => {
    await client.query('select 1 from persons where person_id = any($1) order by person_id for update', [personIds]);
    const { rows: present } = await client.query(`select 1 from memberships where person_id = any($1) and state = 'in' limit 1`, [personIds]);
    if (present.length > 0 || (!anyway && (await stillThere(client, personIds)).length > 0)) return undefined;
    const count = async (text: string): Promise<number> => (await client.query(text, [personIds])).rowCount ?? 0;
    const quarantined = await count(
      `delete from quarantine q where q.event_id in (select event_id from events where person_id = any($1)) or exists (
         select 1 from jsonb_array_elements(q.parts) part join person_identifiers i on i.person_id = any($1) and i.people = q.people
           and i.value = part -> 'claim' ->> case i.kind when 'customer_id' then 'customerId' when 'cio_id' then 'cioId' else 'emailHash' end)`,
    );
    const outbox = await count('delete from outbox where event_id in (select event_id from events where person_id = any($1))');
    const forwards = await count('delete from forwards where person_id = any($1)');
    const exposures = await count(
      `update exposures set ${ANONYMOUS} where person_id = any($1)`,
    );
    const events = await count('update events set person_id = null where person_id = any($1)');
    const memberships = await count('delete from memberships where person_id = any($1)');
    const deliveries = await count('delete from deliveries where person_id = any($1)');
    await count('delete from person_identifiers where person_id = any($1)');
    await count('delete from persons where person_id = any($1)');
    await count('update erasures set erased_at = coalesce(erased_at, clock_timestamp()) where person_ids && $1 and finished_at is null');
    return { events, exposures, memberships, deliveries, quarantined, outbox, forwards };
  });
}

/** Whether an exporter has sent, since then, all that there was: nothing that it read before is on its way any more. */
export async function hasCaughtUp(connection: LedgerConnection, exporter: string, erasureId: string): Promise<boolean> {
  const { rows } = await connection.use((client) =>
    client.query<{ caught_up: boolean }>('select coalesce(x.caught_up_at > e.erased_at, false) as caught_up from exporters x, erasures e where x.exporter = $1 and e.erasure_id = $2', [exporter, erasureId]),
  );
  // One that never began has sent nothing.
  return rows[0]?.caught_up ?? true;
}

/** Keeps what was done. A second time changes nothing. */
export async function finishErasure(connection: LedgerConnection, erasureId: string, receipt: Record<string, unknown>): Promise<Erasure> {
  const { rows } = await connection.use((client) =>
    client.query<ErasureRow>(
      `update erasures set finished_at = coalesce(finished_at, clock_timestamp()), receipt = coalesce(receipt, $2::jsonb) where erasure_id = $1 returning *`,
      [erasureId, JSON.stringify(receipt)],
    ),
  );
  const [row] = rows;
  if (!row) throw new Error(`there is no erasure ${erasureId}`);
  return erasureOf(row);
}
