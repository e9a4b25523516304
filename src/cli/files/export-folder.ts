/**
 * A folder that an export fills part by part, and what it remembers: `_progress.json` is written after each part, so that whoever is killed
 * goes on behind the last whole part. A part has a name of its own until it is whole, and loaders leave out names that begin with `_`.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Format } from './formats.ts';

/** What an export was asked for. Another one needs another folder. Times are ISO 8601, or a time back such as `-7d`. */
export interface ExportOptions {
  since: string;
  until?: string;
  format: Format;
  rows_per_file: number;
}

export interface ExportProgress {
  options: ExportOptions;
  /** From when until when, fixed when the export began. ISO 8601. */
  since: string;
  until: string;
  /** What the api is asked to go on behind; null at the beginning. */
  cursor: string | null;
  files: number;
  rows: number;
  done: boolean;
}

const PROGRESS = '_progress.json';
const PART = /^exposures-\d{5,}\.(parquet|csv|ndjson)$/;
const UNFINISHED = '_unfinished-';

export class ExportFolder {
  readonly path: string;
  progress: ExportProgress;

  private constructor(path: string, progress: ExportProgress) {
    this.path = path;
    this.progress = progress;
  }

  /**
   * Begins an export, or finds the one that the folder has. Throws when that one was asked for something else, and when the folder has parts that
   * no progress tells of.
   * @param begin when it begins now: from when until when; `restart`: the parts that there are go
   */
  static async open(path: string, options: ExportOptions, begin: Pick<ExportProgress, 'since' | 'until'> & { restart: boolean }): Promise<ExportFolder> {
    const { restart, since, until } = begin;
    await mkdir(path, { recursive: true });
    const names = await readdir(path);
    for (const name of names) if (name.startsWith(UNFINISHED)) await rm(join(path, name));
    const parts = names.filter((name) => PART.test(name));
    if (restart) await Promise.all([...parts, PROGRESS].map((name) => rm(join(path, name), { force: true })));
    const found = restart ? undefined : await readProgress(path);
    if (!found && !restart && parts.length > 0) throw new Error(`${path} has ${String(parts.length)} files of an export, but no ${PROGRESS}: name another folder by --out, or begin anew by --restart.`);
    const other = found && difference(found.options, options);
    if (other !== undefined) throw new Error(`${path} has an export with ${other}: ask for the same to go on with it, name another folder by --out, or begin anew by --restart.`);
    return new ExportFolder(path, found ?? { options, since, until, cursor: null, files: 0, rows: 0, done: false });
  }

  /** Of the next part: where it is written, and its name. */
  get next(): { unfinished: string; name: string } {
    const name = `exposures-${String(this.progress.files + 1).padStart(5, '0')}.${this.progress.options.format}`;
    return { unfinished: join(this.path, `${UNFINISHED}${name}`), name };
  }

  /** The next part is whole. Whoever is killed before the progress is written makes this part anew, over this one. */
  async keep({ rows, cursor }: { rows: number; cursor: string | undefined }): Promise<void> {
    const { unfinished, name } = this.next;
    if (rows > 0) await rename(unfinished, join(this.path, name));
    else await rm(unfinished, { force: true });
    const { progress } = this;
    this.progress = { ...progress, cursor: cursor ?? progress.cursor, files: progress.files + (rows > 0 ? 1 : 0), rows: progress.rows + rows, done: cursor === undefined };
    await this.#write();
  }

  async #write(): Promise<void> {
    const unfinished = join(this.path, `${UNFINISHED}progress.json`);
    const handle = await open(unfinished, 'w');
    await handle.writeFile(`${JSON.stringify(this.progress, null, 2)}\n`);
    await handle.sync();
    await handle.close();
    await rename(unfinished, join(this.path, PROGRESS));
  }
}

async function readProgress(path: string): Promise<ExportProgress | undefined> {
  const file = join(path, PROGRESS);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as ExportProgress;
  } catch (error) {
    throw new Error(`${file} is no progress of an export: begin anew by --restart.`, { cause: error });
  }
}

/** What the folder's export was asked for and this one is not. */
function difference(found: ExportOptions, asked: ExportOptions): string | undefined {
  const names = { since: '--since', until: '--until', format: '--format', rows_per_file: '--rows-per-file' } as const;
  const other = (Object.keys(names) as (keyof typeof names)[]).find((name) => found[name] !== asked[name]);
  return other && (found[other] === undefined ? `no ${names[other]}` : `${names[other]} ${String(found[other])}`);
}
