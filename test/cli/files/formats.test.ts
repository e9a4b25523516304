/** Rows through each file format and back, with whatever a text can hold. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetMetadataAsync, asyncBufferFromFile } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileRecord } from '../../../src/cli/files/exposure-file.ts';
import { FORMATS, formatOf, readers, writers, type Format } from '../../../src/cli/files/formats.ts';
import { EXPOSURE_COLUMNS, REQUIRED_EXPOSURE_COLUMNS, type ExposureRow } from '../../../src/domain/exposure-columns.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-formats-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function throughAFile(format: Format, rows: readonly ExposureRow[]): Promise<{ records: FileRecord[]; path: string }> {
  const path = join(folder, `${String(++files)}.${format}`);
  const file = await writers[format](path);
  for (const row of rows) await file.write(JSON.stringify(row));
  await file.finish();
  return { records: await recordsOf(format, path), path };
}
async function recordsOf(format: Format, path: string): Promise<FileRecord[]> {
  const records: FileRecord[] = [];
  for await (const record of readers[format](path)) records.push(record);
  return records;
}

/** Every text that the ledger can hold: no NUL, no lone surrogate. */
const text = fc.oneof(fc.string({ unit: 'binary' }).map((given) => given.replaceAll('\0', '')), fc.constantFrom('', ' ', 'null', '"', '""', ',', '\r\n', '\n', '\r', '=1+1', '\uFEFFx', 'x\u2028y\u2029\u0085z', "'", '\\', '{}', 'true', '12', '🛒'));
// The writer of Parquet leaves out a member of this name.
const values = { text, boolean: fc.boolean(), time: fc.date({ min: new Date('1971-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }).map((date) => date.toISOString()), json: fc.dictionary(text, fc.jsonValue() as fc.Arbitrary<unknown>).filter((given) => !JSON.stringify(given).includes('"__proto__"')) };
const required = new Set<string>(REQUIRED_EXPOSURE_COLUMNS);
const row = fc.record(Object.fromEntries(Object.entries(EXPOSURE_COLUMNS).map(([column, type]) => [column, required.has(column) ? values[type] : fc.option(values[type] as fc.Arbitrary<unknown>)]))) as unknown as fc.Arbitrary<ExposureRow>;
const asJson = (rows: readonly ExposureRow[]): ExposureRow[] => rows.map((one) => JSON.parse(JSON.stringify(one)) as ExposureRow);

describe.each(FORMATS)('%s', (format) => {
  test('gives every row back, whatever its texts hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async (rows) => {
        const { records } = await throughAFile(format, rows);
        expect(records.map(({ record }) => record)).toEqual(asJson(rows));
      }),
      { numRuns: 60 },
    );
  });
  test('a file without rows is one that loaders can read', async () => {
    expect((await throughAFile(format, [])).records).toEqual([]);
  });
  test('is told by the name of its files', () => {
    expect(formatOf(`x/exposures-00001.${format}`)).toBe(format);
  });
});

const plain: ExposureRow = {
  ...(Object.fromEntries(Object.keys(EXPOSURE_COLUMNS).map((column) => [column, null])) as unknown as ExposureRow),
  event_id: 'e', name: 'cio.exposure', status: 'applied', occurred_at: '2026-11-01T00:00:00.123Z', received_at: '2026-11-01T00:00:01.000Z', context: { a: 1 }, attributes: {},
};

test('Parquet files have the types that warehouses know, and row groups', async () => {
  const { path } = await throughAFile('parquet', Array.from({ length: 45_000 }, (_, index) => ({ ...plain, event_id: `e${String(index)}` })));
  const { schema, row_groups: groups, num_rows: rows } = await parquetMetadataAsync(await asyncBufferFromFile(path));
  const typeOf = (name: string) => schema.find((element) => element.name === name);
  expect(typeOf('occurred_at')).toMatchObject({ type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' }, repetition_type: 'REQUIRED' });
  expect(typeOf('context')).toMatchObject({ type: 'BYTE_ARRAY', converted_type: 'JSON' });
  expect(typeOf('machine')).toMatchObject({ type: 'BOOLEAN', repetition_type: 'OPTIONAL' });
  expect(typeOf('person_id')).toMatchObject({ type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' });
  expect([Number(rows), groups.map((group) => Number(group.num_rows))]).toEqual([45_000, [20_000, 20_000, 5_000]]);
});

test('CSV files are as RFC 4180 has them: a header, quotes doubled, lines that end with CRLF', async () => {
  const { path } = await throughAFile('csv', [{ ...plain, campaign_name: 'a "b", c', machine: false, link_url: '' }]);
  const [header, line, ...more] = (await readFile(path, 'utf8')).split('\r\n');
  expect(header).toBe(Object.keys(EXPOSURE_COLUMNS).join(','));
  expect(line).toContain(',"a ""b"", c",');
  expect(line).toContain(',"",,false,"{""a"":1}",{},');
  expect(more).toEqual(['']);
});

test('a CSV of somebody else: a byte order mark, spaces in the header, a line with another number of fields, and the lines where records begin', async () => {
  const path = join(folder, 'foreign.csv');
  await writeFile(path, '\uFEFF event_id ,note\n1,"two\nlines"\n2\n3,x,y\n\n4,""\n');
  expect(await recordsOf('csv', path)).toEqual([
    { line: 2, record: { event_id: '1', note: 'two\nlines' } },
    { line: 4, record: undefined, problem: 'has another number of fields than the header' },
    { line: 5, record: undefined, problem: 'has another number of fields than the header' },
    { line: 6, record: { event_id: '4', note: '' } },
  ]);
});

test('what is no JSON object among lines is told by its number, and nothing of it is repeated', async () => {
  const path = join(folder, 'broken.ndjson');
  await writeFile(path, '\uFEFF{"a":1}\r\n\n[1]\n{"email":"ada@example.com"\n{"b":2}');
  expect(await recordsOf('ndjson', path)).toEqual([{ line: 1, record: { a: 1 } }, { line: 3, record: undefined, problem: 'is not a JSON object' }, { line: 4, record: undefined, problem: 'is not a JSON object' }, { line: 5, record: { b: 2 } }]);
});
