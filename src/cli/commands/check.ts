/** `headgate check`: whether pushes and exports can work, before anything is live. */
import type { Command } from 'commander';
import type { CheckedTarget, Destination, Finding } from '../../destinations/destination.ts';
import type { Registry } from '../../config/registry.ts';
import { destinationsOf, exportersOf, loadOwnRegistry, pick } from '../own-registry.ts';
import { table } from '../table.ts';

interface CheckOptions {
  destination?: string;
  json?: boolean;
}

/** For all questions to one destination, in milliseconds. */
const PATIENCE_MS = 60_000;

const MARKS: Record<Finding['level'], string> = { ok: '✓', warning: '!', problem: '✗' };

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('Ask each platform and warehouse whether pushes and exports can work: credentials, permissions, terms, audiences, durations, tables. Changes nothing; exit status 1 when something is wrong.')
    .option('--destination <name>', 'only this destination or exporter')
    .option('--json', 'print JSON')
    .action(check);
}

async function check(options: CheckOptions): Promise<void> {
  const own = await loadOwnRegistry();
  const destinations = destinationsOf(own);
  const all = new Map<string, Checkable>([
    ...[...destinations].map(([name, one]): [string, Checkable] => [name, { name, platform: one.platform, ask: () => ask(one, own.registry) }]),
    ...[...exportersOf(own)].map(([name, one]): [string, Checkable] => [name, { name, platform: one.platform, ask: () => one.check(AbortSignal.timeout(PATIENCE_MS)) }]),
  ]);
  const chosen = options.destination === undefined ? [...all.values()] : [pick('destination', options.destination, all)];
  const checked = await Promise.all(chosen.map(async (destination) => ({ destination, findings: await destination.ask() })));
  const findings = checked.flatMap((one) => one.findings);
  const problems = findings.filter(({ level }) => level === 'problem').length;
  if (problems > 0) process.exitCode = 1;
  if (options.json) {
    const rows = checked.flatMap((one) => one.findings.map((finding) => ({ destination: one.destination.name, platform: one.destination.platform, ...jsonOf(finding) })));
    process.stdout.write(`${JSON.stringify({ ok: problems === 0, findings: rows })}\n`);
    return;
  }
  const rows = checked.flatMap(({ destination, findings: found }) => found.map(({ level, subject, audienceKey, message }) => [MARKS[level], destination.name, audienceKey, subject, message]));
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  const verdict = problems > 0 ? `${count(problems, 'problem')}: pushes to these will not work.` : 'Pushes can work.';
  const shown = table(HEAD, rows, { dense: true, widths: { finding: widthOfFindings(rows) } });
  process.stdout.write(`${shown}\n${verdict}${warnings > 0 ? ` ${count(warnings, 'warning')}.` : ''}\n`);
}

/** A destination or an exporter. */
interface Checkable {
  name: string;
  platform: string;
  ask: () => Promise<Finding[]>;
}

const HEAD = ['', 'destination', 'audience', 'what', 'finding'];
const WIDEST = 90;
const NARROWEST = 40;
/** What a column needs beside its text. */
const FRAME = 3;

/** What the terminal leaves beside the other columns; in a pipe, 90. */
function widthOfFindings(rows: readonly (readonly (string | undefined)[])[]): number {
  const others = HEAD.slice(0, -1).map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 1)));
  const used = others.reduce((sum, width) => sum + width, 0) + HEAD.length * FRAME + 1;
  return Math.max(NARROWEST, Math.min(WIDEST, (process.stdout.isTTY ? process.stdout.columns : Infinity) - used));
}

const count = (many: number, what: string): string => `${String(many)} ${what}${many === 1 ? '' : 's'}`;

const jsonOf = ({ audienceKey, ...finding }: Finding): object => ({ ...finding, ...(audienceKey === undefined ? {} : { audience_key: audienceKey }) });

async function ask(destination: Destination, { policies }: Registry): Promise<Finding[]> {
  const targets = [...policies.audiences.values()].flatMap(({ key, windowMs, targets: all }): CheckedTarget[] =>
    all.filter((target) => target.destination === destination.name).map(({ platformAudienceId }) => ({ audienceKey: key, platformAudienceId, windowMs })),
  );
  const findings = await destination.check(targets, AbortSignal.timeout(PATIENCE_MS));
  return targets.length > 0 ? findings : [...findings, { subject: 'audience', level: 'warning', message: 'no audience of headgate.yaml has a target here' }];
}
