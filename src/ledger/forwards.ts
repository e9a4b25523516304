/**
 * Events that go to actions: what is to be sent next, what became of it, and how the sending to each action stands. A call is claimed before it is
 * made (`calling_until`), so nobody else makes it meanwhile; a claim that nobody settled runs out, and the event is sent again under the same id.
 */
import type { SyncState } from '../domain/failures.ts';
import type { ForwardFields, ForwardState } from '../domain/forward.ts';
import type { LedgerConnection } from './connection.ts';
import { LEDGER_IS_OLD } from './restores.ts';
import type { StandingReport } from './targets.ts';

/** An event that this process may send now. */
export interface TakenForward {
  eventId: string;
  fields: ForwardFields;
  /** This one included. */
  attempts: number;
}

/** May be tried by now, with nobody at it and, where order matters, nothing before it. `$1`: the action, `$2`: whether order matters. */
const IN_TURN = `w.action = $1 and w.state = 'waiting' and (not $2::boolean or not exists (
  select 1 from forwards e where e.action = w.action and e.person_id = w.person_id and e.state = 'waiting' and e.seq < w.seq))`;

/** Claims up to `limit` events for `claimMs` milliseconds: first what was not tried yet, in the order in which it was accepted. */
export async function takeForwards(connection: LedgerConnection, action: string, { ordered, limit, claimMs }: { ordered: boolean; limit: number; claimMs: number }): Promise<TakenForward[]> {
  const { rows } = await connection.use((client) =>
    client.query<{ event_id: string; fields: ForwardFields; attempts: number; seq: string }>({
      name: 'take-forwards',
      text: `with taken as (
               select w.event_id from forwards w
               where ${IN_TURN} and w.next_try_at <= clock_timestamp() and (w.calling_until is null or w.calling_until <= clock_timestamp())
               order by w.next_try_at, w.seq limit $3 for update skip locked
             )
             update forwards f set calling_until = clock_timestamp() + make_interval(secs => $4::float8 / 1000.0), tried_at = clock_timestamp(), attempts = f.attempts + 1
             from taken where f.event_id = taken.event_id and f.fields is not null
             returning f.event_id, f.fields, f.attempts, f.seq`,
      values: [action, ordered, limit, claimMs],
    }),
  );
  return rows.sort((a, b) => Number(a.seq) - Number(b.seq)).map((row) => ({ eventId: row.event_id, fields: row.fields, attempts: row.attempts }));
}

/** When the next one may be tried, in milliseconds from now (0: at once); null when none waits. */
export async function nextForwardIn(connection: LedgerConnection, action: string, ordered: boolean): Promise<number | null> {
  const { rows } = await connection.use((client) =>
    client.query<{ ms: number | null }>({
      name: 'next-forward-in',
      text: `select extract(epoch from min(greatest(w.next_try_at, w.calling_until)) - clock_timestamp())::float8 * 1000 as ms from forwards w where ${IN_TURN}`,
      values: [action, ordered],
    }),
  );
  const ms = rows[0]?.ms ?? null;
  return ms === null ? null : Math.max(0, Math.ceil(ms));
}

export interface ForwardAnswer {
  /** HTTP status; null when nothing was sent or answered. */
  status: number | null;
  /** The beginning of the body, without personal data. */
  answer: string | null;
  reason: string | null;
}

/** Writes down what became of an event. One that was erased meanwhile is nobody's. */
export async function settleForward(connection: LedgerConnection, eventId: string, state: Exclude<ForwardState, 'waiting'>, { status, answer, reason }: ForwardAnswer): Promise<void> {
  await connection.use((client) =>
    client.query({
      name: 'settle-forward',
      // What was refused may be sent again by `headgate action retry`; what was sent is not needed any more.
      text: `update forwards set state = $2, status = $3, answer = $4, reason = $5, settled_at = clock_timestamp(), calling_until = null,
               fields = case when $2 = 'refused' then fields end
             where event_id = $1 and state = 'waiting'`,
      values: [eventId, state, status, answer, reason],
    }),
  );
}

