/** `/v1/quarantine`: what could not be understood, to look at, to replay and to discard. */
import { json, Router, type ErrorRequestHandler, type Request, type RequestHandler } from 'express';
import type { StoredEntry } from '../domain/quarantine.ts';
import type { WhichQuarantined } from '../ledger/index.ts';
import type { AuditAction } from '../domain/audit.ts';
import { audited, auditedOf, shortText, type Audited, type AuditLog, type Described } from './audit.ts';
import { authorise, type GuardOptions } from './authorise.ts';
import { describeKept } from './event-from-kept.ts';
import { BadRequest, readListQuery, readManyDiscards, readManyReplays, readOneDiscard, readOneReplay, type Many } from './quarantine-request.ts';
import { discardQuarantined, replayQuarantined, tryReplay, understandEntry, type EntryResult, type ReplayOptions } from './replay.ts';

export interface QuarantineOptions extends ReplayOptions, GuardOptions {
  audit: AuditLog;
}

/** A corrected body may be as large as a webhook's. */
const LARGEST_REQUEST = '300kb';

/** Looking; to be mounted behind the guard of all reading. */
export function quarantineReading(options: QuarantineOptions): Router {
  const router = Router();
  router.get('/v1/quarantine', list(options));
  router.get('/v1/quarantine/:id', show(options));
  router.use(answerBadRequest);
  return router;
}

/** Replaying and discarding, behind a guard of their own. */
export function quarantineOperating(options: QuarantineOptions): Router {
  const router = Router();
  const inTurn = takeTurns();
  const answer = (action: AuditAction, work: (request: Request, given: unknown, audit: Audited) => Promise<Answer>): RequestHandler[] => [
    authorise('operating', options),
    requireJson,
    json({ limit: LARGEST_REQUEST }),
    audited(options.audit, action, describeRequest),
    async (request, response) => {
      const { code, body } = await inTurn(() => work(request, request.body, auditedOf(response)));
      response.status(code).json(body);
    },
  ];
  router.post('/v1/quarantine/replay', answer('quarantine.replay', async (_request, given, audit) => {
    const { dryRun, correct, by, because, ...many } = readManyReplays(given);
    return ofMany(options, many, dryRun ? await tryReplay(options, many, correct) : await replayQuarantined(options, many, correct, { by, because }, audit));
  }));
  router.post('/v1/quarantine/discard', answer('quarantine.discard', async (_request, given, audit) => {
    const { dryRun, by, because, ...many } = readManyDiscards(given);
    return ofMany(options, many, dryRun ? await tryDiscard(options, many) : await discardQuarantined(options, many, { by, because }, audit));
  }));
  router.post('/v1/quarantine/:id/replay', answer('quarantine.replay', async (request, given, audit) => {
    const id = idOf(request);
    const { dryRun, correct, by, because } = readOneReplay(given);
    return ofOne(options, id, dryRun ? await tryReplay(options, { id }, correct) : await replayQuarantined(options, { id }, correct, { by, because }, audit));
  }));
  router.post('/v1/quarantine/:id/discard', answer('quarantine.discard', async (request, given, audit) => {
    const id = idOf(request);
    return ofOne(options, id, await discardQuarantined(options, { id }, readOneDiscard(given), audit));
  }));
  router.use(answerBadRequest);
  return router;
}

/** Which entries, and which fields are corrected; not to what, because that may be a person's. */
function describeRequest({ params, body }: Request): Described {
  const { reason, dry_run: dryRun, set, filter, body: whole } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const fields = typeof set === 'object' && set !== null ? Object.keys(set).map((name) => shortText(name, 100)) : [];
  const found = typeof filter === 'object' && filter !== null ? Object.fromEntries(Object.entries(filter).map(([name, value]) => [shortText(name, 40), shortText(String(value), 200)])) : {};
  const id = shortText(params['id'], 20);
  return {
    subject: id === '' ? 'entries of the quarantine' : `entry ${id}`,
    detail: { because: shortText(reason), ...(dryRun === true ? { dry_run: true } : {}), ...(fields.length > 0 ? { corrected: fields } : {}), ...(whole === undefined ? {} : { corrected: ['the whole body'] }), ...(id === '' ? { filter: found } : {}) },
  };
}

interface Answer {
  code: number;
  body: object;
}

/** A page of another site can make the browser post a form here, but not JSON: for that the browser asks first, and is refused. */
const requireJson: RequestHandler = (request, response, next) => {
  if (/^application\/json\s*(;|$)/i.test(request.get('content-type') ?? '')) next();
  else response.status(415).json({ status: 'invalid', problem: 'the body must be application/json' });
};

/** One after the other: each holds two connections to the ledger, and the door needs them more. */
function takeTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

