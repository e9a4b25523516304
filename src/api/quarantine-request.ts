/** What may be asked of the quarantine: filters, corrections, limits. Everything is named strictly, because a filter that is ignored would replay too much. */
import { z } from 'zod';
import type { JsonObject, JsonValue } from '../domain/event.ts';
import type { Problem } from '../domain/quarantine.ts';
import type { QuarantineFilter } from '../ledger/index.ts';
import type { Correction } from './event-from-kept.ts';
import { isGiven, redactText } from './redact.ts';
import { webhookBody } from './webhook-schema.ts';

/** Entries of one answer when listing, and of one request in bulk: a few hundred milliseconds of the ledger. */
const MOST_LISTED = 500;
const MOST_AT_ONCE = 500;

const name = z.string().trim().min(1).max(200);
const time = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-25T10:00:00Z' }).transform((text) => new Date(text));
const word = z.string().trim().max(500).transform((text) => redactText(text));

const filterFields = {
  reason: z.enum(['invalid', 'conflict'], 'must be invalid or conflict').optional(),
  source: name.optional(),
  since: time.optional(),
  until: time.optional(),
  event: name.optional(),
  audience: name.optional(),
  problem: z.string().min(1).max(200).optional(),
};
const filterFrom = z.strictObject(filterFields);
type FilterFields = z.infer<typeof filterFrom>;

const whole = (most: number) => z.coerce.number('must be a whole number').int('must be a whole number').min(1).max(most);
export const listQuery = z.strictObject({ ...filterFields, state: z.enum(['open', 'resolved', 'all'], 'must be open, resolved or all').default('open'), limit: whole(MOST_LISTED).default(50), before: whole(Number.MAX_SAFE_INTEGER).optional() });

const json = z.custom<JsonValue>((value) => value !== undefined, 'must be JSON');
const set = z.record(z.string(), json).superRefine((given, context) => {
  for (const path of Object.keys(given)) {
    const [field = ''] = path.split('.');
    if (!Object.hasOwn(webhookBody.shape, field)) context.addIssue({ code: 'custom', path: [path], message: `is no field of a webhook; there are ${Object.keys(webhookBody.shape).join(', ')}` });
  }
});
const signature = { by: word.default(''), reason: word.default('') };
export const oneReplay = z
  .strictObject({ ...signature, body: z.custom<JsonObject>((value) => value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value)), 'must be a JSON object').optional(), set: set.optional(), dry_run: z.boolean().default(false) })
  .refine((given) => given.body === undefined || given.set === undefined, { path: ['set'], message: 'and body exclude each other: write it into the body' });
const because = word.refine((text) => text !== '', 'is missing: say why, it is kept with the entry');
export const oneDiscard = z.strictObject({ by: signature.by, reason: because });

const bulk = {
  filter: filterFrom.default({}),
  all: z.literal(true, 'can only be true').optional(),
  after: z.number().int().min(0).default(0),
  limit: z.number().int().min(1).max(MOST_AT_ONCE).default(MOST_AT_ONCE),
  dry_run: z.boolean().default(false),
};
const namesSome = { path: ['filter'], message: 'is missing: name what is meant, or say "all": true' };
const isSome = (given: { filter: FilterFields; all?: true | undefined }): boolean => given.all === true || Object.values(given.filter).some((value) => value !== undefined);

/** Fields that can only be right for one event or one person: the same one for many would make them one. */
const LONE_FIELDS = ['event_id', 'customer_id', 'cio_id', 'email', 'phone'];
const forMany = set.superRefine((given, context) => {
  for (const field of LONE_FIELDS) {
    if (isGiven(given[field])) context.addIssue({ code: 'custom', path: [field], message: 'belongs to one event: it cannot be the same for several (it can be taken out)' });
  }
});
export const manyReplays = z.strictObject({ ...bulk, ...signature, set: forMany.optional() }).refine(isSome, namesSome);
export const manyDiscards = z.strictObject({ ...bulk, by: signature.by, reason: because }).refine(isSome, namesSome);

/** A request that cannot be understood: 400. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/** Throws BadRequest with every mistake in one sentence. */
function read<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new BadRequest(parsed.error.issues.map(({ path, message }) => `${path.length === 0 ? '' : `${path.join('.')} `}${message}`).join('; '));
}

const filterOf = ({ reason, source, since, until, event, audience, problem }: FilterFields): QuarantineFilter => ({ reason, source, since, until, eventName: event, audienceKey: audience, problem });

export function readListQuery(query: unknown) {
  const { state, limit, before, ...fields } = read(listQuery, query);
  return { state, limit, before, filter: filterOf(fields) };
}

export interface Correctable {
  by: string;
  because: string;
  dryRun: boolean;
  correct: Correction | undefined;
}

export function readOneReplay(given: unknown): Correctable {
  const { by, reason, dry_run: dryRun, body, set: changes } = read(oneReplay, given);
  return { by, because: reason, dryRun, correct: body ? () => ({ body }) : changes && setFields(changes) };
}

export const readOneDiscard = (given: unknown): { by: string; because: string } => {
  const { by, reason } = read(oneDiscard, given);
  return { by, because: reason };
};

/** Of the entries that match, those after `after`, at most `limit`. */
export interface Many {
  filter: QuarantineFilter;
  after: number;
  limit: number;
}

export function readManyReplays(given: unknown): Correctable & Many {
  const { filter, after, limit, by, reason, dry_run: dryRun, set: changes } = read(manyReplays, given);
  return { filter: filterOf(filter), after, limit, by, because: reason, dryRun, correct: changes && setFields(changes) };
}

export function readManyDiscards(given: unknown): Many & { by: string; because: string; dryRun: boolean } {
  const { filter, after, limit, by, reason, dry_run: dryRun } = read(manyDiscards, given);
  return { filter: filterOf(filter), after, limit, by, because: reason, dryRun };
}

/** `{"audience_key": "x_v1", "context.campaign_id": 7, "event_id": null}`: fields by their path; null or an empty text takes a field out. */
export function setFields(changes: JsonObject): Correction {
  return (kept) => {
    if (!kept) return { problems: [{ path: '', message: 'the kept body is not JSON, so no field of it can be set: replay it with a whole body' }] };
    const problems: Problem[] = [];
    let body = kept;
    for (const [path, value] of Object.entries(changes)) {
      const changed = setField(body, path.split('.'), value);
      if (changed) body = changed;
      else problems.push({ path, message: 'cannot be set inside of what is no object: set the whole field, or give a whole body' });
    }
    return problems.length > 0 ? { problems } : { body };
  };
}

/** A copy with the change; undefined when the path leads through something that is no object. */
function setField(body: JsonObject, [field = '', ...deeper]: string[], value: JsonValue): JsonObject | undefined {
  const rest = Object.entries(body).filter(([name]) => name !== field);
  if (deeper.length === 0) return Object.fromEntries(isGiven(value) ? [...rest, [field, value]] : rest);
  const inner = isGiven(body[field]) ? body[field] : {};
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return undefined;
  const changed = setField(inner, deeper, value);
  return changed && Object.fromEntries([...rest, [field, changed]]);
}
