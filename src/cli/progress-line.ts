/** How far a long command is, on standard error: one line that changes, on a terminal only and never with --json. What it says to stay is told to logs too. */

/** Between two changes, in milliseconds. */
const EVERY_MS = 250;
const BAR = 24;
/** To the beginning of the line, and the rest of it away. */
const ANEW = '\r\u001b[K';

export class ProgressLine {
  readonly #startedAt = performance.now();
  readonly #terminal: boolean;
  readonly #quiet: boolean;
  #shownAt = -Infinity;
  #shown = '';

  /** @param json programs read standard output, and nobody this */
  constructor({ json = false }: { json?: boolean | undefined } = {}) {
    this.#quiet = json;
    this.#terminal = process.stderr.isTTY && !json;
  }

  /** How many rows were done since the command began. @param before by earlier runs; `of`: how many there are, when that is known */
  show(rows: number, { before = 0, of, more = '' }: { before?: number; of?: number | undefined; more?: string } = {}): void {
    const bar = of === undefined || of === 0 ? '' : `${drawBar((before + rows) / of)} `;
    this.tell(`${bar}${this.describe(rows, before)}${more}`);
  }

  /** The same for what is not counted in rows. */
  tell(text: string): void {
    const now = performance.now();
    if (!this.#terminal || text === this.#shown || now - this.#shownAt < EVERY_MS) return;
    this.#shownAt = now;
    this.#shown = text;
    const room = process.stderr.columns;
    process.stderr.write(`${ANEW}${room > 0 ? text.slice(0, room - 1) : text}`);
  }

  /** A line that stays, whatever changes after it. */
  say(text: string): void {
    if (this.#quiet) return;
    this.clear();
    process.stderr.write(`${text}\n`);
  }

  /** Before the result is printed. */
  clear(): void {
    if (this.#shown !== '') process.stderr.write(ANEW);
    this.#shown = '';
  }

  describe(rows: number, before = 0): string {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    return `${(before + rows).toLocaleString('en')} rows, ${Math.round(rows / Math.max(seconds, 0.001)).toLocaleString('en')} rows/s, ${elapsed(seconds)}`;
  }
}

/** `██████░░░░  60 %`. @param share 0…1 */
export function drawBar(share: number): string {
  const sure = Math.max(0, Math.min(1, Number.isFinite(share) ? share : 0));
  const full = Math.round(sure * BAR);
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${String(Math.floor(sure * 100)).padStart(3)} %`;
}

function elapsed(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  return minutes > 0 ? `${String(minutes)} min ${String(rest)} s` : `${seconds.toFixed(1)} s`;
}
