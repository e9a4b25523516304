/** What the api answers to whoever operates it: the quarantine, erasing, health. See answers.ts. */
import { z } from 'zod';
import { decided, decision, problem } from './answers.ts';
import { named } from './named-answers.ts';

const time = z.iso.datetime();
const count = z.int().min(0);
const object = z.record(z.string(), z.unknown());

const resolution = {
  resolved_at: time.nullable(),
  resolution: z.string().nullable().describe('`discarded`, or `replayed: ` and what was decided.'),
  resolved_by: z.string().nullable(),
  resolved_because: z.string().nullable(),
  replayed_as: z.string().nullable(),
};
const entryFields = {
  id: z.int().min(1),
  received_at: time,
  source: z.string(),
  reason: z.enum(['invalid', 'conflict']),
  event: z.string().nullable(),
  audience_key: z.string().nullable(),
  event_id: z.string().nullable(),
  problems: z.array(problem),
  ...resolution,
};
export const quarantineList = named(
  'QuarantineList',
  z.object({ entries: z.array(named('QuarantineEntry', z.object(entryFields))), matching: count, next: z.int().nullable().describe('`before` of the next request; null when there is no more.') }),
);
export const quarantineDetails = named(
  'QuarantineDetails',
  z.object({
    ...entryFields,
    people: z.string().nullable(),
    body: z.union([object, z.string()]).describe('With hashes for personal data.'),
    person: z.object({
      customer_id: z.string().nullable(),
      cio_id: z.string().nullable(),
      email_hash: z.string().nullable(),
      phone_hash: z.string().nullable(),
      identifiers: z.record(z.string(), z.array(z.string())).describe('Per platform, the types.'),
    }),
    still_wrong: z.array(problem).describe('What is wrong with it as headgate.yaml stands now.'),
  }),
);
const replayed = { id: z.int(), event_id: z.string(), ...decided };
export const entryDone = named(
  'EntryDone',
  z.union([
    z.object({ ...replayed, outcome: z.literal('replayed'), status: z.enum([...decision.options, 'duplicate']) }),
    z.object({ id: z.int(), outcome: z.literal('replayable'), status: z.enum(['new', 'duplicate']), event_id: z.string() }),
    z.object({ id: z.int(), outcome: z.enum(['discarded', 'discardable']) }),
  ]),
  'What became of an entry; of a dry run, what would.',
);
export const entryInvalid = named('EntryInvalid', z.object({ id: z.int(), outcome: z.literal('invalid'), problems: z.array(problem) }), 'It stays in quarantine.');
export const entryConflict = named(
  'EntryConflict',
  z.union([
    z.object({ id: z.int(), outcome: z.enum(['conflict', 'busy']), event_id: z.string().optional(), problem: z.string() }),
    z.object({ id: z.int(), outcome: z.literal('resolved'), problem: z.string(), ...resolution }),
  ]),
  'It stays as it is.',
);
export const entryResults = named(
  'EntryResults',
  z.object({
    results: z.array(z.union([entryDone, entryInvalid, entryConflict])),
    next: z.int().nullable().describe('`after` of the next request; null when nothing is left.'),
    left: count.describe('How many that are.'),
  }),
);

const rows = z.record(z.string(), count);
export const erasure = named(
  'Erasure',
  z.object({
    erasure_id: z.string(),
    person_ids: z.array(z.string()),
    requested_by: z.string(),
    because: z.string().nullable(),
    requested_at: time,
    finished_at: time.nullable(),
    receipt: z
      .object({ rows: rows.describe('Of the ledger, by table.'), histories: count, left_at_platforms: z.array(z.string()), warehouses: z.record(z.string(), z.union([z.int(), z.string()])) })
      .nullable()
      .describe('What was done, once it is.'),
    progress: z.string().optional().describe('How far it is, for people.'),
  }),
);

export const alive = named('Alive', z.object({ status: z.literal('ok'), version: z.string().describe('Of Headgate, as headgate --version tells it.') }));
export const readiness = named(
  'Readiness',
  z.object({
    status: z.enum(['ok', 'degraded', 'unavailable', 'stopping']).describe('`degraded`: one of the two stores answers, which is enough to take events.'),
    ledger: z.boolean(),
    temporal: z.boolean(),
    problems: z.array(z.string()),
  }),
);
