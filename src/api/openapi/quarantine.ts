/** The description of the quarantine: looking, replaying, discarding. */
import { listQuery, manyDiscards, manyReplays, oneDiscard, oneReplay } from '../quarantine-request.ts';
import { refusal } from './answers.ts';
import { entryConflict, entryDone, entryInvalid, entryResults, quarantineDetails, quarantineList } from './operating-answers.ts';
import type { Answer, Operation } from './operation.ts';

const GROUP = 'Quarantine';
const inPath = { id: 'Of the entry: a number.' };
const filters = {
  reason: 'Kept for this reason.', source: 'Of this source.', since: 'Received at or after.', until: 'Received before.', event: 'Whose body says this event.', audience: 'Whose body says this audience.', problem: 'With this text in one of their problems.',
};
const signed = { by: 'Who is at the keyboard; kept with the entry.', reason: 'Why; kept with the entry.' };
const correction = { body: 'This body instead of the kept one.', set: 'Fields to correct, by their path: `{"audience_key": "cart_7d_v1", "event_id": null}`. Null takes a field out.', dry_run: 'Only say what would happen.' };
const many = { filter: 'Which: at least one, or `all`.', all: 'All that wait.', after: 'Entries after this id.', limit: 'Entries of one request.' };

const refused: Record<number, Answer> = {
  400: { description: 'A request that cannot be understood.', schema: refusal },
  415: { description: 'Not JSON.', schema: refusal },
};
const ofOne: Record<number, Answer> = {
  ...refused,
  404: { description: 'There is no such entry.', schema: refusal },
  409: { description: 'A conflict still, resolved already, or somebody else is at it.', schema: entryConflict },
};

const entry = {
  id: 2, received_at: '2026-11-30T10:00:00.000Z', source: 'demo', reason: 'invalid', event: 'cio.audience_add', audience_key: 'cart_v9', event_id: 'example-invalid-1',
  problems: [{ path: 'audience_key', message: '"cart_v9" is not an audience of headgate.yaml' }, { path: 'customer_id', message: 'the person is missing: send at least one of customer_id, cio_id and email' }],
  resolved_at: null, resolution: null, resolved_by: null, resolved_because: null, replayed_as: null,
};
const noEntry = { status: 404, body: { problem: 'there is no entry 999 in quarantine' } };
const resolvedNow = { resolved_at: '2026-11-30T10:00:00.000Z', resolution: 'replayed: applied', resolved_by: 'ada', resolved_because: '', replayed_as: 'example-invalid-1' };

