/**
 * CSV as RFC 4180 has it, in UTF-8 with a header: times in ISO 8601, objects as JSON, null as nothing and an empty text as `""`.
 * Values stand as they are: a program that takes `=…` for a formula must be told that these are texts.
 */
import { createReadStream } from 'node:fs';
import { parse, type InfoField } from 'csv-parse';
import { stringify } from 'csv-stringify/sync';
import { EXPOSURE_COLUMNS, type ExposureColumn } from '../../domain/exposure-columns.ts';
import { TextFile } from './disk.ts';
import { rowOf, type ExposureFile, type FileRecord } from './exposure-file.ts';

const COLUMNS = Object.keys(EXPOSURE_COLUMNS) as ExposureColumn[];
const ROWS_AT_ONCE = 500;
const LONGEST_RECORD = 16 * 1024 * 1024;

const inCsv = (records: readonly (readonly unknown[])[]): string =>
  stringify([...records] as unknown[][], { record_delimiter: 'windows', quoted_match: /^$/, cast: { boolean: String, object: (value) => JSON.stringify(value) } });

export async function writeCsv(path: string): Promise<ExposureFile> {
  const file = await TextFile.create(path);
  let rows: unknown[][] = [];
  const flush = async (): Promise<void> => {
    if (rows.length > 0) await file.write(inCsv(rows));
    rows = [];
  };
  await file.write(inCsv([COLUMNS]));
  return {
    write: async (line) => {
      const row = rowOf(line);
      rows.push(COLUMNS.map((column) => row[column]));
      if (rows.length >= ROWS_AT_ONCE) await flush();
    },
    finish: async () => {
      await flush();
      await file.finish();
    },
  };
}

/** Fields of the columns of exposures get their types back; every other one stays a text. */
export async function* readCsv(path: string): AsyncGenerator<FileRecord> {
  const parser = parse({ columns: true, bom: true, info: true, skip_empty_lines: true, relax_column_count: true, max_record_size: LONGEST_RECORD, cast: (value, context) => typed(value, context) });
  const input = createReadStream(path);
  input.once('error', (error) => parser.destroy(error));
  let line = 1;
  for await (const { record, info } of input.pipe(parser) as AsyncIterable<{ record: Record<string, unknown>; info: { lines: number; error?: unknown } }>) {
    // The parser tells the line where a record ends; a record that follows begins behind it.
    line++;
    if (info.error !== undefined) yield { line, record: undefined, problem: 'has another number of fields than the header' };
    else yield { line, record };
    line = info.lines;
  }
}

function typed(value: string, { header, quoting, column }: InfoField): unknown {
  if (header) return value.trim();
  if (value === '') return quoting ? '' : null;
  const type = Object.hasOwn(EXPOSURE_COLUMNS, String(column)) ? EXPOSURE_COLUMNS[column as ExposureColumn] : 'text';
  if (type === 'boolean' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  if (type !== 'json') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