/** It was not sent, or nobody knows: to be tried again in `delayMs` milliseconds. */
export async function delayForward(connection: LedgerConnection, eventId: string, delayMs: number, { status, answer, reason }: ForwardAnswer): Promise<void> {
  await connection.use((client) =>
    client.query({
      name: 'delay-forward',
      text: `update forwards set calling_until = null, next_try_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000.0), status = $3, answer = $4, reason = $5
             where event_id = $1 and state = 'waiting'`,
      values: [eventId, delayMs, status, answer, reason],
    }),
  );
}

/** Gives claims back that no call was made for. */
export async function releaseForwards(connection: LedgerConnection, eventIds: readonly string[]): Promise<void> {
  await connection.use((client) => client.query(`update forwards set calling_until = null, attempts = attempts - 1 where event_id = any($1) and state = 'waiting'`, [eventIds]));
}

/** What failed alone before is tried at once: the tool is well again, or somebody says so. */
export async function hurryForwards(connection: LedgerConnection, action: string): Promise<void> {
  await connection.use((client) => client.query(`update forwards set next_try_at = clock_timestamp() where action = $1 and state = 'waiting' and next_try_at > clock_timestamp()`, [action]));
}

/** What the tool refused is sent again, in its old place. Returns how many. */
export async function retryForwards(connection: LedgerConnection, action: string): Promise<number> {
  const { rowCount } = await connection.use((client) =>
    client.query(`update forwards set state = 'waiting', settled_at = null, next_try_at = clock_timestamp(), attempts = 0 where action = $1 and state = 'refused' and fields is not null`, [action]),
  );
  return rowCount ?? 0;
}

/** How far one event is on its way to its action, for people. */
export interface ForwardView {
  action: string;
  state: ForwardState;
  attempts: number;
  accepted_at: Date;
  tried_at: Date | null;
  next_try_at: Date | null;
  settled_at: Date | null;
  status: number | null;
  answer: string | null;
  reason: string | null;
}

/** Undefined for an event that goes to no action, and for one whose row is gone. */
export async function readForward(connection: LedgerConnection, eventId: string): Promise<ForwardView | undefined> {
  const { rows } = await connection.use((client) =>
    client.query<ForwardView>({
      name: 'read-forward',
      text: `select action, state, attempts, accepted_at, tried_at, case when state = 'waiting' then next_try_at end as next_try_at, settled_at, status, answer, reason from forwards where event_id = $1`,
      values: [eventId],
    }),
  );
  return rows[0];
}

const MOST_COUNTED = 10_000;

/** How many wait; more than 10,000 are counted as 10,000. */
export async function countWaiting(connection: LedgerConnection, action: string): Promise<number> {
  const { rows } = await connection.use((client) =>
    client.query<{ waiting: number }>({ name: 'count-waiting-forwards', text: `select count(*)::int as waiting from (select 1 from forwards where action = $1 and state = 'waiting' limit $2) w`, values: [action, MOST_COUNTED] }),
  );
  return rows[0]?.waiting ?? 0;
}

/** Settled ones are kept so long, to look things up. Also those whose workflow was never told. */
export async function forgetOldForwards(connection: LedgerConnection, days: number): Promise<void> {
  await connection.use((client) => client.query('delete from forwards where settled_at < clock_timestamp() - make_interval(days => $1)', [days]));
}

/** Actions that have something to send, and neither rest after a failure nor are paused by an operator. */
export async function findActionsToSend(connection: LedgerConnection): Promise<string[]> {
  const { rows } = await connection.use((client) => client.query<{ action: string }>(`select a.action from actions a where not a.paused and not ${LEDGER_IS_OLD} and (a.retry_at is null or a.retry_at <= clock_timestamp())
       and exists (select 1 from forwards f where f.action = a.action and f.state = 'waiting' and f.next_try_at <= clock_timestamp())`));
  return rows.map(({ action }) => action);
}

