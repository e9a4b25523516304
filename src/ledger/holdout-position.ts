import { createHash } from 'node:crypto';

/**
 * Where a person falls in an audience, 0 ≤ x < 1: the first 32 bits of `md5(audience_key || ':' || person_id)`. An analyst can
 * recompute it: `('x' || left(md5(audience_key || ':' || person_id), 8))::bit(32)::bigint / 4294967296.0`. Raising an
 * audience's holdout share only adds persons to the holdout, lowering it only takes some out.
 */
export function holdoutPosition(audienceKey: string, personId: string): number {
  return createHash('md5').update(`${audienceKey}:${personId}`).digest().readUInt32BE(0) / 2 ** 32;
}
