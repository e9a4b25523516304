/** One at a time for each target. */
import type { PoolClient } from 'pg';
import { targetKey, type TargetRef } from '../domain/registry.ts';

/** Until the transaction ends, nobody else writes down a push to the target, gives it up, or holds or releases what is pending there. */
export function lockTarget(client: PoolClient, target: TargetRef): Promise<unknown> {
  return client.query({ name: 'lock-target', text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))', values: [targetKey(target)] });
}
