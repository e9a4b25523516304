/** Wrong tokens by whoever gave them, over a minute: for somebody who guesses, or a program that has kept an old one. */

const WITHIN_MS = 60_000;
/** More callers than this are not kept apart: the oldest are forgotten. */
const MOST_CALLERS = 10_000;

export class WrongTokens {
  readonly #most: number;
  readonly #times = new Map<string, number[]>();

  /** @param most that one caller may give within a minute */
  constructor(most: number) {
    this.#most = most;
  }

  /** Milliseconds until this caller has given fewer than `most` in a minute; 0 when that is so now. */
  waitFor(caller: string, now = Date.now()): number {
    const recent = this.#recent(caller, now);
    return recent.length < this.#most ? 0 : (recent[0] ?? now) + WITHIN_MS - now;
  }

  /** Those of somebody who has to wait already do not make it longer. */
  note(caller: string, now = Date.now()): void {
    const recent = this.#recent(caller, now);
    this.#times.delete(caller);
    this.#times.set(caller, recent.length < this.#most ? [...recent, now] : recent);
    for (const [oldest] of this.#times) {
      if (this.#times.size <= MOST_CALLERS) break;
      this.#times.delete(oldest);
    }
  }

  #recent(caller: string, now: number): number[] {
    return (this.#times.get(caller) ?? []).filter((at) => at > now - WITHIN_MS);
  }
}
