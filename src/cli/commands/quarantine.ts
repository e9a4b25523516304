/** `headgate quarantine list | show | replay | discard`: what could not be understood, and what an operator does about it. */
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { text as readAll } from 'node:stream/consumers';
import { Option, type Command } from 'commander';
import type { QuarantineEntryDetails, QuarantineEntryView } from '../../api/index.ts';
import { ProgressLine } from '../progress-line.ts';
import { harmless } from '../harmless.ts';
import { operateApi, readApi } from '../headgate-api.ts';
import { describeEntry, describeList, describeResult, describeResults, isFine, type Result } from '../quarantine-text.ts';
import { readTime } from '../time.ts';

const HELP = `
A signed webhook that is invalid, or that uses an event_id for something else once more, is kept until a person decides.
A replayed event is the same event: same id, same time, same person. Replaying it twice changes nothing.

  npx headgate quarantine list                        what waits, the newest first
  npx headgate quarantine show 17                     why, and what is still wrong with it now
  npx headgate quarantine replay 17                   the cause is gone: the audience is in headgate.yaml now
  npx headgate quarantine replay 17 --set audience_key=cart_7d_v1
  npx headgate quarantine show 17 --body > 17.json    edit it, then
  npx headgate quarantine replay 17 --body 17.json
  npx headgate quarantine replay --audience cart_7d_v1 --dry-run
  npx headgate quarantine discard --only conflict --since -1d --reason "sent twice by mistake"

Replaying and discarding need HEADGATE_OPERATOR_TOKEN, looking HEADGATE_READ_TOKEN, where the API has them.
Exit status: 0 when every entry was done, 1 when one was not, 2 when the command line is wrong.`;

interface Common {
  url?: string;
  json?: boolean;
}
interface Filter {
  only?: string;
  source?: string;
  since?: string;
  until?: string;
  event?: string;
  audience?: string;
  problem?: string;
}
type ListOptions = Common & Filter & { state: string; limit: string; before?: string };
type ShowOptions = Common & { body?: boolean };
type DiscardOptions = Common & Filter & { all?: boolean; dryRun?: boolean; reason: string };
type ReplayOptions = Common & Filter & { all?: boolean; dryRun?: boolean; reason?: string; set?: Record<string, string | null>; body?: string };

const withCommon = (command: Command): Command => command.option('--url <url>', 'where Headgate listens').option('--json', 'print JSON');
const withFilter = (command: Command): Command =>
  command
    .addOption(new Option('--only <reason>', 'only those kept for this reason').choices(['invalid', 'conflict']))
    .option('--source <name>', 'only those of this source')
    .option('--since <time>', 'received at or after: ISO 8601, Unix seconds, or a time back such as -2h')
    .option('--until <time>', 'received before')
    .option('--event <name>', 'whose body says this event, such as cio.audience_add')
    .option('--audience <key>', 'whose body says this audience')
    .option('--problem <text>', 'with this text in one of their problems');

const collect = (pair: string, collected: Record<string, string | null> = {}): Record<string, string | null> => {
  const [name = '', ...value] = pair.split('=');
  return { ...collected, [name]: value.join('=') === '' ? null : value.join('=') };
};

export function addQuarantineCommands(program: Command): void {
  const quarantine = program.command('quarantine').description('What could not be understood: look at it, replay it, discard it.').addHelpText('after', HELP);
  withCommon(withFilter(quarantine.command('list').description('Entries, the newest first.')))
    .addOption(new Option('--state <state>', 'which').choices(['open', 'resolved', 'all']).default('open'))
    .option('--limit <number>', 'how many', '50')
    .option('--before <id>', 'older than this one')
    .action(list);
  withCommon(quarantine.command('show').description('One entry: why it is here, what is still wrong, its body.').argument('<id>'))
    .option('--body', 'print nothing but the body, to correct it')
    .action(show);
  withCommon(withFilter(quarantine.command('replay').description('Make events of entries, by their ids or by a filter.').argument('[ids...]')))
    .option('--all', 'all that wait')
    .option('--set <name=value>', 'correct a field first, such as audience_key=x_v1 or context.campaign_id=7; without a value it is taken out; repeatable', collect)
    .option('--body <file>', 'take this body instead; - reads standard input')
    .option('--dry-run', 'only say what would happen')
    .option('--reason <text>', 'why; kept with the entry')
    .action(replay);
  withCommon(withFilter(quarantine.command('discard').description('Take entries out without making events of them; kept for 90 days.').argument('[ids...]')))
    .option('--all', 'all that wait')
    .option('--dry-run', 'only say what would happen')
    .requiredOption('--reason <text>', 'why; kept with the entry')
    .action(discard);
}

const print = (text: string): void => void process.stdout.write(`${harmless(text)}\n`);