/** Makes a row for the action and says whether an operator has paused it, or the ledger is older than what was sent. */
export async function openAction(connection: LedgerConnection, action: string): Promise<{ paused: boolean; failures: number }> {
  const { rows } = await connection.use((client) =>
    client.query<{ paused: boolean; failures: number }>({
      name: 'open-action',
      text: `with made as (insert into actions (action) values ($1) on conflict do nothing returning paused, failures)
             select a.paused or ${LEDGER_IS_OLD} as paused, a.failures from (select paused, failures from made union all select paused, failures from actions where action = $1) a`,
      values: [action],
    }),
  );
  return rows[0] ?? { paused: false, failures: 0 };
}

export async function setActionPaused(connection: LedgerConnection, action: string, paused: boolean): Promise<void> {
  await connection.use((client) => client.query('insert into actions (action, paused) values ($1, $2) on conflict (action) do update set paused = $2', [action, paused]));
}

/** Writes down how an action stands. `since` keeps its time while the state stays the same. */
export async function reportAction(connection: LedgerConnection, action: string, report: StandingReport): Promise<void> {
  await connection.use((client) =>
    client.query(
      `update actions set since = case when state = $2 then since else clock_timestamp() end, state = $2, cause = $3, cure = $4, failures = $5,
              retry_at = clock_timestamp() + make_interval(secs => $6::float8 / 1000.0) where action = $1`,
      [action, report.state, report.cause ?? null, report.cure ?? null, report.failures, report.retryInMs ?? null],
    ),
  );
}

/** @param sent how many events the tool took */
export async function noteActionSuccess(connection: LedgerConnection, action: string, sent: number): Promise<void> {
  await connection.use((client) => client.query('update actions set last_success_at = clock_timestamp(), sent = sent + $2 where action = $1', [action, sent]));
}

export interface ActionStanding {
  action: string;
  paused: boolean;
  state: SyncState;
  cause: string | null;
  cure: string | null;
  failures: number;
  since: Date;
  retry_at: Date | null;
  last_success_at: Date | null;
  /** More than 10,000 are counted as 10,000. */
  waiting: number;
  oldest_waiting: Date | null;
  sent: number;
  /** Within 30 days; more than 10,000 are counted as 10,000. */
  refused: number;
  /** Why the last one was refused. */
  refused_because: string | null;
}

/** All that ever had something to send. */
export async function listActions(connection: LedgerConnection): Promise<ActionStanding[]> {
  const { rows } = await connection.use((client) =>
    client.query<Omit<ActionStanding, 'sent'> & { sent: string }>({
      name: 'list-actions',
      text: `select a.action, a.paused, a.state, a.cause, a.cure, a.failures, a.since, a.retry_at, a.last_success_at, a.sent, w.waiting, w.oldest_waiting, r.refused,
                    (select f.reason from forwards f where f.action = a.action and f.state = 'refused' order by f.seq desc limit 1) as refused_because
             from actions a,
               lateral (select count(*)::int as waiting, min(accepted_at) as oldest_waiting
                        from (select accepted_at from forwards f where f.action = a.action and f.state = 'waiting' order by f.next_try_at, f.seq limit $1) f) w,
               lateral (select count(*)::int as refused from (select 1 from forwards f where f.action = a.action and f.state = 'refused' limit $1) f) r
             order by a.action`,
      values: [MOST_COUNTED],
    }),
  );
  return rows.map((row) => ({ ...row, sent: Number(row.sent) }));
}

/** One action's standing, for whoever waits for it; undefined when it never ran. */
export async function readActionStanding(connection: LedgerConnection, action: string): Promise<Pick<ActionStanding, 'state' | 'paused' | 'cause' | 'cure' | 'failures'> | undefined> {
  const { rows } = await connection.use((client) =>
    client.query<Pick<ActionStanding, 'state' | 'paused' | 'cause' | 'cure' | 'failures'>>({ name: 'read-action-standing', text: 'select state, paused, cause, cure, failures from actions where action = $1', values: [action] }),
  );
  return rows[0];
}
