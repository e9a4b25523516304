/** The description of the analyst's rows, out and in. */
import { z } from 'zod';
import { importQuery, listQuery, NDJSON, NEXT } from '../exposures.ts';
import { exposureRow, imported, refusal } from './answers.ts';
import type { Operation } from './operation.ts';

const report = { event_id: 'example-import-1', object_type: 'email', metric: 'clicked', timestamp: 1_764_000_000, data: { identifiers: { id: 'c_example' }, campaign_id: 7, delivery_id: 'example-delivery-3' } };

export const exposureOperations: Operation[] = [
  {
    id: 'listExposures', method: 'get', path: '/v1/exposures', group: 'Exposures', guard: 'reading',
    summary: "The analyst's rows, in the order of time",
    description: `NDJSON: one row a line. Where there is more, the header ${NEXT} says how to go on.`,
    query: {
      schema: listQuery,
      descriptions: { since: 'Rows of things that happened then or later.', until: 'And before then. Default: now.', after: `What ${NEXT} said in the answer before.`, limit: 'Rows of one answer.' },
    },
    answers: {
      200: { description: 'One row a line.', type: NDJSON, schema: exposureRow, headers: { [NEXT]: '`after` of the next request. Absent when there is no more.' } },
      400: { description: 'A query that cannot be understood.', schema: refusal },
    },
    examples: [
      { name: 'since', summary: 'Rows since a day', query: { since: '2025-11-01T00:00:00Z', limit: 2 }, answer: { status: 200 } },
      { name: 'since_missing', summary: 'Since when?', answer: { status: 400, body: { status: 'invalid', problem: 'since is missing' } } },
    ],
  },
  {
    id: 'importExposures', method: 'post', path: '/v1/exposures', group: 'Exposures', guard: 'operating',
    summary: 'Rows in, from files',
    description: 'At most 500 lines at once: rows as they are read, or bodies of the reporting webhook. Nothing is decided and nothing pushed. The same line again changes nothing.',
    query: { schema: importQuery, descriptions: { file: 'Kept with each row, in `imported_from`.', source: 'Which source reports are of. Default: the only one.' } },
    body: { type: NDJSON, name: 'ExposureLine', schema: z.looseObject({}).describe('A row, or a body of the reporting webhook.') },
    answers: {
      200: { description: 'What became of each line.', schema: imported },
      400: { description: 'A query that cannot be understood, or a source that does not exist.', schema: refusal },
      413: { description: 'More than 500 lines, or 32 MiB.', schema: refusal },
      415: { description: 'Not NDJSON.', schema: refusal },
    },
    examples: [
      {
        name: 'report', summary: 'A report, and a line that is none', query: { file: 'november.ndjson', source: 'demo' }, body: `${JSON.stringify(report)}\n{}\n`,
        answer: {
          status: 200,
          body: { imported: 1, duplicates: 0, rejected: 1, results: [{ line: 1, outcome: 'imported', event_id: 'example-import-1' }, { line: 2, outcome: 'rejected', problems: [{ path: 'metric', message: 'is missing: this is no body of a reporting webhook' }] }] },
        },
      },
      { name: 'nowhere', summary: 'A source that does not exist', query: { file: 'november.ndjson', source: 'nowhere' }, body: '{}', answer: { status: 400, body: { status: 'invalid', problem: 'there is no source nowhere in headgate.yaml; it has demo' } } },
    ],
  },
];
