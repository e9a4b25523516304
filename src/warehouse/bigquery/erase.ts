/**
 * Makes the rows of erased persons nobody's, by one UPDATE. BigQuery refuses that for rows that were streamed within the last half hour, or 90 minutes
 * (https://docs.cloud.google.com/bigquery/docs/data-manipulation-language, the project's facts of 2026-11); then it is tried again later.
 */
import { z } from 'zod';
import { ANONYMOUS_COLUMNS } from '../../domain/exported-columns.ts';
import { notUnderstood } from '../../destinations/http-call.ts';
import type { WarehouseErasure } from '../exporter.ts';
import { callBigQuery, refused, type BigQueryCall, type BigQueryClientOptions } from './client.ts';

const answerSchema = z.object({ jobComplete: z.boolean(), numDmlAffectedRows: z.coerce.number().default(0) });
const FRESH = /streaming buffer/i;

/** How long BigQuery may take before it answers that it is not through, in milliseconds. */
const PATIENCE_MS = 20_000;

export async function eraseFromBigQuery(options: BigQueryClientOptions, personIds: readonly string[], signal: AbortSignal): Promise<WarehouseErasure> {
  const { project, dataset, table, location } = options.settings;
  const call: BigQueryCall = {
    method: 'POST', path: 'queries', what: 'the erasure of a person',
    body: JSON.stringify({
      query: `UPDATE \`${project}.${dataset}.${table}\` SET ${ANONYMOUS_COLUMNS.map((column) => `\`${column}\` = NULL`).join(', ')} WHERE person_id IN UNNEST(@persons)`,
      useLegacySql: false, location, timeoutMs: PATIENCE_MS, parameterMode: 'NAMED',
      queryParameters: [{ name: 'persons', parameterType: { type: 'ARRAY', arrayType: { type: 'STRING' } }, parameterValue: { arrayValues: personIds.map((value) => ({ value })) } }],
    }),
  };
  const answer = await callBigQuery(options, call, signal);
  if ('error' in answer) {
    if (FRESH.test(answer.error.message)) return { later: 'BigQuery changes rows only some time after they came, up to 90 minutes' };
    // Nothing was ever sent there.
    if (answer.error.code === 404) return { rows: 0 };
    throw refused(options, call, answer);
  }
  const parsed = answerSchema.safeParse(answer.json);
  if (!parsed.success) throw notUnderstood(options.exporter, answer.reply);
  return parsed.data.jobComplete ? { rows: parsed.data.numDmlAffectedRows } : { later: 'BigQuery is not through with it' };
}
