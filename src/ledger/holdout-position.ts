import { createHash } from 'node:crypto';

/**
 * Where a person falls under a salt, 0 ≤ x < 1: the first 32 bits of `md5(salt || ':' || person_id)`. The salt is an audience's key, or
 * `holdout:<name>`. The ledger's function `holdout_position(salt, person_id)` gives the same, bit by bit; docs/analytics.md has the SQL of others.
 */
export function holdoutPosition(salt: string, personId: string): number {
  return createHash('md5').update(`${salt}:${personId}`).digest().readUInt32BE(0) / 2 ** 32;
}
