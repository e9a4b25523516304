/** Rows of a query as a table for the docs: one row as a list of its columns, several as they are. */
export function renderRows(rows: readonly Record<string, unknown>[]): string {
  const text = (value: unknown): string => (value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value));
  const columns = Object.keys(rows[0] ?? {});
  const lines = rows.length === 1 ? columns.map((column) => [column, text(rows[0]?.[column])]) : [columns, ...rows.map((row) => columns.map((column) => text(row[column])))];
  const widths = (lines[0] ?? []).map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  return lines.map((line) => line.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ').trimEnd()).join('\n');
}