async function list({ url, json, state, limit, before, ...filter }: ListOptions): Promise<void> {
  const query = new URLSearchParams({ ...readFilter(filter), state, limit, ...(before === undefined ? {} : { before }) });
  const answer = (await readApi(`/v1/quarantine?${query.toString()}`, url)) as { entries: QuarantineEntryView[]; matching: number; next: number | null };
  print(json ? JSON.stringify(answer) : describeList(answer.entries, answer.matching, answer.next));
}

async function show(id: string, { url, json, body }: ShowOptions): Promise<void> {
  const entry = (await readApi(`/v1/quarantine/${encodeURIComponent(id)}`, url)) as QuarantineEntryDetails;
  if (body) print(typeof entry.body === 'string' ? entry.body : JSON.stringify(entry.body, null, 2));
  else print(json ? JSON.stringify(entry) : describeEntry(entry));
}

async function replay(ids: string[], options: ReplayOptions, command: Command): Promise<void> {
  if (options.body !== undefined && (ids.length !== 1 || options.set)) command.error('--body is the body of one entry: give one id, and no --set');
  const body = options.body === undefined ? undefined : await readBody(options.body);
  await operate('replay', ids, { reason: options.reason ?? '', dry_run: options.dryRun ?? false, ...(options.set ? { set: options.set } : {}), ...(body ? { body } : {}) }, options, command);
}

async function discard(ids: string[], options: DiscardOptions, command: Command): Promise<void> {
  if (ids.length > 0 && options.dryRun) command.error('--dry-run is for a filter: with ids it is clear what would happen');
  await operate('discard', ids, { reason: options.reason, ...(ids.length > 0 ? {} : { dry_run: options.dryRun ?? false }) }, options, command);
}

/** One after the other by their ids, or in batches by a filter. */
async function operate(action: 'replay' | 'discard', ids: readonly string[], given: object, options: DiscardOptions | ReplayOptions, command: Command): Promise<void> {
  const filter = readFilter(options);
  const some = Object.keys(filter).length > 0;
  if (ids.length > 0 && (some || options.all)) command.error('ids and a filter exclude each other');
  if (ids.length === 0 && !some && !options.all) command.error('say which: ids, a filter, or --all');
  if (some && options.all) command.error('--all and a filter exclude each other');
  const wrong = ids.find((id) => !/^\d{1,15}$/.test(id));
  if (wrong !== undefined) command.error(`${wrong} is no id of an entry: it is a number, such as headgate quarantine list shows`);
  const request = { ...given, by: operator() };
  const take = options.json ? (results: readonly Result[]) => { results.forEach((result) => { print(JSON.stringify(result)); }); } : undefined;
  if (ids.length > 0) await oneByOne(action, ids, request, options.url, take);
  else await inBatches(action, { ...request, ...(options.all ? { all: true } : { filter }) }, options.url, take);
}

type Take = ((results: readonly Result[]) => void) | undefined;

/** Answers that say what became of an entry, besides 200. */
const OF_AN_ENTRY = [404, 409, 422];

async function oneByOne(action: string, ids: readonly string[], request: object, url: string | undefined, take: Take): Promise<void> {
  for (const id of ids) {
    const { status, body } = await operateApi(`/v1/quarantine/${id}/${action}`, request, url, OF_AN_ENTRY);
    const result = (status === 404 ? { id: Number(id), outcome: 'unknown', ...(body as object) } : body) as Result;
    if (!isFine(result)) process.exitCode = 1;
    if (take) take([result]);
    else print(describeResult(result));
  }
}

async function inBatches(action: string, request: object, url: string | undefined, take: Take): Promise<void> {
  const all: Result[] = [];
  const line = new ProgressLine({ json: take !== undefined });
  try {
    for (let after: number | null = 0; after !== null; ) {
      const { results, next, left } = (await operateApi(`/v1/quarantine/${action}`, { ...request, after }, url)).body as { results: Result[]; next: number | null; left: number };
      take?.(results);
      all.push(...results);
      after = next;
      line.show(all.length, { of: all.length + left });
    }
  } catch (error) {
    if (all.length === 0) throw error;
    process.exitCode = 1;
    process.stderr.write(`\n${(error as Error).message}\nBroken off after ${String(all.length)} entries. What was done stays done: the same command goes on with the rest.\n`);
  }
  line.clear();
  if (!all.every(isFine)) process.exitCode = 1;
  if (!take) print(describeResults(all));
}

/** Under the names of the api. */
function readFilter({ only, source, since, until, event, audience, problem }: Filter): Record<string, string> {
  const iso = (option: string, given: string | undefined): string | undefined => (given === undefined ? undefined : new Date(readTime(option, given)).toISOString());
  const named = { reason: only, source, since: iso('--since', since), until: iso('--until', until), event, audience, problem };
  return Object.fromEntries(Object.entries(named).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

async function readBody(file: string): Promise<object> {
  const text = file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file === '-' ? 'Standard input' : file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Error(`${file === '-' ? 'Standard input' : file} is no JSON object.`);
  return body;
}

/** Who is at the keyboard; nobody where the system has no name for them. */
function operator(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}
