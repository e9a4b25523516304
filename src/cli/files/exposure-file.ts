/** Files of exposures, whatever their format. */
import type { ExposureRow } from '../../domain/exposure-columns.ts';

/** A file that is being written. */
export interface ExposureFile {
  /** @param line the row as the api gave it */
  write: (line: string) => Promise<void>;
  /** Resolves when the file is whole and on the disk. */
  finish: () => Promise<void>;
}

/** One record of a file. */
export interface FileRecord {
  /** Line of the file, from 1; in Parquet the row. */
  line: number;
  /** Undefined when it could not be read. */
  record: Record<string, unknown> | undefined;
  /** Why not. Quotes nothing of the file. */
  problem?: string;
}

export const rowOf = (line: string): ExposureRow => JSON.parse(line) as ExposureRow;
