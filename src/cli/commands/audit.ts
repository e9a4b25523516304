/** `headgate audit`: what operators did, when, to what, and what came of it. */
import type { Command } from 'commander';
import type { AuditView } from '../../api/index.ts';
import { answer } from '../answer.ts';
import { readOperating } from '../headgate-api.ts';
import { table } from '../table.ts';
import { readTime, time } from '../time.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options {
  since?: string;
  until?: string;
  who?: string;
  on?: string;
  action?: string;
  limit: number;
  url?: string;
  json?: boolean;
}

const PAGE = 1_000;

export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description('What operators did, when, to what, and what came of it. Needs HEADGATE_OPERATOR_TOKEN.')
    .option('--since <time>', 'then or later: ISO 8601, Unix seconds, or a time back such as -7d')
    .option('--until <time>', 'before then')
    .option('--who <name>', 'only what they did')
    .option('--on <text>', 'only what was done to something with this in its name: a target, an audience, an entry')
    .option('--action <name>', 'only this, such as target.pause')
    .option('--limit <number>', 'how many, the newest first', wholeNumber(1_000_000), 100)
    .option('--url <url>', 'where Headgate listens')
    .option('--json', 'print JSON')
    .action(audit);
}

async function audit({ since, until, who, on, action, limit, url, json }: Options): Promise<void> {
  const iso = (option: string, given: string | undefined): string | undefined => (given === undefined ? undefined : new Date(readTime(option, given)).toISOString());
  const asked = { since: iso('--since', since), until: iso('--until', until), who, on, action };
  const filter = Object.entries(asked).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const rows: AuditView[] = [];
  for (let before: number | null | undefined; before !== null && rows.length < limit; ) {
    const query = new URLSearchParams({ ...Object.fromEntries(filter), limit: String(Math.min(PAGE, limit - rows.length)), ...(before === undefined ? {} : { before: String(before) }) });
    const page = (await readOperating(`/v1/audit?${query.toString()}`, url)) as { audit: AuditView[]; next: number | null };
    rows.push(...page.audit);
    before = page.next;
  }
  answer(json, { audit: rows }, () => describe(rows));
}

const describe = (rows: readonly AuditView[]): string =>
  rows.length === 0 ? 'Nothing was written down.' : table(['when', 'who', 'what', 'on', 'result', 'from'], rows.map((row) => [time(row.at), `${row.who}\n(${row.credential})`, row.what, row.on, resultOf(row), [row.via, row.address].filter((part) => part !== null).join('\n')]), { widths: { on: 44, result: 44, what: 30 } });

/** With what was asked for, and what came of it. */
function resultOf({ outcome, detail }: AuditView): string {
  const known = Object.entries(detail).filter(([, value]) => value !== '' && value !== null).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [outcome === 'begun' ? 'begun, and no result yet' : outcome, ...known].join('\n');
}
