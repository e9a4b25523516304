/** Alerts and the messages about them: one row from the time that a rule finds something until it is over, kept for the history. */
import type { PoolClient } from 'pg';
import { stepsOf, type AlertChange, type AlertStep, type Finding, type Level, type OpenAlert, type Patience } from '../domain/alerts.ts';
import { LOCKS, underLock } from './advisory-lock.ts';
import { insertAudit, type AuditOf } from './audit.ts';
import type { LedgerConnection } from './connection.ts';

/** A message that could not be delivered for so long is dropped. Hours. */
const GIVE_UP_HOURS = 24;
const LONGEST_PAUSE_S = 15 * 60;

/** Runs `work` unless another process is at it right now. Returns whether it ran. */
export const underMonitorLock = (connection: LedgerConnection, work: () => Promise<void>): Promise<boolean> => underLock(connection, 'monitor', work);

/** Whom to tell of a change, by what, and when (milliseconds since the epoch). */
export interface Note {
  owner: string;
  channel: string;
  dueAt: number;
}

export interface AlertUpdate {
  findings: readonly Finding[];
  patience: Patience;
  atOnce: (rule: string) => boolean;
  /** Whose an alert is. */
  ownersOf: (finding: Finding) => string[];
  notesOf: (owners: readonly string[], change: AlertChange, level: Level, at: number) => Note[];
  /** Whom to tell when nobody has acknowledged a critical alert of these owners for long enough; empty when there is nobody (yet). */
  escalationOf: (owners: readonly string[], criticalForMs: number) => string[];
}

export interface ToldChange {
  change: AlertChange;
  finding: Finding;
  owners: string[];
}

interface OpenRow {
  alert_id: string;
  rule: string;
  subject: string;
  level: Level;
  finding: Finding;
  owners: string[];
  seen_at: Date;
  last_seen_at: Date;
  raised_at: Date | null;
  level_since: Date;
  acknowledged_at: Date | null;
  escalated_at: Date | null;
}

/** Holds what the rules find against the alerts that are open, and writes down what changed and whom to tell. Returns the changes. */
export async function updateAlerts(connection: LedgerConnection, update: AlertUpdate): Promise<ToldChange[]> {
  return connection.transaction(async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [LOCKS.alerts]);
    const { rows: clock } = await client.query<{ now: Date }>('select clock_timestamp() as now');
    const now = clock[0]?.now ?? new Date();
    const { rows: muted } = await client.query<{ rule: string; subject: string }>('select rule, subject from mutes where until > $1', [now]);
    const isMuted = ({ rule, subject }: Finding): boolean => muted.some((mute) => mute.rule === rule && (mute.subject === '*' || mute.subject === subject));
    const { rows: open } = await client.query<OpenRow>('select * from alerts where recovered_at is null');
    const byId = new Map(open.map((row) => [Number(row.alert_id), row]));
    const steps = stepsOf(open.map(openAlert), update.findings.filter((finding) => !isMuted(finding)), now.getTime(), update.patience, update.atOnce);
    const told: ToldChange[] = [];
    for (const step of steps) {
      const change = await takeStep(client, step, byId, update, now);
      if (change) told.push(change);
    }
    return [...told, ...(await escalate(client, update, now))];
  });
}

const openAlert = (row: OpenRow): OpenAlert => ({
  alertId: Number(row.alert_id), rule: row.rule, subject: row.subject, level: row.level,
  seenAt: row.seen_at.getTime(), lastSeenAt: row.last_seen_at.getTime(), raisedAt: row.raised_at?.getTime() ?? null,
});

async function takeStep(client: PoolClient, step: AlertStep, open: ReadonlyMap<number, OpenRow>, update: AlertUpdate, now: Date): Promise<ToldChange | null> {
  switch (step.step) {
    case 'open': {
      const { finding, raised } = step;
      const owners = update.ownersOf(finding);
      const { rows } = await client.query<{ alert_id: string }>(
        `insert into alerts (rule, subject, level, finding, owners, seen_at, last_seen_at, level_since, raised_at) values ($1, $2, $3, $4, $5, $6, $6, $6, $7) returning alert_id`,
        [finding.rule, finding.subject, finding.level, finding, owners, now, raised ? now : null],
      );
      return raised ? tell(client, Number(rows[0]?.alert_id), 'raised', finding, owners, update, now) : null;
    }
    case 'keep': {
      const { alert, finding, change } = step;
      const owners = update.ownersOf(finding);
      await client.query(
        `update alerts set finding = $2, level = $3, owners = $4, last_seen_at = $5, raised_at = case when $6 = 'raised' then $5 else raised_at end,
                           level_since = case when level = $3 then level_since else $5 end where alert_id = $1`,
        [alert.alertId, finding, finding.level, owners, now, change],
      );
      return change === null ? null : tell(client, alert.alertId, change, finding, owners, update, now);
    }
    case 'recover': {
      const row = open.get(step.alert.alertId);
      await client.query('update alerts set recovered_at = $2 where alert_id = $1', [step.alert.alertId, now]);
      return row ? tell(client, step.alert.alertId, 'recovered', row.finding, row.owners, update, now) : null;
    }
    case 'forget':
      await client.query('delete from alerts where alert_id = $1', [step.alert.alertId]);
      return null;
  }
}

