/** What a resync shows of itself in the Temporal UI (Markdown). Pure. */
import type { ResyncTarget } from './contract.ts';

export function describeResync(audienceKey: string, targets: readonly ResyncTarget[]): string {
  const rows = targets.map(({ destination, members, marked, pending }) => `| ${destination} | ${String(members ?? '…')} | ${String(marked)} | ${pending === null ? '…' : String(pending)} |`);
  const sizes = targets.flatMap(({ destination, size }) => (size ? ['', `${size.verdict === 'strange' ? '⚠️ ' : ''}**${destination}** ${size.message}.`] : []));
  return [`**${audienceKey}**: every member is pushed again; the syncs of the targets do it, removals first.`, '', '| target | members | made pending | still to be pushed |', '|---|---|---|---|', ...rows, ...sizes].join('\n');
}
