/** `headgate release` and `headgate drift`: waves that the guard holds, and sizes that have parted. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { harmless } from '../harmless.ts';
import { operateApi, readApi } from '../headgate-api.ts';
import { loadOwnRegistry, pick } from '../own-registry.ts';
import { withTemporal } from '../own-temporal.ts';
import { table } from '../table.ts';
import { time } from '../time.ts';

interface ReleaseOptions {
  destination?: string;
  adds?: boolean;
  removals?: boolean;
  because?: string;
  url?: string;
  json?: boolean;
}

interface Released {
  released: { destination: string; operation: string; members: number }[];
}
interface Held {
  held: { audience_key: string; destination: string; operation: string; held: number; since: string; because: string; let_go_at: string | null; release: string }[];
}
interface AudienceSizes {
  audience_key: string;
  targets: {
    destination: string;
    size: { read_at: string; at_least: number | null; at_most: number | null; taken_in: number; entering: number; leaving: number; verdict: string; message: string } | null;
    drift: { verdict: string; since: string; readings: number; message: string } | null;
    too_small: string | null;
  }[];
}

const HELP = `
Without an audience: what is held now, and why. What was released is pushed at once, removals first, and for the guard's time its causes are no wave there.
There is no way to throw a wave away, because the ledger says what is wanted: correct it by events (add again whom a mistaken campaign removed, remove whom it
added). Whoever is corrected is not held any more, and the platform never hears of the mistake.`;

const print = (text: string): void => void process.stdout.write(`${harmless(text)}\n`);

export function addGuardCommands(program: Command): void {
  program
    .command('release')
    .description('Let a wave go that the guard holds, or list what it holds.')
    .argument('[audience]', 'the audience')
    .option('--destination <name>', 'only there')
    .option('--adds', 'only adds')
    .option('--removals', 'only removals')
    .option('--because <text>', 'kept with the wave')
    .option('--url <url>', 'where Headgate listens')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(release);
  program
    .command('drift')
    .description('What platforms tell of the size of audiences, against what they took in. Exit status 1 when the two have parted.')
    .argument('[audience]', 'the audience; default: all')
    .option('--read', 'ask the platforms now, instead of showing what they told last')
    .option('--url <url>', 'where Headgate listens')
    .option('--json', 'print JSON')
    .action(drift);
}

async function release(audience: string | undefined, { destination, adds = false, removals = false, because, url, json }: ReleaseOptions): Promise<void> {
  if (audience === undefined) {
    const { held } = (await readApi('/v1/guard', url)) as Held;
    print(json ? JSON.stringify(held) : held.length === 0 ? 'The guard holds nothing.' : describeHeld(held));
    return;
  }
  const what = adds === removals ? {} : { what: adds ? 'adds' : 'removals' };
  const request = { ...what, ...(destination === undefined ? {} : { destination }), by: userInfo().username, ...(because === undefined ? {} : { because }) };
  const { body } = await operateApi(`/v1/audiences/${encodeURIComponent(audience)}/release`, request, url);
  const { released } = body as Released;
  if (json) print(JSON.stringify(body));
  else if (released.length === 0) print(`The guard holds nothing of ${audience}.`);
  else for (const one of released) print(`${one.destination}: ${String(one.members)} ${one.operation === 'add' ? 'adds' : 'removals'} are pushed now.`);
}

const describeHeld = (held: Held['held']): string =>
  held
    .flatMap((one) => [
      `${one.audience_key} at ${one.destination}, since ${time(one.since)}: ${one.because}.`,
      `  ${one.let_go_at === null ? 'They wait until somebody releases them' : `They go by themselves at ${time(one.let_go_at)}`}: ${one.release}`,
    ])
    .join('\n');

async function drift(audience: string | undefined, { read = false, url, json }: { read?: boolean; url?: string; json?: boolean }): Promise<void> {
  if (read) {
    const own = await loadOwnRegistry();
    if (audience !== undefined) pick('audience', audience, own.registry.policies.audiences);
    const audiences = audience === undefined ? [...own.registry.policies.audiences.keys()] : [audience];
    await withTemporal(own.environment, async (gateway) => {
      for (const audienceKey of audiences) await (await gateway.startSizes({ audienceKey }))();
    });
  }
  const answer = await readApi(audience === undefined ? '/v1/audiences' : `/v1/audiences/${encodeURIComponent(audience)}`, url);
  const found = audience === undefined ? (answer as { audiences: AudienceSizes[] }).audiences : [answer as AudienceSizes];
  if (found.some(({ targets }) => targets.some((target) => target.drift))) process.exitCode = 1;
  if (json) {
    print(JSON.stringify(found.map(({ audience_key: key, targets }) => ({ audience_key: key, targets: targets.map(({ destination, size, drift: parted, too_small: small }) => ({ destination, size, drift: parted, too_small: small })) }))));
    return;
  }
  const rows = found.flatMap(({ audience_key: key, targets }) => targets.map((target) => [`${key}\n${target.destination}`, target.size?.taken_in, ...wordsOf(target)]));
  print(table(['target', 'taken in', 'the platform', 'read', 'judged'], rows, { widths: { target: 36, 'the platform': 50, judged: 40 } }));
}

function wordsOf({ size, drift: parted, too_small: small }: AudienceSizes['targets'][number]): (string | null)[] {
  if (!size) return ['was not asked yet', null, null];
  const judged = [parted ? `drift since ${time(parted.since)}, ${String(parted.readings)} readings` : size.verdict === 'more' || size.verdict === 'fewer' ? 'not explained; drift if the next reading says so too' : null, small && `too small to serve: ${small}`];
  return [size.message, time(size.read_at), judged.filter((one) => one !== null).join('\n')];
}
