/** The rows of a bench as a table for people. */
import Table from 'cli-table3';
import type { Row } from './row.ts';

export function tableOf(rows: readonly Row[]): string {
  const number = (value: number | null): string => (value === null ? '–' : value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(2));
  const table = new Table({ head: ['what', 'value', 'baseline', 'ratio', 'bar', 'holds'], colWidths: [70, 22, 12, 8, 10, 7], wordWrap: true, style: { head: [], border: [] } });
  for (const row of rows) {
    const bar = row.bar === null ? '–' : `${row.kind === 'least' ? '≥' : '≤'} ${String(row.bar)}${row.baseline === null ? '' : ' ×'}`;
    table.push([row.name, `${number(row.value)} ${row.unit}`, number(row.baseline), number(row.ratio), bar, row.holds === null ? '–' : row.holds ? 'yes' : 'NO']);
  }
  return table.toString();
}
