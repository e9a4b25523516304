/** What the auditor has checked, promise by promise, and what it found wrong. */

export const PROMISES = {
  1: 'A 2xx means durable',
  2: 'Once',
  3: 'Converges',
  4: 'Removals go first',
  5: 'Windows end on time',
  6: 'An outage costs time, not data',
  7: 'One bad row fails alone',
  8: 'A 200 is not believed',
  9: 'Raw e-mail and phone stop at the door',
  10: 'Nothing is lost by a crash',
} as const;
export type PromiseNumber = keyof typeof PROMISES;

export interface PromiseRow {
  promise: PromiseNumber;
  checked: number;
  /** In words. */
  violations: string[];
}

export class Findings {
  readonly #rows = new Map<PromiseNumber, PromiseRow>(
    (Object.keys(PROMISES).map(Number) as PromiseNumber[]).map((promise) => [promise, { promise, checked: 0, violations: [] }]),
  );

  /** Counts a check; `words` say what is wrong, undefined when nothing is. */
  check(promise: PromiseNumber, words: string | false | undefined): void {
    const row = this.#rows.get(promise);
    if (!row) return;
    row.checked++;
    if (words !== undefined && words !== false) row.violations.push(words);
  }

  /** Something is wrong that was not counted as a check of this promise. */
  blame(promise: PromiseNumber, words: string): void {
    this.#rows.get(promise)?.violations.push(words);
  }

  get rows(): PromiseRow[] {
    return [...this.#rows.values()];
  }
}
