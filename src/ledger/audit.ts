/** The audit log: what operators did. Only ever added to; the database refuses everything else (migration 0016). */
import type { ClientBase } from 'pg';
import type { AuditAction, AuditEntry, AuditOutcome, AuditVia } from '../domain/audit.ts';
import type { LedgerConnection } from './connection.ts';

/** Says what is written down of a result, in the transaction that brings it about. */
export type AuditOf<T> = (result: T) => readonly AuditEntry[];

const INSERT = `insert into audit (action_id, via, who, credential, address, action, subject, outcome, detail, key)
  select r."actionId", r.via, r.who, r.credential, r.address, r.action, r.subject, r.outcome, r.detail, r.key
  from json_to_recordset($1) as r ("actionId" text, via text, who text, credential text, address text, action text, subject text, outcome text, detail jsonb, key text)
  on conflict (key) do nothing`;

/** Within somebody's transaction. */
export async function insertAudit(client: Pick<ClientBase, 'query'>, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length > 0) await client.query(INSERT, [JSON.stringify(entries)]);
}

/** In a transaction of their own. Rows with a key that is there already change nothing. */
export async function writeAudit(connection: LedgerConnection, entries: readonly AuditEntry[]): Promise<void> {
  await connection.use((client) => insertAudit(client, entries));
}

/** Which are meant; what is undefined does not matter. */
export interface AuditFilter {
  since?: Date | undefined;
  until?: Date | undefined;
  who?: string | undefined;
  /** Part of the subject, in upper or lower case. */
  on?: string | undefined;
  action?: string | undefined;
  /** Older than the row with this id. */
  before?: number | undefined;
  limit: number;
}

/** One action and what came of it; `begun`, when nothing has come of it yet. */
export interface AuditRow {
  auditId: number;
  at: Date;
  /** When it was begun; the same as `at` where nothing came before. */
  begunAt: Date;
  via: AuditVia;
  who: string;
  credential: string;
  address: string | null;
  action: AuditAction;
  subject: string;
  outcome: AuditOutcome;
  /** What was asked for, and what came of it. */
  detail: Record<string, unknown>;
}

interface Row extends Omit<AuditRow, 'auditId' | 'begunAt'> {
  audit_id: string;
  begun_at: Date;
}

/** The newest first. What was begun shows with what came of it. */
export async function listAudit(connection: LedgerConnection, { since, until, who, on, action, before, limit }: AuditFilter): Promise<AuditRow[]> {
  const { rows } = await connection.use((client) =>
    client.query<Row>(
      `select a.audit_id, a.at, coalesce(b.at, a.at) as begun_at, a.via, a.who, a.credential, a.address, a.action, a.subject, a.outcome, coalesce(b.detail, '{}') || a.detail as detail
       from audit a left join lateral (select at, detail from audit where action_id = a.action_id and outcome = 'begun' and a.outcome <> 'begun' limit 1) b on true
       where ($1::timestamptz is null or a.at >= $1) and ($2::timestamptz is null or a.at < $2) and ($3::text is null or lower(a.who) = lower($3))
         and ($4::text is null or strpos(lower(a.subject), lower($4)) > 0) and ($5::text is null or a.action = $5) and ($6::bigint is null or a.audit_id < $6)
         and (a.outcome <> 'begun' or not exists (select 1 from audit where action_id = a.action_id and outcome <> 'begun'))
       order by a.audit_id desc limit $7`,
      [since ?? null, until ?? null, who ?? null, on ?? null, action ?? null, before ?? null, limit],
    ),
  );
  return rows.map(({ audit_id: id, begun_at: begunAt, ...row }) => ({ ...row, auditId: Number(id), begunAt }));
}

/** Lets rows go that are older than so many days. Younger than a year, the database keeps them whatever this says. */
export async function forgetOldAudit(connection: LedgerConnection, days: number): Promise<void> {
  await connection.use((client) => client.query('delete from audit where at < clock_timestamp() - make_interval(days => $1)', [Math.max(days, 366)]));
}
