/** Waits until nothing is left to do: nothing under way, nothing pending, every window that is over ended. By state, with a bound. */
import type { Client } from '@temporalio/client';
import pg from 'pg';
import { syncWorkflowId } from '../../src/workflows/contract.ts';

export interface RestOptions {
  databaseUrl: string;
  client: Client;
  /** Requests of the sender that have no answer for good. */
  unsent: () => number;
  withinMs: number;
  say: (line: string) => void;
}

/** No window may end while the auditor reads. Seconds. */
const QUIET_S = 5;
const ASK_EVERY_MS = 250;
/** An operator's `headgate retry`, for removals that a platform refused and syncs that say that they need it. Milliseconds. */
const RETRY_EVERY_MS = 3_000;
const SAY_EVERY_MS = 15_000;

/** What is left, in words and counts. */
const LEFT = `
select 'events whose workflow has yet to be started' as what, count(*)::int as count from outbox
union all select 'deliveries that are ' || status, count(*)::int from deliveries where status in ('pending', 'processing', 'blocked') group by status
union all select 'syncs that are ' || state, count(*)::int from targets where state <> 'ok' group by state
union all select 'calls without an outcome', count(*)::int from pushes where finished_at is null
union all select 'windows that are over or about to be', count(*)::int from memberships where state = 'in' and expires_at < now() + make_interval(secs => ${String(QUIET_S)})`;

const RUNNING = "ExecutionStatus = 'Running' and WorkflowType";
/** An add's workflow is open while it keeps somebody in. After a merge one may be open for longer, so this is not waited for for ever. */
const KEEPING = "select count(*)::int as count from memberships where state = 'in' and expires_at is not null";
const KEEPING_WITHIN_MS = 10_000;

/** Returns what was left when the time was over; nothing when rest came. */
export async function waitForRest({ databaseUrl, client, unsent, withinMs, say }: RestOptions): Promise<string[]> {
  const end = Date.now() + withinMs;
  let retriedAt = 0;
  let saidAt = Date.now();
  let closing: number | undefined;
  for (;;) {
    const left = await whatIsLeft(databaseUrl, client, unsent()).catch((error: unknown) => [`no answer (${String(error)})`]);
    if (Date.now() > end) return left;
    if (left.length > 0) closing = undefined;
    else if ((await openTooLong(databaseUrl, client).catch(() => 1)) === 0 || Date.now() - (closing ??= Date.now()) > KEEPING_WITHIN_MS) return [];
    if (left.length > 0 && Date.now() - saidAt > SAY_EVERY_MS) {
      saidAt = Date.now();
      say(`  still ${left.join('; ')}`);
    }
    if (left.some((words) => /blocked|stuck/.test(words)) && Date.now() - retriedAt > RETRY_EVERY_MS) {
      retriedAt = Date.now();
      await retryRefused(databaseUrl, client).catch(() => undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

async function whatIsLeft(databaseUrl: string, client: Client, unsent: number): Promise<string[]> {
  if (unsent > 0) return [`requests without an answer: ${String(unsent)}`];
  const rows = await ask<{ what: string; count: number }>(databaseUrl, LEFT);
  const { count } = await client.workflow.count(`${RUNNING} in ('lifeboat', 'audienceRemove', 'exposure')`);
  return [...rows, { what: 'running workflows of lifeboats, removals and exposures', count }].filter((row) => row.count > 0).map((row) => `${row.what}: ${String(row.count)}`);
}

/** How many workflows of adds are open although they keep nobody in. */
async function openTooLong(databaseUrl: string, client: Client): Promise<number> {
  const { count: open } = await client.workflow.count(`${RUNNING} = 'audienceAdd'`);
  const [keeping] = await ask<{ count: number }>(databaseUrl, KEEPING);
  return Math.max(0, open - (keeping?.count ?? 0));
}

const REFUSED = "select destination, audience_key from deliveries where status = 'blocked' union select destination, audience_key from targets where state = 'stuck'";

async function retryRefused(databaseUrl: string, client: Client): Promise<void> {
  for (const target of await ask<{ destination: string; audience_key: string }>(databaseUrl, REFUSED)) {
    await client.workflow.getHandle(syncWorkflowId(target.destination, target.audience_key)).executeUpdate('retry', { args: [null] });
  }
}

async function ask<Row extends pg.QueryResultRow>(databaseUrl: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}
