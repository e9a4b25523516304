/** `headgate alerts` and `headgate stuck`: what is wrong, whose it is, and what to do. */
import { userInfo } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import { parseDuration } from '../../domain/registry.ts';
import { harmless } from '../harmless.ts';
import { operateApi, readApi } from '../headgate-api.ts';
import { shown, table } from '../table.ts';
import { time } from '../time.ts';

interface Options {
  url?: string;
  json?: boolean;
}

interface AlertAnswer {
  alert_id: number;
  rule: string;
  subject: string;
  level: string;
  what: string;
  since: string | null;
  still_targeted: number;
  what_to_do: string;
  command: string | null;
  owners: string[];
  raised_at: string;
  recovered_at: string | null;
  acknowledged_by: string | null;
  messages: { owner: string; channel: string; change: string; sent_at: string | null; last_error: string | null }[];
}

const print = (text: string): void => void process.stdout.write(`${harmless(text)}\n`);
const common = (command: Command): Command => command.option('--url <url>', 'where Headgate listens').option('--json', 'print JSON');
const ownName = (): string => userInfo().username;

export function addAlertCommands(program: Command): void {
  const alerts = common(program.command('alerts').description('What is wrong now, whose it is, and what to do.'))
    .option('--history', 'also what is over, the newest first')
    .action(list);
  common(alerts.command('ack').description('Say that you look after an alert: it goes to nobody else.').argument('<id>', 'its number'))
    .option('--by <name>', 'who you are', ownName())
    .action(acknowledge);
  common(alerts.command('mute').description('Hear nothing of a rule for a while.').argument('<rule>', 'such as source_silent'))
    .option('--subject <subject>', 'only about this target, destination or source (as `headgate alerts` names it)', '*')
    .option('--for <duration>', 'how long; 0 ends it', minutes, 60)
    .option('--by <name>', 'who you are', ownName())
    .action(mute);
  common(alerts.command('test').description('Send one message to owners by every channel they have.'))
    .option('--owner <name>', 'only to this one')
    .action(test);
}

function minutes(text: string): number {
  if (text === '0') return 0;
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('It must be a duration such as 30m, 4h or 2d.');
  return ms / 60_000;
}

async function list({ history = false }: { history?: boolean }, command: Command): Promise<void> {
  const { url, json } = command.optsWithGlobals<Options>();
  const { alerts } = (await readApi(`/v1/alerts?state=${history ? 'all' : 'open'}`, url)) as { alerts: AlertAnswer[] };
  if (json) {
    print(JSON.stringify({ alerts }));
    return;
  }
  if (alerts.length === 0) print(history ? 'There was never an alert.' : 'Nothing is wrong.');
  for (const alert of alerts) print(`${describe(alert)}\n`);
}

function describe(alert: AlertAnswer): string {
  const state = alert.recovered_at !== null ? `over since ${time(alert.recovered_at)}` : alert.acknowledged_by !== null ? `${alert.acknowledged_by} looks after it` : 'open';
  const sent = alert.messages.filter(({ sent_at: sentAt }) => sentAt !== null).map(({ owner, channel, change }) => `${owner} by ${channel} (${change})`);
  const failed = alert.messages.filter(({ sent_at: sentAt, last_error: error }) => sentAt === null && error !== null).map(({ owner, channel, last_error: error }) => `${owner} by ${channel}: ${error ?? ''}`);
  return [
    `${String(alert.alert_id)}  ${alert.level.toUpperCase()}  ${alert.rule} · ${alert.subject} (${state})`,
    `   ${alert.what}`,
    ...(alert.since === null ? [] : [`   Since    ${time(alert.since)}`]),
    ...(alert.still_targeted > 0 ? [`   Money    ${alert.still_targeted.toLocaleString('en')} still targeted who should not be`] : []),
    ...(alert.recovered_at === null ? [`   To do    ${alert.what_to_do}`, ...(alert.command === null ? [] : [`   Command  ${alert.command}`])] : []),
    `   Owner    ${alert.owners.join(', ')}`,
    ...(sent.length > 0 ? [`   Told     ${[...new Set(sent)].join(', ')}`] : []),
    ...(failed.length > 0 ? [`   Not told ${[...new Set(failed)].join('; ')}`] : []),
  ].join('\n');
}

async function acknowledge(id: string, { by }: { by: string }, command: Command): Promise<void> {
  const { url, json } = command.optsWithGlobals<Options>();
  const { body } = await operateApi(`/v1/alerts/${encodeURIComponent(id)}/acknowledge`, { by }, url);
  print(json ? JSON.stringify(body) : `${by} looks after alert ${id}.`);
}

async function mute(rule: string, options: { subject: string; for: number; by: string }, command: Command): Promise<void> {
  const { url, json } = command.optsWithGlobals<Options>();
  const { body } = await operateApi('/v1/alerts/mute', { rule, subject: options.subject, minutes: options.for, by: options.by }, url);
  const what = options.subject === '*' ? rule : `${rule} about ${options.subject}`;
  print(json ? JSON.stringify(body) : options.for === 0 ? `${what} is heard again.` : `Nothing is heard of ${what} for ${String(options.for)} minutes.`);
}

async function test({ owner }: { owner?: string }, command: Command): Promise<void> {
  const { url, json } = command.optsWithGlobals<Options>();
  const { body } = await operateApi('/v1/alerts/test', owner === undefined ? {} : { owner }, url);
  const { results } = body as { results: { owner: string; channel: string | null; problem: string | null }[] };
  if (results.some(({ problem }) => problem !== null)) process.exitCode = 1;
  if (json) print(JSON.stringify({ results }));
  else print(table(['Owner', 'Channel', 'Result'], results.map((one) => [one.owner, shown(one.channel), one.problem ?? 'sent'])));
}
