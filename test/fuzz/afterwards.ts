/** When the attack is over: what it left in the ledger, in the log and in memory, and whether the service still does its work. */
import pg from 'pg';
import { until } from '../support/until.ts';
import type { Report } from './findings.ts';
import { leaksOfRecord } from './leaks.ts';
import type { Memory, Target } from './target.ts';

/** Above what it was before, after a garbage collection. Bytes. */
const MOST_GROWTH = 96 * 1024 * 1024;
const SETTLE_WITHIN_MS = 60_000;
/** Outbox rows that are left when the relay has had its time are stuck. */
const RELAY_WITHIN_MS = 120_000;

const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
export const describeMemory = ({ rss, heapUsed, external }: Memory): string => `heap ${mib(heapUsed)}, buffers ${mib(external)}, resident ${mib(rss)}`;

/** Waits until memory and connections are back near what they were. */
export async function checkMemory(target: Target, before: Memory, report: Report, most = MOST_GROWTH): Promise<Memory> {
  let seen = before;
  const growth = (): number => seen.heapUsed + seen.external - before.heapUsed - before.external;
  await until(async () => (seen = await target.memory()), () => growth() < most && seen.sockets <= before.sockets + 40, SETTLE_WITHIN_MS).catch(() => undefined);
  if (growth() >= most) report.find('memory', `memory stays up: ${describeMemory(before)} before, ${describeMemory(seen)} after`, 'the same run again');
  if (seen.sockets > before.sockets + 40) report.find('sockets', `${String(seen.sockets - before.sockets)} connections stay open`, 'the same run again');
  return seen;
}

/** Lines that a service writes when something happened that nobody had thought of. */
const UNFORESEEN = /unhandled|uncaughtException|UnhandledPromiseRejection|RangeError|TypeError|ReferenceError|heap out of memory|MaxListenersExceeded/i;

/** What a machine that is too slow for its attackers says; each such webhook was answered 202 or 503. */
const OVERLOAD = /^The ledger does not answer|does not answer$|did not answer in time|DEADLINE_EXCEEDED|[Tt]imeout/;

export function checkLog(target: Target, report: Report): void {
  for (const { what, excerpt } of leaksOfRecord(target.log())) report.find(`log/${what}`, `the log holds ${what}: ${excerpt}`, 'the same run again');
  for (const line of target.log().split('\n')) {
    const said = read(line);
    if (line.includes('fuzzMemory')) continue;
    if (UNFORESEEN.test(said ? `${said.err?.type ?? ''} ${said.err?.message ?? ''} ${said.msg ?? ''}` : line) || (!said && /^\s+at .*:\d+:\d+/.test(line))) report.find(`log/${(said?.err?.message ?? said?.msg ?? line).slice(0, 60)}`, `the log has ${line.slice(0, 600)}`, 'the same run again');
    else if (said && (said.level ?? 0) >= 50 && !OVERLOAD.test(said.msg ?? '') && !OVERLOAD.test(said.err?.message ?? '')) report.find(`log/${said.msg ?? ''}/${(said.err?.message ?? '').slice(0, 40)}`, `an error in the log: ${said.msg ?? ''} ${said.err?.message ?? ''} ${said.path ?? ''}`, line.slice(0, 600));
  }
}

interface Line {
  level?: number;
  msg?: string;
  path?: string;
  err?: { type?: string; message?: string };
}

function read(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
}

/** Raw e-mails, phones and secrets in any table; and whether every decided event gets its workflow. */
export async function checkLedger(target: Target, report: Report, withinMs = RELAY_WITHIN_MS): Promise<void> {
  const client = new pg.Client({ connectionString: target.databaseUrl });
  await client.connect();
  try {
    const tables = await client.query<{ tablename: string }>("select tablename from pg_tables where schemaname = 'public'");
    for (const { tablename } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from "${tablename}" t`);
      for (const { row } of rows) for (const { what, excerpt } of leaksOfRecord(row)) report.find(`ledger/${tablename}/${what}`, `the table ${tablename} holds ${what}: ${excerpt}`, 'the same run again');
    }
    const waiting = async (): Promise<{ event_id: string; size: number }[]> => (await client.query<{ event_id: string; size: number }>('select event_id, length(o::text) as size from outbox o')).rows;
    const left = await until(waiting, (rows) => rows.length === 0, withinMs).catch(waiting);
    if (left.length > 0) report.find('outbox', `${String(left.length)} decided events have no workflow ${String(withinMs / 1_000)} s after the attack, such as ${left.slice(0, 3).map(({ event_id: eventId, size }) => `${eventId} (${String(size)} characters)`).join(', ')}`, 'the same run again');
  } finally {
    await client.end();
  }
}
