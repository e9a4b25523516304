/** The file formats of exposures: what each is called, and who writes and reads it. */
import { readCsv, writeCsv } from './csv.ts';
import type { ExposureFile, FileRecord } from './exposure-file.ts';
import { readNdjson, writeNdjson } from './ndjson.ts';
import { readParquet, writeParquet } from './parquet.ts';

export const FORMATS = ['parquet', 'csv', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

/** Overwrites what is there. */
export const writers: Record<Format, (path: string) => Promise<ExposureFile>> = { parquet: writeParquet, csv: writeCsv, ndjson: writeNdjson };
/** Reads record by record, never a whole file at once. */
export const readers: Record<Format, (path: string) => AsyncIterable<FileRecord>> = { parquet: readParquet, csv: readCsv, ndjson: readNdjson };

const ENDINGS: Record<string, Format> = { parquet: 'parquet', csv: 'csv', ndjson: 'ndjson', jsonl: 'ndjson', json: 'ndjson' };
/** By the file's name. Undefined when it tells nothing. */
export const formatOf = (file: string): Format | undefined => ENDINGS[/\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? ''];