export const quarantineOperations: Operation[] = [
  {
    id: 'listQuarantine', method: 'get', path: '/v1/quarantine', group: GROUP, guard: 'reading',
    summary: 'What could not be understood, the newest first',
    query: { schema: listQuery, descriptions: { ...filters, state: 'Which.', limit: 'Entries of one answer.', before: 'Older than this one.' } },
    answers: { 200: { description: 'Entries.', schema: quarantineList }, 400: { description: 'A query that cannot be understood.', schema: refusal } },
    examples: [
      { name: 'invalid', summary: 'Those that are invalid', query: { reason: 'invalid', limit: 1 }, answer: { status: 200, body: { entries: [entry], matching: 2, next: 2 } } },
      { name: 'unknown_filter', summary: 'A state that does not exist', query: { state: 'lost' }, answer: { status: 400, body: { status: 'invalid', problem: 'state must be open, resolved or all' } } },
    ],
  },
  {
    id: 'readQuarantined', method: 'get', path: '/v1/quarantine/{id}', group: GROUP, guard: 'reading',
    summary: 'One entry: why it is here, what is still wrong, its body',
    inPath,
    answers: { 200: { description: 'The entry.', schema: quarantineDetails }, 400: { description: 'No id.', schema: refusal }, 404: { description: 'There is no such entry.', schema: refusal } },
    examples: [
      {
        name: 'entry', summary: 'An entry', path: { id: '2' },
        answer: {
          status: 200,
          body: {
            ...entry, people: 'demo', body: { schema_version: 1, event_id: 'example-invalid-1', event: 'cio.audience_add', audience_key: 'cart_v9' },
            person: { customer_id: null, cio_id: null, email_hash: null, phone_hash: null, identifiers: {} }, still_wrong: entry.problems,
          },
        },
      },
      { name: 'unknown', summary: 'An entry that does not exist', path: { id: '999' }, answer: noEntry },
      { name: 'no_id', summary: 'No number', path: { id: 'first' }, answer: { status: 400, body: { status: 'invalid', problem: 'first is no id of an entry: it is a number, such as headgate quarantine list shows' } } },
    ],
  },
  {
    id: 'replayQuarantined', method: 'post', path: '/v1/quarantine/{id}/replay', group: GROUP, guard: 'operating',
    summary: 'Make an event of an entry, corrected or as it is',
    description: 'A replayed event is the same event: same id, same time, same person. Replaying it twice changes nothing.',
    inPath,
    body: { type: 'application/json', name: 'Replay', schema: oneReplay, descriptions: { ...signed, ...correction } },
    answers: { 200: { description: 'It is an event now; of a dry run, it would be.', schema: entryDone }, ...ofOne, 422: { description: 'Still invalid.', schema: entryInvalid } },
    examples: [
      { name: 'as_it_is', summary: 'Although nothing was mended', path: { id: '2' }, body: { by: 'ada' }, answer: { status: 422, body: { id: 2, outcome: 'invalid', problems: entry.problems } } },
      {
        name: 'corrected', summary: 'With two fields corrected', path: { id: '2' }, body: { by: 'ada', reason: 'the template named the wrong audience', set: { audience_key: 'high_intent_cart_7d_v1', customer_id: 'c_example_2' } },
        answer: { status: 200, body: { id: 2, outcome: 'replayed', status: 'applied', event_id: 'example-invalid-1', audience: 'in', until: '2026-12-07T10:00:00.000Z' } },
      },
      { name: 'again', summary: 'Once more', path: { id: '2' }, body: { by: 'ada' }, answer: { status: 409, body: { id: 2, outcome: 'resolved', problem: 'it was resolved at 2026-11-30T10:00:00.000Z (replayed: applied)', ...resolvedNow } } },
      { name: 'unknown', summary: 'An entry that does not exist', path: { id: '999' }, body: { by: 'ada' }, answer: noEntry },
      { name: 'unknown_field', summary: 'A field that does not exist', path: { id: '1' }, body: { by: 'ada', everything: true }, answer: { status: 400, body: { status: 'invalid', problem: 'Unrecognized key: "everything"' } } },
    ],
  },
  {
    id: 'discardQuarantined', method: 'post', path: '/v1/quarantine/{id}/discard', group: GROUP, guard: 'operating',
    summary: 'Take an entry out without making an event of it',
    description: 'Kept for 90 days.',
    inPath,
    body: { type: 'application/json', name: 'Discard', schema: oneDiscard, descriptions: signed },
    answers: { 200: { description: 'It is out.', schema: entryDone }, ...ofOne },
    examples: [
      { name: 'discard', summary: 'An entry', path: { id: '1' }, body: { by: 'ada', reason: 'sent twice by mistake' }, answer: { status: 200, body: { id: 1, outcome: 'discarded' } } },
      { name: 'unknown', summary: 'An entry that does not exist', path: { id: '999' }, body: { reason: 'sent twice by mistake' }, answer: noEntry },
      { name: 'without_reason', summary: 'Without saying why', path: { id: '1' }, body: { reason: '' }, answer: { status: 400, body: { status: 'invalid', problem: 'reason is missing: say why, it is kept with the entry' } } },
    ],
  },
  {
    id: 'replayManyQuarantined', method: 'post', path: '/v1/quarantine/replay', group: GROUP, guard: 'operating',
    summary: 'Make events of all entries that match',
    body: { type: 'application/json', name: 'ReplayMany', schema: manyReplays, descriptions: { ...signed, ...correction, ...many } },
    answers: { 200: { description: 'What became of each; `next` says how to go on.', schema: entryResults }, ...refused },
    examples: [
      { name: 'dry_run', summary: 'What would happen', body: { filter: { reason: 'invalid' }, dry_run: true }, answer: { status: 200, body: { results: [{ id: 3, outcome: 'invalid', problems: [{ path: 'metric', message: 'is missing: this is no body of a reporting webhook' }] }], next: null, left: 0 } } },
      { name: 'which', summary: 'Which?', body: { by: 'ada' }, answer: { status: 400, body: { status: 'invalid', problem: 'filter is missing: name what is meant, or say "all": true' } } },
    ],
  },
  {
    id: 'discardManyQuarantined', method: 'post', path: '/v1/quarantine/discard', group: GROUP, guard: 'operating',
    summary: 'Take all entries that match out',
    body: { type: 'application/json', name: 'DiscardMany', schema: manyDiscards, descriptions: { ...signed, ...many, dry_run: correction.dry_run } },
    answers: { 200: { description: 'What became of each; `next` says how to go on.', schema: entryResults }, ...refused },
    examples: [
      { name: 'all', summary: 'All that wait', body: { all: true, by: 'ada', reason: 'examples' }, answer: { status: 200, body: { results: [{ id: 3, outcome: 'discarded' }], next: null, left: 0 } } },
      { name: 'which', summary: 'Which?', body: { reason: 'examples' }, answer: { status: 400, body: { status: 'invalid', problem: 'filter is missing: name what is meant, or say "all": true' } } },
    ],
  },
];
