/**
 * Parquet, compressed with Snappy, row group by row group. Times are TIMESTAMP in milliseconds UTC, objects have the type JSON: Redshift takes
 * that into SUPER (https://docs.aws.amazon.com/redshift/latest/dg/unload-super-parquet.html, read 2026-11), DuckDB and BigQuery into JSON.
 */
import { open } from 'node:fs/promises';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, type SchemaElement } from 'hyparquet';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { EXPOSURE_COLUMNS, REQUIRED_EXPOSURE_COLUMNS, type ExposureColumn, type ExposureColumnType, type ExposureRow } from '../../domain/exposure-columns.ts';
import { rowOf, type ExposureFile, type FileRecord } from './exposure-file.ts';

const COLUMNS = Object.entries(EXPOSURE_COLUMNS) as [ExposureColumn, ExposureColumnType][];
/** A row group is in memory until it is written. */
const MOST_ROWS = 20_000;
const MOST_CHARACTERS = 32 * 1024 * 1024;
const ROWS_READ_AT_ONCE = 5_000;
/** The library's own takes a byte order mark at the beginning of a text for one of a file. */
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
const parsers = { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && DECODER.decode(bytes) };

const TYPES: Record<ExposureColumnType, Partial<SchemaElement>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' } },
  boolean: { type: 'BOOLEAN' },
  json: { type: 'BYTE_ARRAY', converted_type: 'JSON', logical_type: { type: 'JSON' } },
};
const REQUIRED = new Set<string>(REQUIRED_EXPOSURE_COLUMNS);
const SCHEMA: SchemaElement[] = [
  { name: 'exposures', num_children: COLUMNS.length },
  ...COLUMNS.map(([name, type]): SchemaElement => ({ name, repetition_type: REQUIRED.has(name) ? 'REQUIRED' : 'OPTIONAL', ...TYPES[type] })),
];

export function writeParquet(path: string): Promise<ExposureFile> {
  const writer = new ParquetWriter({ writer: fileWriter(path), schema: SCHEMA, createdBy: 'headgate' });
  let rows: ExposureRow[] = [];
  let characters = 0;
  const flush = async (): Promise<void> => {
    const columnData = COLUMNS.map(([name, type]) => ({ name, data: rows.map((row) => (type === 'time' ? new Date(row[name] as string) : row[name])) }));
    rows = [];
    characters = 0;
    await writer.write({ columnData, rowGroupSize: MOST_ROWS });
  };
  return Promise.resolve({
    write: async (line) => {
      rows.push(rowOf(line));
      characters += line.length;
      if (rows.length >= MOST_ROWS || characters >= MOST_CHARACTERS) await flush();
    },
    finish: async () => {
      if (rows.length > 0) await flush();
      await writer.finish();
      const handle = await open(path, 'r+');
      await handle.sync();
      await handle.close();
    },
  });
}

/** Times become ISO 8601, large integers texts. Throws when the file is compressed by something else than Snappy. */
export async function* readParquet(path: string): AsyncGenerator<FileRecord> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const groupEnd = rowStart + Number(group.num_rows);
    for (; rowStart < groupEnd; ) {
      const rowEnd = Math.min(groupEnd, rowStart + ROWS_READ_AT_ONCE);
      const records = await parquetReadObjects({ file, metadata, rowStart, rowEnd, parsers });
      for (const [index, record] of records.entries()) yield { line: rowStart + index + 1, record: Object.fromEntries(Object.entries(record).map(([name, value]) => [name, inJson(value)])) };
      rowStart = rowEnd;
    }
  }
}

function inJson(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return value ?? null;
}
