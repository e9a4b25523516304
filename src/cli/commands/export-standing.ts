/** `headgate export status | pause | resume | retry | restart`: how exports of exposures stand, and what an operator does about them. */
import type { Command } from 'commander';
import { answerSaid } from '../answer.ts';
import { audited } from '../audited.ts';
import { harmless } from '../harmless.ts';
import { readApi } from '../headgate-api.ts';
import { loadOwnRegistry, pick } from '../own-registry.ts';
import { withTemporal } from '../own-temporal.ts';
import { shown, table } from '../table.ts';
import { time } from '../time.ts';

interface ExportAnswer {
  exporter: string;
  state: string;
  cause: string | null;
  cure: string | null;
  last_success_at: string | null;
  caught_up_at: string | null;
  exported_rows: number;
  unsent_rows: number;
  oldest_unsent: string | null;
  parked_rows: number;
  workflow_url: string | null;
  parked?: { event_id: string; occurred_at: string; reason: string; parked_at: string }[];
}

const ACTIONS = [
  ['pause', 'Stop sending; the place is kept, also over restarts.'],
  ['resume', 'Send again, at once.'],
  ['retry', 'Send the parked rows again.'],
  ['restart', 'Send everything again from the beginning. What analysts read shows each event once all the same.'],
] as const;

const print = (text: string): void => void process.stdout.write(`${harmless(text)}\n`);

/** @param command the command `export` */
export function addExportStandingCommands(command: Command): void {
  command
    .command('status')
    .description('How exports stand; of one also the rows that the warehouse refuses.')
    .argument('[exporter]', 'of headgate.yaml')
    .option('--url <url>', 'where Headgate listens')
    .option('--json', 'print JSON')
    .action(status);
  for (const [name, description] of ACTIONS) command.command(name).description(description).argument('<exporter>', 'of headgate.yaml').option('--json', 'print JSON').action((exporter: string, { json }: { json?: boolean }) => change(name, exporter, json));
}

async function status(exporter: string | undefined, { url, json }: { url?: string; json?: boolean }): Promise<void> {
  const answer = await readApi(`/v1/exports${exporter === undefined ? '' : `/${encodeURIComponent(exporter)}`}`, url);
  if (json) print(JSON.stringify(answer));
  else if (exporter === undefined) print(describeAll((answer as { exports: ExportAnswer[] }).exports));
  else print(describeOne(answer as ExportAnswer));
}

const HEAD = ['exporter', 'state', 'rows sent', 'unsent', 'oldest unsent', 'parked', 'had everything', 'what is wrong'];
const rowOf = (one: ExportAnswer): (string | number | null)[] => [
  one.exporter, one.state, one.exported_rows, one.unsent_rows, one.oldest_unsent && time(one.oldest_unsent), one.parked_rows, one.caught_up_at && time(one.caught_up_at),
  one.cause === null ? null : [one.cause, one.cure].filter(Boolean).join(' → '),
];
const describeAll = (exports: readonly ExportAnswer[]): string => (exports.length === 0 ? 'No export has run: headgate.yaml has no exporters, or no worker runs.' : table(HEAD, exports.map(rowOf), { dense: true, widths: { 'what is wrong': WIDE } }));

function describeOne(one: ExportAnswer): string {
  const { parked = [] } = one;
  const rows = parked.map(({ event_id: id, occurred_at: at, reason }) => [id, time(at), reason]);
  const list = rows.length === 0 ? [] : ['', `Rows that the warehouse refuses (${String(one.parked_rows)}, the oldest ${String(rows.length)} are shown):`, table(['event', 'occurred at', 'reason'], rows, { dense: true, widths: { reason: WIDE } })];
  return [describeAll([one]), ...(one.workflow_url === null ? [] : [`Workflow: ${shown(one.workflow_url)}`]), ...list].join('\n');
}
const WIDE = 60;

async function change(action: (typeof ACTIONS)[number][0], exporter: string, json: boolean | undefined): Promise<void> {
  const own = await loadOwnRegistry();
  pick('exporter', exporter, own.registry.exporters);
  answerSaid(json, await withTemporal(own.environment, (gateway) => audited(gateway, { action: `export.${action}`, subject: exporter }, () => gateway.updateExport(exporter, action), (said) => ({ said }))), { exporter });
}
