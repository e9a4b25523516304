/** What an attack brought to light, each kind of it once with how to repeat it, and how many requests of which kind got which answer. */

export interface Finding {
  /** Tells findings apart: the same one is written down once. */
  key: string;
  what: string;
  /** The request, or the seed that makes it. */
  repeat: string;
  times: number;
}

/** Longest excerpt of a request that is shown. */
const LONGEST_SHOWN = 600;

export class Report {
  readonly #findings = new Map<string, Finding>();
  readonly #answers = new Map<string, Map<string, number>>();
  readonly notes: string[] = [];
  #slowest = { ms: 0, what: 'nothing' };
  #requests = 0;

  find(key: string, what: string, repeat: string): void {
    const known = this.#findings.get(key);
    if (known) known.times++;
    else this.#findings.set(key, { key, what, repeat: repeat.length > LONGEST_SHOWN ? `${repeat.slice(0, LONGEST_SHOWN)}… (${String(repeat.length)} characters)` : repeat, times: 1 });
  }

  /** @param kind of attack @param answer a status, or how the connection ended */
  count(kind: string, answer: string | number, ms: number, what: string): void {
    this.#requests++;
    const answers = this.#answers.get(kind) ?? new Map<string, number>();
    this.#answers.set(kind, answers);
    answers.set(String(answer), (answers.get(String(answer)) ?? 0) + 1);
    if (ms > this.#slowest.ms) this.#slowest = { ms, what: `${kind}: ${what.slice(0, 120)}` };
  }

  note(line: string): void {
    this.notes.push(line);
  }

  get findings(): Finding[] {
    return [...this.#findings.values()];
  }

  get requests(): number {
    return this.#requests;
  }

  get slowest(): { ms: number; what: string } {
    return this.#slowest;
  }

  /** Per kind of attack, how often which answer came. */
  get answers(): { kind: string; requests: number; answers: Record<string, number> }[] {
    return [...this.#answers].map(([kind, answers]) => ({ kind, requests: [...answers.values()].reduce((sum, count) => sum + count, 0), answers: Object.fromEntries([...answers].sort(([a], [b]) => a.localeCompare(b))) }));
  }
}
