/** One call of tabledata.insertAll, and what its answer says of each row. HTTP 200 says nothing: `insertErrors` does. */
import { z } from 'zod';
import { notUnderstood } from '../../destinations/http-call.ts';
import { PlatformFailure } from '../../domain/failures.ts';
import type { ExportedRow } from '../../domain/exported-columns.ts';
import type { PreparedInsert, RowAnswer } from '../exporter.ts';
import { callBigQuery, refused, type BigQueryCall, type BigQueryClientOptions } from './client.ts';
import { rowJson } from './schema.ts';

const HEAD = '{"skipInvalidRows":false,"ignoreUnknownValues":false,"rows":[';
const TAIL = ']}';

/** Puts as many rows into one call as fit. A row that fits into none is refused here. */
export function prepareInsert(options: BigQueryClientOptions, rows: readonly ExportedRow[], exportedAt: number): PreparedInsert {
  const { bytes_per_call: most, rows_per_call: mostRows, insert_id_length: insertIdLength } = options.settings;
  const carried: { index: number; json: string }[] = [];
  const answers: (RowAnswer | undefined)[] = [];
  let bytes = HEAD.length + TAIL.length;
  for (const [index, row] of rows.entries()) {
    const json = rowJson(row, exportedAt, insertIdLength);
    const size = Buffer.byteLength(json) + 1;
    if (size + HEAD.length + TAIL.length > most) {
      answers.push({ status: 'refused', reason: `the row has ${String(size)} bytes, and a call takes ${String(most)} (bytes_per_call)` });
      continue;
    }
    if (bytes + size > most || carried.length === mostRows) break;
    bytes += size;
    carried.push({ index, json });
    answers.push(undefined);
  }
  return {
    takes: answers.length,
    send: async (signal) => {
      if (carried.length > 0) {
        const said = await insert(options, `${HEAD}${carried.map(({ json }) => json).join(',')}${TAIL}`, carried.length, signal);
        for (const [position, { index }] of carried.entries()) answers[index] = said[position];
      }
      return answers.map((answer) => answer ?? { status: 'unsent', reason: 'BigQuery said nothing of it' });
    },
  };
}

async function insert(options: BigQueryClientOptions, body: string, count: number, signal: AbortSignal): Promise<RowAnswer[]> {
  const { dataset, table } = options.settings;
  const call: BigQueryCall = { method: 'POST', path: `datasets/${dataset}/tables/${table}/insertAll`, what: `${String(count)} rows`, body };
  const answer = await callBigQuery(options, call, signal);
  if ('error' in answer) {
    // A table or its new column is known everywhere only some minutes after it was made; a table that is gone is found out by the next set-up.
    if (answer.error.code === 404) throw notKnownYet(options.exporter, answer.error.message);
    throw refused(options, call, answer);
  }
  const parsed = insertAnswer.safeParse(answer.json);
  if (!parsed.success) throw notUnderstood(options.exporter, answer.reply);
  const unknownColumn = parsed.data.insertErrors.flatMap(({ errors }) => errors).find(({ message }) => NO_SUCH_FIELD.test(message));
  if (unknownColumn) throw notKnownYet(options.exporter, `${unknownColumn.message} (${unknownColumn.location})`);
  return answersOf(parsed.data.insertErrors, count);
}

const rowErrors = z.object({
  index: z.coerce.number().int().nonnegative(),
  errors: z.array(z.object({ reason: z.string().default(''), location: z.string().default(''), message: z.string().default('') })).default([]),
});
/** An answer without its kind may be anything: nothing is known of the rows then. */
export const insertAnswer = z.object({ kind: z.literal('bigquery#tableDataInsertAllResponse'), insertErrors: z.array(rowErrors).default([]) });
export type RowErrors = z.infer<typeof rowErrors>;

const NO_SUCH_FIELD = /no such field/i;
/** What is never taken as it is. Every other reason (`stopped`, `timeout`, `backendError` …) passes, and the row is sent again. */
const OF_THE_ROW = new Set(['invalid', 'invalidQuery']);

/** With `skipInvalidRows: false` one wrong row keeps all of them out, those that are not named too. */
export function answersOf(insertErrors: readonly RowErrors[], count: number): RowAnswer[] {
  const known = new Map(insertErrors.map(({ index, errors }) => [index, errors]));
  return Array.from({ length: count }, (_, index): RowAnswer => {
    const errors = known.get(index);
    const wrong = errors?.find(({ reason }) => OF_THE_ROW.has(reason));
    if (wrong) return { status: 'refused', reason: [wrong.location, wrong.message === '' ? wrong.reason : wrong.message].filter((text) => text !== '').join(': ') };
    if (errors) return { status: 'unsent', reason: errors.map(({ reason, message }) => `${reason} ${message}`.trim()).join(', ') };
    return insertErrors.length > 0 ? { status: 'unsent', reason: 'stopped' } : { status: 'stored' };
  });
}

export class NotKnownYet extends PlatformFailure {}

function notKnownYet(exporter: string, said: string): NotKnownYet {
  const cause = `BigQuery does not know it yet: ${said.slice(0, 200)}`;
  return new NotKnownYet(`${exporter}: ${cause}.`, { kind: 'unavailable', cause, cure: '' });
}
