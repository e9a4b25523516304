/** NDJSON: one JSON object per line, as the api gives and takes it. */
import { createReadStream } from 'node:fs';
import { linesIn } from '../lines.ts';
import { TextFile } from './disk.ts';
import type { ExposureFile, FileRecord } from './exposure-file.ts';

export async function writeNdjson(path: string): Promise<ExposureFile> {
  const file = await TextFile.create(path);
  return { write: (line) => file.write(`${line}\n`), finish: () => file.finish() };
}

export async function* readNdjson(path: string): AsyncGenerator<FileRecord> {
  let number = 0;
  for await (const text of linesIn(createReadStream(path))) {
    number++;
    if (text.trim() !== '') yield { line: number, ...parse(text) };
  }
}

function parse(text: string): Omit<FileRecord, 'line'> {
  try {
    const given: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (typeof given === 'object' && given !== null && !Array.isArray(given)) return { record: given as Record<string, unknown> };
  } catch {
    // The parser's message quotes the line, which may hold an address.
  }
  return { record: undefined, problem: 'is not a JSON object' };
}
