/** What the door answered over time, as the overview shows it. Pure. */
import type { DoorCount, Stretches } from '../ledger/index.ts';

/** Numbers of each stretch, the newest last. */
export interface Throughput {
  taken: number[];
  duplicate: number[];
  /** Not taken: invalid, unauthorised, in conflict, not stored, or kept in quarantine. */
  refused: number[];
}

/** Answers (`status`) that are neither a refusal nor these have taken the webhook. */
const REFUSALS: ReadonlySet<string> = new Set(['invalid', 'unauthorised', 'conflict', 'unavailable', 'quarantined']);

const groupOf = (answer: string): keyof Throughput => (answer === 'duplicate' ? 'duplicate' : REFUSALS.has(answer) ? 'refused' : 'taken');

export function throughputOf(counts: readonly DoorCount[], now: number, { stepMs, buckets }: Stretches): Throughput {
  const none = (): number[] => Array.from({ length: buckets }, () => 0);
  const throughput: Throughput = { taken: none(), duplicate: none(), refused: none() };
  for (const { answer, at, count } of counts) {
    // What a clock that is ahead has counted belongs to the newest stretch.
    const bucket = Math.min(buckets - 1, buckets - 1 - Math.floor((now - at) / stepMs));
    if (bucket < 0) continue;
    const group = throughput[groupOf(answer)];
    group[bucket] = (group[bucket] ?? 0) + count;
  }
  return throughput;
}
