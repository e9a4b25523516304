/** What an action's queue shows of itself in the Temporal UI (Markdown). Pure. */
import { formatTime } from '../domain/describe.ts';
import type { ActionStandingShown } from './contract.ts';

const HEADLINES: Record<ActionStandingShown['state'], string> = {
  ok: 'Everything was sent, or is on its way.',
  throttled: 'The tool wants to be left alone for a while. It goes on by itself.',
  retrying: 'The tool does not answer as it should. It is tried again by itself; nothing is lost.',
  stuck: 'Somebody has to act. What waits is kept and sent afterwards.',
  paused: 'Paused by an operator, or by headgate.yaml. What waits is kept; send the update `resume` to go on.',
};

const WAIT = "nothing; if it lasts, look at the tool's status page";

export function describeAction(action: string, { state, report, failures, lastSuccessAt, waiting }: ActionStandingShown): string {
  const goesOn = report !== undefined && failures === 0 ? 'Some events are not taken at the moment; others go through.' : HEADLINES[state];
  const lines = [`Events to **${action}**: \`${state}\``, '', goesOn, ''];
  if (report) lines.push(`- What is wrong: ${report.cause}`, `- What to do: ${report.cure === '' ? WAIT : report.cure}`);
  if (failures > 0) lines.push(`- Failures in a row: ${String(failures)}`);
  if (waiting !== undefined) lines.push(`- Waiting when last counted: ${String(waiting)}`);
  lines.push(`- Last success: ${lastSuccessAt === undefined ? 'none yet' : formatTime(lastSuccessAt)}`);
  return lines.join('\n');
}
