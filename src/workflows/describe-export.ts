/** What an export shows of itself in the Temporal UI (Markdown). Pure. */
import { formatTime } from '../domain/describe.ts';
import type { ExportStanding } from './contract.ts';

const HEADLINES: Record<ExportStanding['state'], string> = {
  ok: 'The warehouse has every row, or gets it with the next turn.',
  throttled: 'The warehouse wants to be left alone for a while. It goes on by itself.',
  retrying: 'The warehouse does not answer as it should. It is tried again by itself; nothing is lost.',
  stuck: 'Somebody has to act. What was not sent is kept and goes through afterwards.',
  paused: 'Paused by an operator. What was not sent is kept; send the update `resume` to go on.',
};

const WAIT = "nothing; if it lasts, look at the warehouse's status page";

export function describeExport(exporter: string, { state, report, failures, lastSuccessAt, heldBy }: ExportStanding): string {
  const goesOn = state === 'stuck' && failures === 0 ? 'Somebody has to act. Other rows go through meanwhile.' : HEADLINES[state];
  const lines = [`Exposures to **${exporter}**: \`${state}\``, '', goesOn, ''];
  if (report) lines.push(`- What is wrong: ${report.cause}`, `- What to do: ${report.cure === '' ? WAIT : report.cure}`);
  if (failures > 0) lines.push(`- Failures in a row: ${String(failures)}`);
  if (heldBy !== undefined) lines.push(`- Rows written since then wait for the end of a ${heldBy}`);
  lines.push(`- Last success: ${lastSuccessAt === undefined ? 'none yet' : formatTime(lastSuccessAt)}`);
  return lines.join('\n');
}
