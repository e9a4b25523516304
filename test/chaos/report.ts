/** The one table that a run ends with. */
import Table from 'cli-table3';
import { PROMISES, type PromiseRow } from './audit/findings.ts';

const SHOWN_VIOLATIONS = 3;

export function describeRows(rows: readonly PromiseRow[]): string {
  const table = new Table({ head: ['promise', 'checked', 'violations', 'the first of them'], colWidths: [42, 10, 12, 90], wordWrap: true, style: { head: [], border: [] } });
  for (const { promise, checked, violations } of rows) {
    const more = violations.length > SHOWN_VIOLATIONS ? [`… and ${String(violations.length - SHOWN_VIOLATIONS)} more`] : [];
    table.push([`${String(promise)}. ${PROMISES[promise]}`, checked, violations.length, [...violations.slice(0, SHOWN_VIOLATIONS), ...more].join('\n')]);
  }
  return table.toString();
}

export const countViolations = (rows: readonly PromiseRow[]): number => rows.reduce((sum, { violations }) => sum + violations.length, 0);