async function tell(client: PoolClient, alertId: number, change: AlertChange, finding: Finding, owners: string[], update: AlertUpdate, now: Date): Promise<ToldChange> {
  for (const { owner, channel, dueAt } of update.notesOf(owners, change, finding.level, now.getTime())) {
    await client.query(
      'insert into alert_messages (owner, channel, alert_id, change, level, created_at, due_at) values ($1, $2, $3, $4, $5, $6, $7)',
      [owner, channel, alertId, change, finding.level, now, new Date(dueAt)],
    );
  }
  return { change, finding, owners };
}

async function escalate(client: PoolClient, update: AlertUpdate, now: Date): Promise<ToldChange[]> {
  const { rows } = await client.query<OpenRow>("select * from alerts where recovered_at is null and raised_at is not null and level = 'critical' and acknowledged_at is null and escalated_at is null");
  const told: ToldChange[] = [];
  for (const row of rows) {
    const next = update.escalationOf(row.owners, now.getTime() - Math.max(row.level_since.getTime(), row.raised_at?.getTime() ?? 0));
    if (next.length === 0) continue;
    await client.query('update alerts set escalated_at = $2, owners = $3 where alert_id = $1', [row.alert_id, now, [...new Set([...row.owners, ...next])]]);
    told.push(await tell(client, Number(row.alert_id), 'escalated', row.finding, next, update, now));
  }
  return told;
}

/** An alert as people see it. Times in milliseconds since the epoch. */
export interface AlertView {
  alertId: number;
  rule: string;
  subject: string;
  level: Level;
  finding: Finding;
  owners: string[];
  raisedAt: number;
  recoveredAt: number | null;
  acknowledgedAt: number | null;
  acknowledgedBy: string | null;
  escalatedAt: number | null;
  /** What its owners were told, the oldest first. */
  messages: AlertMessageView[];
}

export interface AlertMessageView {
  owner: string;
  channel: string;
  change: AlertChange;
  createdAt: number;
  dueAt: number;
  sentAt: number | null;
  droppedAt: number | null;
  attempts: number;
  lastError: string | null;
}

const time = (date: Date | null): number | null => date?.getTime() ?? null;

/** Alerts that were raised: the open ones first, critical before warning, then those that are over, the newest first. At most `limit`. */
export async function listAlerts(connection: LedgerConnection, { open, limit }: { open?: boolean; limit: number }): Promise<AlertView[]> {
  return connection.use(async (client) => {
    const { rows } = await client.query<OpenRow & { raised_at: Date; recovered_at: Date | null; acknowledged_by: string | null }>(
      `select * from alerts where raised_at is not null and ($1::boolean is null or (recovered_at is null) = $1)
       order by recovered_at desc nulls first, level, raised_at desc limit $2`,
      [open ?? null, limit],
    );
    const { rows: messages } = await client.query<{ alert_id: string; owner: string; channel: string; change: AlertChange; created_at: Date; due_at: Date; sent_at: Date | null; dropped_at: Date | null; attempts: number; last_error: string | null }>(
      'select * from alert_messages where alert_id = any($1) order by message_id',
      [rows.map((row) => row.alert_id)],
    );
    return rows.map((row) => ({
      alertId: Number(row.alert_id), rule: row.rule, subject: row.subject, level: row.level, finding: row.finding, owners: row.owners, raisedAt: row.raised_at.getTime(),
      recoveredAt: time(row.recovered_at), acknowledgedAt: time(row.acknowledged_at), acknowledgedBy: row.acknowledged_by, escalatedAt: time(row.escalated_at),
      messages: messages.filter((message) => message.alert_id === row.alert_id).map((message) => ({
        owner: message.owner, channel: message.channel, change: message.change, createdAt: message.created_at.getTime(), dueAt: message.due_at.getTime(),
        sentAt: time(message.sent_at), droppedAt: time(message.dropped_at), attempts: message.attempts, lastError: message.last_error,
      })),
    }));
  });
}

/** How many alerts are open, for the metrics. */
export async function countOpenAlerts(connection: LedgerConnection): Promise<{ rule: string; level: Level; open: number }[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ rule: string; level: Level; open: number }>('select rule, level, count(*)::int as open from alerts where recovered_at is null and raised_at is not null group by rule, level'),
  );
  return rows;
}

