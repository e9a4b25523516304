/** One budget of calls per destination, shared by its syncs and by all workers: rests that the platform asked for, and a steady pace. */
import type { LedgerConnection } from './connection.ts';
import type { PushOperation } from './pending.ts';

export interface CallBudget {
  /** Undefined: as many as the platform lets through. */
  callsPerMinute: number | undefined;
  operation: PushOperation;
  /** Call although the platform asked for a rest, because a person says so. */
  now: boolean;
}

/** So many calls may come at once after a quiet time. */
const BURST = 10;
/** Of these, the last ones are kept for removals, so that a crowd of adds never makes a removal wait. */
const KEPT_FOR_REMOVALS = 3;
const MINUTE_MS = 60_000;

/**
 * Takes one call out of the budget.
 * @returns 0 when the call may be made now, else how long to wait before asking again, in milliseconds, and whether the platform asked for it
 */
export async function takeCall(connection: LedgerConnection, destination: string, { callsPerMinute, operation, now }: CallBudget): Promise<{ waitMs: number; resting: boolean }> {
  const everyMs = callsPerMinute === undefined ? 0 : MINUTE_MS / callsPerMinute;
  const aheadMs = (operation === 'remove' ? BURST - 1 : BURST - 1 - KEPT_FOR_REMOVALS) * everyMs;
  return connection.use(async (client) => {
    const { rowCount } = await client.query({
      name: 'take-call',
      text: `insert into accounts as a (destination, next_call_at) values ($1, clock_timestamp() + make_interval(secs => $2::float8 / 1000.0))
             on conflict (destination) do update
               set next_call_at = greatest(a.next_call_at, clock_timestamp()) + make_interval(secs => $2::float8 / 1000.0)
               where (a.rest_until <= clock_timestamp() or $4)
                 and a.next_call_at <= clock_timestamp() + make_interval(secs => $3::float8 / 1000.0)`,
      values: [destination, everyMs, aheadMs, now],
    });
    if (rowCount === 1) return { waitMs: 0, resting: false };
    const { rows } = await client.query<{ rest_ms: number; pace_ms: number }>({
      name: 'read-account',
      text: `select extract(epoch from rest_until - clock_timestamp())::float8 * 1000 as rest_ms,
                    extract(epoch from next_call_at - clock_timestamp())::float8 * 1000 as pace_ms
             from accounts where destination = $1`,
      values: [destination],
    });
    const restMs = now ? 0 : Math.max(0, rows[0]?.rest_ms ?? 0);
    return { waitMs: Math.ceil(Math.max(1, restMs, (rows[0]?.pace_ms ?? 0) - aheadMs)), resting: restMs > 0 };
  });
}

/** The platform asked for a rest, of all calls to this destination. A longer rest that is under way stays. */
export async function restAccount(connection: LedgerConnection, destination: string, restMs: number, cause: string): Promise<void> {
  await connection.use((client) =>
    client.query({
      name: 'rest-account',
      text: `insert into accounts as a (destination, rest_until, rest_cause) values ($1, clock_timestamp() + make_interval(secs => $2::float8 / 1000.0), $3)
             on conflict (destination) do update set rest_until = excluded.rest_until, rest_cause = excluded.rest_cause
               where a.rest_until < excluded.rest_until`,
      values: [destination, restMs, cause],
    }),
  );
}
