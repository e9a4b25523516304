/** `headgate identifiers`: what a platform would be sent for a person; the same code as the door's. One JSON person per line in, one JSON line each out. */
import type { Command } from 'commander';
import { withoutEmail } from '../../api/index.ts';
import { catalog } from '../../destinations/catalog.ts';
import type { Platform } from '../../destinations/destination.ts';
import { normaliseCountry } from '../../domain/countries.ts';
import { PERSON_FIELDS, personFromFields, type RawPerson } from '../../domain/identifiers.ts';
import { linesIn } from '../lines.ts';

interface Answer {
  platform: string;
  identifiers: { type: string; normalised: string; value: string }[];
  dropped: { field: string; reason: string }[];
  /** Why the line could not be read. */
  error?: string;
}

export function addIdentifiersCommand(program: Command): void {
  program
    .command('identifiers')
    .description('Show how people are normalised and hashed for a platform: one JSON person per line on standard input, in the names of the webhook.')
    .requiredOption('--platform <name>', [...catalog.keys()].join(', '))
    .option('--country <code>', 'how phones without country code are read (ISO 3166-1 alpha-2)')
    .option('--json', 'print JSON, as it does anyway')
    .action(identifiers);
}

async function identifiers({ platform: name, country }: { platform: string; country?: string }): Promise<void> {
  const platform = catalog.get(name);
  if (!platform) throw new Error(`There is no platform ${name}; there are ${[...catalog.keys()].join(', ')}.`);
  if (country !== undefined && normaliseCountry(country) === undefined) throw new Error(`--country ${country} is no ISO 3166-1 alpha-2 code such as US.`);
  let number = 0;
  for await (const line of linesIn(process.stdin as AsyncIterable<Buffer>)) {
    number++;
    if (line.trim() === '') continue;
    const answer = identifyLine(platform, line, number, country);
    if (answer.error !== undefined) process.exitCode = 1;
    if (!process.stdout.write(`${JSON.stringify(answer)}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

const NAMES = new Map(Object.entries(PERSON_FIELDS));
const KNOWN = new Set<string>(NAMES.values());

/** Pure. A line that is no person gets an answer too, so that the lines of both sides belong together. */
export function identifyLine(platform: Platform, line: string, number: number, country: string | undefined): Answer {
  const nothing: Answer = { platform: platform.platform, identifiers: [], dropped: [] };
  let given: unknown;
  try {
    given = JSON.parse(line);
  } catch {
    return { ...nothing, error: `line ${String(number)} is not JSON` };
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return { ...nothing, error: `line ${String(number)} is not a JSON object` };
  const { fields, dropped } = readFields(given as Record<string, unknown>);
  const made = platform.identify(personFromFields(fields, country));
  return {
    ...nothing,
    identifiers: made.identifiers.map(({ type, normalised, value }) => ({ type, normalised, value })),
    dropped: [...dropped, ...made.dropped.map(({ field, reason }) => ({ field: nameOf(field), reason }))],
  };
}

const nameOf = (field: keyof RawPerson): string => NAMES.get(field) ?? field;

/** A person's fields, also those in a `profile`, as the webhook takes them: numbers are as good as texts, nulls say nothing. */
function readFields({ profile, ...given }: Record<string, unknown>): { fields: Record<string, string>; dropped: Answer['dropped'] } {
  const fields: Record<string, string> = {};
  const dropped: Answer['dropped'] = [];
  for (const [name, value] of Object.entries({ ...(typeof profile === 'object' ? profile : {}), ...given })) {
    if (!KNOWN.has(name) || value === null || value === undefined) continue;
    if (typeof value === 'string') fields[name] = name === PERSON_FIELDS.customerId ? withoutEmail(value) : value;
    else if (typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value))) fields[name] = String(value);
    else dropped.push({ field: name, reason: 'must be text: put it in quotes' });
  }
  return { fields, dropped };
}