/** Says that somebody looks after an open alert: it goes to nobody else. Returns whether there is such a one. */
export async function acknowledgeAlert(connection: LedgerConnection, alertId: number, by: string, audit?: AuditOf<boolean>): Promise<boolean> {
  return connection.transaction(async (client, last) => {
    const { rowCount } = await client.query('update alerts set acknowledged_at = coalesce(acknowledged_at, clock_timestamp()), acknowledged_by = coalesce(acknowledged_by, $2) where alert_id = $1 and recovered_at is null', [alertId, by]);
    if (rowCount === 1 && audit) last(insertAudit(client, audit(true)));
    return rowCount === 1;
  });
}

/** Nobody hears of a rule about a subject (`*`: about any) for `ms`; 0 ends that. */
export async function muteAlerts(connection: LedgerConnection, mute: { rule: string; subject: string; ms: number; by: string }, audit?: AuditOf<undefined>): Promise<void> {
  await connection.transaction(async (client, last) => {
    await client.query(
      `insert into mutes (rule, subject, until, by_whom) values ($1, $2, clock_timestamp() + make_interval(secs => $3::float8 / 1000.0), $4)
       on conflict (rule, subject) do update set until = excluded.until, by_whom = excluded.by_whom`,
      [mute.rule, mute.subject, mute.ms, mute.by],
    );
    if (audit) last(insertAudit(client, audit(undefined)));
  });
}

/** A note that is due, with its alert as it is now. */
export interface DueNote {
  messageId: number;
  owner: string;
  channel: string;
  alertId: number;
  change: AlertChange;
  level: Level;
  finding: Finding;
  raisedAt: number;
  recoveredAt: number | null;
  attempts: number;
}

/** Notes that are due, the oldest first, at most `limit`. Nobody else delivers them meanwhile only under the monitor's lock. */
export async function readDueNotes(connection: LedgerConnection, limit: number): Promise<DueNote[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ message_id: string; owner: string; channel: string; alert_id: string; change: AlertChange; level: Level; finding: Finding; raised_at: Date | null; recovered_at: Date | null; attempts: number }>(
      `select m.message_id, m.owner, m.channel, m.alert_id, m.change, m.level, m.attempts, a.finding, a.raised_at, a.recovered_at
       from alert_messages m join alerts a using (alert_id)
       where m.sent_at is null and m.dropped_at is null and (m.owner, m.channel) in (
         select owner, channel from alert_messages where sent_at is null and dropped_at is null and due_at <= clock_timestamp())
       and m.due_at <= clock_timestamp() + interval '1 minute' order by m.message_id limit $1`,
      [limit],
    ),
  );
  return rows.map((row) => ({
    messageId: Number(row.message_id), owner: row.owner, channel: row.channel, alertId: Number(row.alert_id), change: row.change, level: row.level, finding: row.finding,
    raisedAt: row.raised_at?.getTime() ?? 0, recoveredAt: time(row.recovered_at), attempts: row.attempts,
  }));
}

export async function noteSent(connection: LedgerConnection, messageIds: readonly number[]): Promise<void> {
  await connection.use((client) => client.query('update alert_messages set sent_at = clock_timestamp(), attempts = attempts + 1, last_error = null where message_id = any($1)', [messageIds]));
}

export async function dropNotes(connection: LedgerConnection, messageIds: readonly number[]): Promise<void> {
  await connection.use((client) => client.query('update alert_messages set dropped_at = clock_timestamp() where message_id = any($1)', [messageIds]));
}

/** They are tried again after a growing pause, of at most a quarter of an hour; for a day. */
export async function noteUnsent(connection: LedgerConnection, messageIds: readonly number[], error: string): Promise<void> {
  await connection.use((client) =>
    client.query(
      `update alert_messages set attempts = attempts + 1, last_error = $2,
         due_at = clock_timestamp() + make_interval(secs => least($3::int, 15 * 2 ^ least(attempts, 10))),
         dropped_at = case when created_at < clock_timestamp() - make_interval(hours => $4) then clock_timestamp() end
       where message_id = any($1)`,
      [messageIds, error.slice(0, 500), LONGEST_PAUSE_S, GIVE_UP_HOURS],
    ),
  );
}

export async function forgetOldAlerts(connection: LedgerConnection, days: number): Promise<void> {
  await connection.use(async (client) => {
    await client.query('delete from alert_messages where alert_id in (select alert_id from alerts where recovered_at < now() - make_interval(days => $1))', [days]);
    await client.query('delete from alerts where recovered_at < now() - make_interval(days => $1)', [days]);
    await client.query('delete from mutes where until < now()');
  });
}
