/** How far a long command is, on standard error: one line that changes on a terminal, else a line now and then. */

/** Of lines that stay, in milliseconds. */
const EVERY_MS = { terminal: 250, log: 10_000 };

export class ProgressLine {
  readonly #startedAt = performance.now();
  readonly #terminal = process.stderr.isTTY;
  #shownAt = 0;
  #open = false;

  /** Says it, when there was time enough since the last one. @param rows how many were done since the command began; `before`: by earlier runs */
  show(rows: number, { before = 0, more = '' }: { before?: number; more?: string } = {}): void {
    const now = performance.now();
    if (now - this.#shownAt < (this.#terminal ? EVERY_MS.terminal : EVERY_MS.log)) return;
    this.#shownAt = now;
    const text = `${this.describe(rows, before)}${more}`;
    process.stderr.write(this.#terminal ? `\r\u001b[K${text}` : `${text}\n`);
    this.#open = true;
  }

  /** A line that stays, whatever changes after it. */
  say(text: string): void {
    process.stderr.write(`${this.#terminal && this.#open ? '\r\u001b[K' : ''}${text}\n`);
    this.#open = false;
  }

  describe(rows: number, before = 0): string {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    return `${(before + rows).toLocaleString('en')} rows, ${Math.round(rows / Math.max(seconds, 0.001)).toLocaleString('en')} rows/s, ${elapsed(seconds)}`;
  }
}

function elapsed(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  return minutes > 0 ? `${String(minutes)} min ${String(rest)} s` : `${seconds.toFixed(1)} s`;
}
