/** Tables for people. */
import Table from 'cli-table3';
import { harmless } from './harmless.ts';

export type Cell = string | number | null | undefined;

export const shown = (value: Cell): string => (value === null || value === undefined || value === '' ? '–' : harmless(String(value)));

interface Look {
  /** Of columns whose text shall be broken into lines, by their heads. */
  widths?: Record<string, number>;
  /** No line between the rows, but below the head. */
  dense?: boolean;
}

export function table(head: string[], rows: readonly (readonly Cell[])[], { widths = {}, dense = false }: Look = {}): string {
  const colours = process.stdout.isTTY && process.stdout.hasColors(); // NO_COLOR says no
  const made = new Table({
    head,
    style: { head: colours ? ['cyan'] : [], border: colours ? ['grey'] : [] },
    colWidths: head.map((name) => widths[name] ?? null),
    wordWrap: Object.keys(widths).length > 0,
  });
  made.push(...rows.map((row) => row.map(shown)));
  return dense ? withOneLine(made.toString()) : made.toString();
}

function withOneLine(drawn: string): string {
  const lines = drawn.split('\n');
  const first = lines.findIndex((line) => line.includes('├'));
  return lines.filter((line, index) => index <= first || !line.includes('├')).join('\n');
}
