/** `headgate import exposures`: files of our own and exports of Customer.io into the ledger, each row once. */
import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { Option, type Command } from 'commander';
import { redactText, type ImportedLine } from '../../api/index.ts';
import { answer } from '../answer.ts';
import { EXIT } from '../exit-codes.ts';
import { mappingOf, reportsOf, type Mapping } from '../files/customerio-columns.ts';
import type { FileRecord } from '../files/exposure-file.ts';
import { FORMATS, formatOf, readers, type Format } from '../files/formats.ts';
import { sendLines } from '../headgate-api.ts';
import { ProgressLine } from '../progress-line.ts';

interface Options {
  source?: string;
  format?: Format;
  rejects?: string;
  map?: string[];
  url?: string;
  json?: boolean;
}

/** Of one request. */
const MOST_LINES = 500;
const MOST_CHARACTERS = 4 * 1024 * 1024;
const LONGEST_LINE = 16 * 1024 * 1024;

export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('Take rows in from files.')
    .command('exposures')
    .description("Take exposures in: files that headgate export wrote, bodies of the reporting webhook (one per line), or Customer.io's exports (docs/files.md). Nothing is decided and nothing pushed. The same file again changes nothing.")
    .argument('<file...>')
    .option('--source <name>', 'which source of headgate.yaml reports are of (default: the only one)')
    .addOption(new Option('--format <format>', "how the files are written (default: by their names' ends)").choices(FORMATS))
    .option('--rejects <file>', 'where to write what was refused, with the reasons (NDJSON; default: beside each file, as <file>.rejects)')
    .option('--map <column=field...>', "what columns of Customer.io's exports are, where docs/files.md does not know them")
    .option('--url <url>', 'where Headgate listens')
    .option('--json', 'print JSON')
    .action(importExposures);
}

interface Counts {
  imported: number;
  duplicates: number;
  rejected: number;
}

async function importExposures(files: readonly string[], options: Options): Promise<void> {
  const mapping = mappingOf(options.map ?? []);
  const formats = files.map((file) => {
    const format = options.format ?? formatOf(file);
    if (!format) throw new Error(`${file}: say by --format how it is written (${FORMATS.join(', ')}).`);
    return { file, format };
  });
  const line = new ProgressLine({ json: options.json });
  const results: object[] = [];
  const all: Counts = { imported: 0, duplicates: 0, rejected: 0 };
  for (const { file, format } of formats) {
    const rejects = new Rejects(options.rejects ?? `${file}.rejects`, { keep: options.rejects !== undefined && file !== files[0] });
    const counts = await new FileImport(file, { ...options, mapping, rejects, line }).run(readers[format](file));
    await rejects.close();
    for (const name of Object.keys(all) as (keyof Counts)[]) all[name] += counts[name];
    results.push({ file, ...counts, rejects: counts.rejected > 0 ? rejects.path : null });
    line.say(`${file}: ${describe(counts)}${counts.rejected > 0 ? ` Reasons: ${rejects.path}` : ''}`);
  }
  line.clear();
  answer(options.json, { ...all, files: results }, () => describe(all));
  if (all.rejected > 0) process.exitCode = EXIT.failed;
}

const describe = ({ imported, duplicates, rejected }: Counts): string => `${imported.toLocaleString('en')} imported, ${duplicates.toLocaleString('en')} known already, ${rejected.toLocaleString('en')} rejected.`;

interface Reject {
  file: string;
  line: number;
  event_id?: string;
  problems: { path: string; message: string }[];
}

/** Written only when there is something to write. */
class Rejects {
  readonly path: string;
  readonly #flags: string;
  #handle: FileHandle | undefined;

  constructor(path: string, { keep }: { keep: boolean }) {
    this.path = path;
    this.#flags = keep ? 'a' : 'w';
  }

  async write(rejects: readonly Reject[]): Promise<void> {
    if (rejects.length === 0) return;
    this.#handle ??= await open(this.path, this.#flags);
    await this.#handle.appendFile(rejects.map((reject) => `${JSON.stringify(reject)}\n`).join(''));
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }
}

class FileImport {
  readonly #file: string;
  readonly #path: string;
  readonly #url: string | undefined;
  readonly #mapping: Mapping;
  readonly #rejects: Rejects;
  readonly #progress: ProgressLine;
  readonly #counts: Counts = { imported: 0, duplicates: 0, rejected: 0 };
  readonly #ignored = new Set<string>();
  #batch: { line: number; text: string }[] = [];
  #characters = 0;
  #read = 0;

  constructor(file: string, { mapping, rejects, line, source, url }: Pick<Options, 'source' | 'url'> & { mapping: Mapping; rejects: Rejects; line: ProgressLine }) {
    this.#file = redactText(basename(file)).slice(-200);
    this.#path = `/v1/exposures?${new URLSearchParams({ file: this.#file, ...(source === undefined ? {} : { source }) }).toString()}`;
    this.#url = url;
    this.#mapping = mapping;
    this.#rejects = rejects;
    this.#progress = line;
  }

  /** Throws with a sentence when the file cannot be read or Headgate does not answer: the same import again goes on. */
  async run(records: AsyncIterable<FileRecord>): Promise<Counts> {
    try {
      for await (const record of records) {
        this.#read++;
        await this.#take(record);
        this.#progress.show(this.#read, { more: `, ${this.#file}` });
      }
      await this.#send();
    } catch (error) {
      throw new Error(`${this.#file}: ${(error as Error).message}\nBroken off after ${describe(this.#counts)} The same import again takes the rest, and nothing twice.`, { cause: error });
    }
    if (this.#ignored.size > 0) this.#progress.say(`${this.#file}: nothing is made of the columns ${[...this.#ignored].join(', ')}; --map says what a column is.`);
    return this.#counts;
  }

  async #take({ line, record, problem }: FileRecord): Promise<void> {
    if (!record) {
      await this.#reject(line, problem ?? 'cannot be read');
      return;
    }
    const reports = record['occurred_at'] !== undefined ? { bodies: [record], ignored: [] } : reportsOf(record, this.#mapping);
    if ('problem' in reports) {
      await this.#reject(line, reports.problem);
      return;
    }
    // A file without a header has a person where a name should be.
    for (const column of reports.ignored) this.#ignored.add(redactText(column));
    for (const body of reports.bodies) {
      const text = JSON.stringify(body);
      if (text.length > LONGEST_LINE) await this.#reject(line, `has more than ${String(LONGEST_LINE)} characters`);
      else await this.#add(line, text);
    }
  }

  async #add(line: number, text: string): Promise<void> {
    if (this.#batch.length >= MOST_LINES || (this.#batch.length > 0 && this.#characters + text.length > MOST_CHARACTERS)) await this.#send();
    this.#batch.push({ line, text });
    this.#characters += text.length;
  }

  async #send(): Promise<void> {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#characters = 0;
    const answer = (await sendLines(this.#path, batch.map(({ text }) => text), this.#url)) as Counts & { results: ImportedLine[] };
    this.#counts.imported += answer.imported;
    this.#counts.duplicates += answer.duplicates;
    this.#counts.rejected += answer.rejected;
    const rejected = answer.results.filter(({ outcome }) => outcome === 'rejected');
    await this.#rejects.write(
      rejected.map(({ line, event_id: eventId, problems = [] }) => ({ file: this.#file, line: batch[line - 1]?.line ?? 0, ...(eventId === undefined ? {} : { event_id: eventId }), problems })),
    );
  }

  async #reject(line: number, message: string): Promise<void> {
    this.#counts.rejected++;
    await this.#rejects.write([{ file: this.#file, line, problems: [{ path: '', message }] }]);
  }
}

