/** Tables for people. */
import Table from 'cli-table3';

export type Cell = string | number | null | undefined;

export const shown = (value: Cell): string => (value === null || value === undefined || value === '' ? '–' : String(value));

/** @param widths of columns whose text shall be broken into lines, by their heads */
export function table(head: string[], rows: readonly (readonly Cell[])[], { widths = {} }: { widths?: Record<string, number> } = {}): string {
  const made = new Table({
    head,
    style: { head: process.stdout.isTTY ? ['cyan'] : [], border: process.stdout.isTTY ? ['grey'] : [] },
    colWidths: head.map((name) => widths[name] ?? null),
    wordWrap: Object.keys(widths).length > 0,
  });
  made.push(...rows.map((row) => row.map(shown)));
  return made.toString();
}