const answerBadRequest: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (error instanceof BadRequest) response.status(400).json({ status: 'invalid', problem: error.message });
  else next(error);
};

function idOf(request: Request): number {
  const text = String(request.params['id']);
  const id = Number(text);
  if (!/^\d{1,15}$/.test(text) || id < 1) throw new BadRequest(`${text.slice(0, 40)} is no id of an entry: it is a number, such as headgate quarantine list shows`);
  return id;
}

const tryDiscard = async ({ ledger }: ReplayOptions, which: WhichQuarantined): Promise<EntryResult[]> =>
  (await ledger.peekQuarantined(which)).map(({ id }) => ({ id, outcome: 'discardable' }));

/** `next` is what `after` has to be to go on, null when nothing is left; `left` is how many that are. */
async function ofMany({ ledger }: ReplayOptions, { filter, limit }: Many, results: EntryResult[]): Promise<Answer> {
  const last = results.at(-1);
  if (!last || results.length < limit) return { code: 200, body: { results, next: null, left: 0 } };
  return { code: 200, body: { results, next: last.id, left: await ledger.countMatchingQuarantined('open', filter, last.id) } };
}

const CODES: Record<EntryResult['outcome'], number> = { replayed: 200, replayable: 200, discarded: 200, discardable: 200, invalid: 422, conflict: 409 };

async function ofOne({ ledger }: ReplayOptions, id: number, [result]: EntryResult[]): Promise<Answer> {
  if (result) return { code: CODES[result.outcome], body: result };
  const entry = await ledger.readQuarantined(id);
  if (!entry) return notFound(id);
  if (!entry.resolved) return { code: 409, body: { id, outcome: 'busy', problem: 'somebody else is replaying or discarding it right now' } };
  return { code: 409, body: { id, outcome: 'resolved', problem: `it was resolved at ${new Date(entry.resolved.at).toISOString()} (${entry.resolved.resolution})`, ...resolvedView(entry) } };
}

const notFound = (id: number): Answer => ({ code: 404, body: { problem: `there is no entry ${String(id)} in quarantine` } });

function list({ ledger }: QuarantineOptions): RequestHandler {
  return async (request, response) => {
    const { state, filter, before, limit } = readListQuery(request.query);
    const entries = await ledger.listQuarantined(state, filter, before, limit);
    const matching = await ledger.countMatchingQuarantined(state, filter, 0);
    response.json({ entries: entries.map(viewOf), matching, next: entries.length < limit ? null : (entries.at(-1)?.id ?? null) });
  };
}

function show(options: QuarantineOptions): RequestHandler {
  return async (request, response) => {
    const id = idOf(request);
    const entry = await options.ledger.readQuarantined(id);
    if (!entry) {
      const { code, body } = notFound(id);
      response.status(code).json(body);
      return;
    }
    response.json(detailsOf(options, entry));
  };
}

function detailsOf(options: QuarantineOptions, entry: StoredEntry) {
  const { body, claim, identifiers } = describeKept(entry, options.identify);
  const now = understandEntry(options, entry);
  return {
    ...viewOf(entry),
    people: entry.people ?? options.sources.get(entry.source)?.people ?? null,
    body,
    /** What is still known of the person, with the types of their identifiers per platform. */
    person: {
      customer_id: claim.customerId ?? null,
      cio_id: claim.cioId ?? null,
      email_hash: claim.emailHash ?? null,
      phone_hash: claim.phoneHash ?? null,
      identifiers: Object.fromEntries(Object.entries(identifiers).map(([platform, made]) => [platform, made.map(({ type }) => type)])),
    },
    /** What is wrong with it as the registry stands now; a conflict shows only when it is replayed. */
    still_wrong: 'problems' in now ? now.problems : [],
  };
}

/** An entry as the api answers. Times are ISO 8601. */
const viewOf = (entry: StoredEntry) => ({
  id: entry.id,
  received_at: new Date(entry.receivedAt).toISOString(),
  source: entry.source,
  reason: entry.reason,
  event: entry.eventName ?? null,
  audience_key: entry.audienceKey ?? null,
  event_id: entry.eventId ?? null,
  problems: entry.problems,
  ...resolvedView(entry),
});

const resolvedView = ({ resolved }: StoredEntry) => ({
  resolved_at: resolved && new Date(resolved.at).toISOString(),
  resolution: resolved?.resolution ?? null,
  resolved_by: resolved?.by ?? null,
  resolved_because: resolved?.because ?? null,
  replayed_as: resolved?.replayedAs ?? null,
});

export type QuarantineEntryView = ReturnType<typeof viewOf>;
export type QuarantineEntryDetails = ReturnType<typeof detailsOf>;
