/** What a sync shows of itself in the Temporal UI (Markdown). Pure. */
import { formatTime } from '../domain/describe.ts';
import type { FailureReport } from '../domain/failures.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { SyncStanding } from './contract.ts';

const HEADLINES: Record<SyncStanding['state'], string> = {
  ok: 'Equal to the ledger, or on its way.',
  throttled: 'The platform wants to be left alone for a while. It goes on by itself.',
  retrying: 'The platform does not answer as it should. It is tried again by itself; nothing is lost.',
  stuck: 'Somebody has to act. Everything pending is kept and goes through afterwards.',
  paused: 'Paused by an operator. Everything pending is kept; send the update `resume` to go on.',
};

const PAUSED_BY_REGISTRY = 'Nothing is pushed, because headgate.yaml says so. Everything pending is kept.';

const WAIT = "nothing; if it lasts, look at the platform's status page";

export function describeStanding(target: TargetRef, standing: SyncStanding): string {
  const { report, backlog, lastSuccessAt, failures } = standing;
  const lines = [`**${target.audienceKey}** at **${target.destination}**: \`${standing.state}\``, '', standing.state === 'paused' && backlog?.held?.everything ? PAUSED_BY_REGISTRY : HEADLINES[standing.state], ''];
  if (report) lines.push(`- Last error, in the platform's words: ${report.cause}`);
  if (report) lines.push(`- What to do: ${report.cure === '' ? WAIT : report.cure}`);
  if (failures > 0) lines.push(`- Failures in a row: ${String(failures)}`);
  if (backlog) {
    const since = backlog.oldestPendingAt === null ? '' : `, the oldest since ${formatTime(backlog.oldestPendingAt)}`;
    lines.push(`- Backlog when last read: ${String(backlog.removes)} removals, ${String(backlog.adds)} adds${since}`);
  }
  const held = backlog?.held;
  if (held && held.adds + held.removes > 0) lines.push(`- Held: ${String(held.adds)} adds, ${String(held.removes)} removals wait because ${held.because}`);
  const guard = backlog?.guard;
  if (guard) lines.push(`- **Held by the guard** since ${formatTime(guard.since)}: ${String(guard.adds)} adds, ${String(guard.removes)} removals of a wave. What to do: find out whether it is meant; \`npx headgate release ${target.audienceKey} --destination ${target.destination}\` lets it go, correcting events undo it`);
  if (backlog && backlog.processing > 0) lines.push(`- Taken in by the platform and not decided yet: ${String(backlog.processing)}`);
  if (backlog && backlog.blocked > 0) lines.push(`- Removals that the platform refuses for now: ${String(backlog.blocked)}`);
  lines.push(`- Last success: ${lastSuccessAt === undefined ? 'none yet' : formatTime(lastSuccessAt)}`);
  return lines.join('\n');
}

/** The summary of the timer between two attempts. */
export const describePause = (report: FailureReport, failures: number): string =>
  `waits after failure ${String(failures)} (${report.kind}): ${report.cause}`.slice(0, 200);
