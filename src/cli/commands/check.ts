/** `headgate check`: whether pushes can work, before anything is live. */
import type { Command } from 'commander';
import type { CheckedTarget, Destination, Finding } from '../../destinations/destination.ts';
import type { Registry } from '../../config/registry.ts';
import { destinationsOf, loadOwnRegistry, pick } from '../own-registry.ts';
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
    .description('Ask each platform whether pushes can work: credentials, permissions, terms, audiences, durations. Changes nothing; exit status 1 when something is wrong.')
    .option('--destination <name>', 'only this one')
    .option('--json', 'print JSON')
    .action(check);
}

async function check(options: CheckOptions): Promise<void> {
  const own = await loadOwnRegistry();
  const destinations = destinationsOf(own);
  const chosen = options.destination === undefined ? [...destinations.values()] : [pick('destination', options.destination, destinations)];
  const checked = await Promise.all(chosen.map(async (destination) => ({ destination, findings: await ask(destination, own.registry) })));
  const findings = checked.flatMap((one) => one.findings);
  const problems = findings.filter(({ level }) => level === 'problem').length;
  if (problems > 0) process.exitCode = 1;
  if (options.json) {
    const rows = checked.flatMap((one) => one.findings.map((finding) => ({ destination: one.destination.name, platform: one.destination.platform, ...jsonOf(finding) })));
    process.stdout.write(`${JSON.stringify({ ok: problems === 0, findings: rows })}\n`);
    return;
  }
  const rows = checked.flatMap(({ destination, findings: found }) => found.map(({ level, subject, audienceKey, message }) => [MARKS[level], destination.name, subject, audienceKey, message]));
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  const verdict = problems > 0 ? `${count(problems, 'problem')}: pushes to these will not work.` : 'Pushes can work.';
  process.stdout.write(`${table(['', 'destination', 'what', 'audience', 'finding'], rows, { widths: { finding: 90 } })}\n${verdict}${warnings > 0 ? ` ${count(warnings, 'warning')}.` : ''}\n`);
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
