/** `headgate export exposures`: the analyst's rows as files, for whoever has no connection of Headgate's own. */
import { Option, type Command } from 'commander';
import { answer } from '../answer.ts';
import { ExportFolder, type ExportOptions } from '../files/export-folder.ts';
import { FORMATS, writers, type Format } from '../files/formats.ts';
import { readLines } from '../headgate-api.ts';
import { ProgressLine } from '../progress-line.ts';
import { readTime } from '../time.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options {
  since: string;
  until?: string;
  format: Format;
  out: string;
  rowsPerFile: number;
  restart?: boolean;
  url?: string;
  json?: boolean;
}

/** Rows of one request. */
const PAGE = 10_000;

/** Returns the command `export`, for more of its kind. */
export function addExportCommand(program: Command): Command {
  const group = program.command('export').description('Exposures to files, and on their way to warehouses.');
  group
    .command('exposures')
    .description('Write exposures to numbered files in a folder. The same command again goes on where it ended.')
    .requiredOption('--since <time>', 'rows of things that happened then or later: ISO 8601, Unix seconds, or a time back such as -30d')
    .option('--until <time>', 'and before then (default: when the export begins)')
    .addOption(new Option('--format <format>', 'how they are written').choices(FORMATS).makeOptionMandatory())
    .requiredOption('--out <folder>', 'where to')
    .option('--rows-per-file <n>', 'how many rows a file has, but for the last', wholeNumber(10_000_000), 100_000)
    .option('--restart', 'begin anew: the files that the folder has of an earlier export go')
    .option('--url <url>', 'where Headgate listens')
    .option('--json', 'print JSON')
    .action(exportExposures);
  return group;
}

async function exportExposures({ since, until, format, out, rowsPerFile, restart = false, url, json }: Options): Promise<void> {
  const iso = (option: string, given: string): string => new Date(readTime(option, given)).toISOString();
  const options: ExportOptions = { since: asAsked('--since', since), ...(until === undefined ? {} : { until: asAsked('--until', until) }), format, rows_per_file: rowsPerFile };
  const folder = await ExportFolder.open(out, options, { restart, since: iso('--since', since), until: until === undefined ? new Date().toISOString() : iso('--until', until) });
  if (folder.progress.done) {
    answer(json, resultOf(folder, out), () => `${out} is whole: ${summary(folder)} Begin anew by --restart.`);
    return;
  }
  const line = new ProgressLine({ json });
  const before = folder.progress.rows;
  if (folder.progress.cursor !== null) line.say(`Goes on behind ${summary(folder)}`);
  try {
    for (let done = false; !done; ) {
      const { name } = folder.next;
      const part = await writePart(folder, url, (rows) => line.show(folder.progress.rows - before + rows, { before, more: `, ${name}` }));
      if (part.rows > 0) line.say(`${name}: ${line.describe(folder.progress.rows - before, before)}`);
      done = part.done;
    }
  } catch (error) {
    throw new Error(`${(error as Error).message}\nBroken off behind ${summary(folder)} The same command goes on there.`, { cause: error });
  }
  line.clear();
  answer(json, resultOf(folder, out), () => `Written to ${out}: ${summary(folder)}`);
}

/** A time back is kept as it was typed: typed again, it means the same export. */
const asAsked = (option: string, given: string): string => (given.startsWith('-') ? given : new Date(readTime(option, given)).toISOString());

const resultOf = ({ progress: { files, rows } }: ExportFolder, out: string): object => ({ folder: out, rows, files });
const summary = ({ progress: { files, rows } }: ExportFolder): string => `${rows.toLocaleString('en')} rows in ${String(files)} file${files === 1 ? '' : 's'}.`;

/** Returns how many rows it has, and whether it is the last. */
async function writePart(folder: ExportFolder, url: string | undefined, told: (rows: number) => void): Promise<{ rows: number; done: boolean }> {
  const { options, since, until, cursor } = folder.progress;
  const file = await writers[options.format](folder.next.unfinished);
  let rows = 0;
  let next = cursor ?? undefined;
  do {
    const query = new URLSearchParams({ since, until, limit: String(Math.min(PAGE, options.rows_per_file - rows)), ...(next === undefined ? {} : { after: next }) });
    const page = await readLines(`/v1/exposures?${query.toString()}`, url);
    for await (const row of page.lines) {
      await file.write(row);
      rows++;
    }
    next = page.next;
    told(rows);
  } while (next !== undefined && rows < options.rows_per_file);
  await file.finish();
  await folder.keep({ rows, cursor: next });
  return { rows, done: next === undefined };
}
