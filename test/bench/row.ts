/** A row of the bench: a value, beside its baseline where there is one, measured in turns in one run. */
export interface Row {
  name: string;
  value: number;
  unit: string;
  /** The same on the baseline; null where the bar is absolute. */
  baseline: number | null;
  ratio: number | null;
  /** What the ratio (or the value, without a baseline) is held against; null: told, not held against anything. */
  bar: number | null;
  /** `least`: must not be below the bar; `most`: must not be above it. */
  kind: 'least' | 'most';
  holds: boolean | null;
}

export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
};

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

export interface Round {
  value: number;
  baseline: number;
}

/** Measures both in each round, one after the other. */
export async function inTurns(rounds: number, measure: { baseline: () => Promise<number>; value: () => Promise<number> }): Promise<Round[]> {
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round++) measured.push({ baseline: await measure.baseline(), value: await measure.value() });
  return measured;
}

/** Medians of several rounds, each of which measured both. The ratio is the median of the rounds' ratios. */
export function comparison(name: string, unit: string, bar: number | null, rounds: readonly Round[], kind: Row['kind'] = 'least'): Row {
  const ratio = median(rounds.map((round) => round.value / round.baseline));
  const [value, baseline] = [median(rounds.map((round) => round.value)), median(rounds.map((round) => round.baseline))];
  return { name, value, unit, baseline, ratio, bar, kind, holds: bar === null ? null : kind === 'least' ? ratio >= bar : ratio <= bar };
}

export const limit = (name: string, unit: string, bar: number | null, value: number): Row => ({ name, value, unit, baseline: null, ratio: null, bar, kind: 'most', holds: bar === null ? null : value <= bar });
