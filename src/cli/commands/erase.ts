/** `headgate person erase`: takes a person out of everything, and keeps a receipt that does not say who it was. */
import { userInfo } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ErasureReceipt } from '../../workflows/contract.ts';
import { answer } from '../answer.ts';
import { operateApi, readOperating } from '../headgate-api.ts';
import { ProgressLine } from '../progress-line.ts';
import { table } from '../table.ts';
import { time } from '../time.ts';

interface EraseOptions {
  url?: string;
  json?: boolean;
  people?: string;
  because?: string;
  anyway?: boolean;
}

/** As the api tells it. */
interface ErasureView {
  erasure_id: string;
  requested_by: string;
  because: string | null;
  requested_at: string;
  finished_at: string | null;
  receipt: ErasureReceipt | null;
  progress?: string;
}

const HELP = `
The person is taken out of every audience; when each platform has accepted that, they are taken out of Temporal and the ledger: names,
hashes, memberships, deliveries, quarantined bodies; and out of warehouses. Their events stay as ids without content, so that none can come again, and their
exposures without whose they were. Calls to platforms are kept for 30 days with Headgate's own id of the person, which stands for
nobody then. Backups are yours. It goes on without this terminal; the same command again follows it.

  npx headgate person erase --customer-id c_123 --because "request of 28 November"`;

/** How often the terminal asks how far it is, in milliseconds. */
const ASK_EVERY_MS = 1_000;
const NAMES = { customerId: 'customer_id', email: 'email', cioId: 'cio_id', personId: 'person_id' } as const;

/** @param person the command `person`, whose options name one */
export function addEraseCommand(person: Command): void {
  person
    .command('erase')
    .description('Erase a person from the platforms, Temporal and the ledger.')
    .option('--customer-id <id>', 'by your own id')
    .option('--email <address>', 'by e-mail')
    .option('--cio-id <id>', "by Customer.io's id")
    .option('--person-id <id>', "by Headgate's id")
    .option('--people <name>', 'when sources are kept apart and several persons go by it: whose')
    .option('--because <text>', 'for the receipt; do not name the person in it')
    .option('--anyway', 'do not wait for platforms that do not let the person go; the receipt lists them')
    .option('--url <url>', 'where Headgate listens')
    .option('--json', 'print the receipt as JSON')
    .addHelpText('after', HELP)
    .action(async (_own: EraseOptions, command: Command) => {
      // Options that the parent has too are given to it.
      await erase(command.optsWithGlobals(), command);
    });
}

async function erase(options: EraseOptions & Partial<Record<keyof typeof NAMES, string>>, command: Command): Promise<void> {
  const names = Object.entries(NAMES).flatMap(([option, field]) => {
    const value = options[option as keyof typeof NAMES];
    return value === undefined ? [] : [[field, value]];
  });
  if (names.length !== 1) command.error('name the person by exactly one of --customer-id, --email, --cio-id and --person-id');
  const { people, because, anyway = false } = options;
  const by = userInfo().username;
  const request = { ...(Object.fromEntries(names) as object), ...(people === undefined ? {} : { people }), ...(because === undefined ? {} : { because }), by, anyway };
  const { body } = await operateApi('/v1/erasures', request, options.url, [202]);
  let erasure = body as ErasureView;
  const line = new ProgressLine({ json: options.json });
  let told = '';
  while (erasure.finished_at === null) {
    await wait(ASK_EVERY_MS);
    erasure = (await readOperating(`/v1/erasures/${erasure.erasure_id}`, options.url)) as ErasureView;
    const progress = erasure.progress ?? '';
    if (progress !== '' && progress !== told) line.say(progress);
    told = progress;
  }
  answer(options.json, erasure, () => describeReceipt(erasure));
}

function describeReceipt({ erasure_id: id, requested_by: by, requested_at: requested, because, finished_at: finished, receipt }: ErasureView): string {
  const rows = Object.entries(receipt?.rows ?? {}).map(([name, count]) => [`${name} ${name === 'events' || name === 'exposures' ? 'made nobody\'s' : 'deleted'}`, String(count)]);
  const left = receipt?.left_at_platforms ?? [];
  return table(['erasure', id], [
    ['requested', `${time(requested)} by ${by}${because === null ? '' : `: ${because}`}`],
    ['finished', finished === null ? '–' : time(finished)],
    ['left at platforms', left.length === 0 ? 'nowhere' : left.join('\n')],
    ['histories', `${String(receipt?.histories ?? 0)} given to Temporal to delete, which takes it about a minute`],
    ...rows,
    ...Object.entries(receipt?.warehouses ?? {}).map(([name, said]) => [name, typeof said === 'number' ? `${String(said)} rows made nobody's` : `left, because ${said}`]),
  ]);
}
