/** What a run ends with. */
import Table from 'cli-table3';
import { describeMemory } from './afterwards.ts';
import type { Report } from './findings.ts';
import type { Memory } from './target.ts';

export function describeRun(report: Report, { before, after }: { before: Memory; after: Memory }): string {
  const table = new Table({ head: ['attack', 'requests', 'answers'], colWidths: [34, 10, 90], wordWrap: true, style: { head: [], border: [] } });
  for (const { kind, requests, answers } of report.answers) table.push([kind, requests, Object.entries(answers).map(([answer, count]) => `${answer}: ${String(count)}`).join(', ')]);
  const findings = report.findings.map(({ what, repeat, times }, index) => `${String(index + 1)}. ${what}${times > 1 ? ` (${String(times)} times)` : ''}\n   Again: ${repeat}`);
  return [
    table.toString(),
    ...report.notes,
    `Slowest answer: ${(report.slowest.ms / 1_000).toFixed(1)} s (${report.slowest.what}).`,
    `Memory before: ${describeMemory(before)}.`,
    `Memory after:  ${describeMemory(after)}.`,
    findings.length === 0 ? `${String(report.requests)} requests, no finding.` : `${String(report.requests)} requests, ${String(findings.length)} findings:\n${findings.join('\n')}`,
  ].join('\n');
}
