/** `/v1/exposures`: the analyst's rows out, as NDJSON in the order of time, and in, from files. */
import { once } from 'node:events';
import { Router, text, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import type { ExposureRow } from '../domain/exposure-columns.ts';
import type { HeadgateEvent, JsonObject } from '../domain/event.ts';
import type { Problem } from '../domain/quarantine.ts';
import type { ExposurePlace, ExposureRange, Ledger } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import { audited, auditedOf, shortText, type AuditLog } from './audit.ts';
import { authorise, type GuardOptions } from './authorise.ts';
import type { Identify } from './event-from-body.ts';
import { eventFromReport, rowFromFile } from './exposure-from-file.ts';
import { parseObject, redactText } from './redact.ts';
import type { DoorSource } from './webhooks.ts';

export interface ExposureOptions extends GuardOptions {
  ledger: Ledger;
  sources: ReadonlyMap<string, DoorSource>;
  identify: Identify;
  audit: AuditLog;
  logger: Logger;
}

/** Where the answer says how to go on: `after` of the next request. Absent when there is no more. */
export const NEXT = 'Headgate-Next';
const MOST_ROWS = 10_000;
/** Rows that are in memory at once. */
const ROWS_AT_ONCE = 1_000;
const MOST_LINES = 500;
/** Of the lines of one request together; a report may carry the message that was sent. */
const LARGEST_IMPORT = '32mb';
export const NDJSON = 'application/x-ndjson';

const time = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-01T00:00:00Z' }).transform((given) => new Date(given));
const place = z.string().transform((given, context): ExposurePlace => {
  const [occurredAt, eventId, ...more] = Buffer.from(given, 'base64url').toString().split('\n');
  if (occurredAt !== undefined && /^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(occurredAt) && !Number.isNaN(Date.parse(occurredAt)) && eventId && more.length === 0) return { occurredAt, eventId };
  context.addIssue({ code: 'custom', message: `must be what ${NEXT} said in the answer before` });
  return z.NEVER;
});
export const listQuery = z.strictObject({
  since: time,
  until: time.optional(),
  after: place.optional(),
  limit: z.coerce.number('must be a whole number').int('must be a whole number').min(1).max(MOST_ROWS).default(1_000),
});
export const importQuery = z.strictObject({ file: z.string().trim().min(1).max(200), source: z.string().max(100).optional() });

/** Undefined when it cannot be understood, which is answered then. */
function readQuery<T>(schema: z.ZodType<T>, request: Request, response: Response): T | undefined {
  const parsed = schema.safeParse(request.query);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues.map(({ path, message, code, input }) => `${path.join('.')} ${code === 'invalid_type' && input === undefined ? 'is missing' : message}`.trim()).join('; ');
  response.status(400).json({ status: 'invalid', problem });
  return undefined;
}

/** Rows out; to be mounted behind the guard of all reading. */
export function exposureReading({ ledger }: Pick<ExposureOptions, 'ledger'>): Router {
  const router = Router();
  router.get('/v1/exposures', async (request, response) => {
    const query = readQuery(listQuery, request, response);
    if (!query) return;
    const range: ExposureRange = { since: query.since, until: query.until ?? new Date(), after: query.after };
    // Known before the first row leaves, so that it can be told before them, and every line is a row.
    const end = await ledger.findExposurePlace(range, query.limit);
    response.status(200).set({ 'Content-Type': NDJSON, ...(end ? { [NEXT]: Buffer.from(`${end.occurredAt}\n${end.eventId}`).toString('base64url') } : {}) });
    await writeRows(ledger, range, end, response);
  });
  return router;
}

/** A reader that is slow makes this wait, one that is gone ends it. When the ledger fails on the way, the answer breaks off, which every client of HTTP notices. */
async function writeRows(ledger: Ledger, range: ExposureRange, end: ExposurePlace | undefined, response: Response): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  try {
    for (let after = range.after; !gone.signal.aborted; ) {
      const { rows, last } = await ledger.readExposures({ ...range, after, upTo: end }, ROWS_AT_ONCE);
      if (rows.length > 0 && !response.write(`${rows.join('\n')}\n`)) await once(response, 'drain', { signal: gone.signal });
      if (!last || rows.length < ROWS_AT_ONCE) break;
      after = last;
    }
    response.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    if (!response.headersSent) throw error;
    response.destroy(error as Error);
  }
}

/** What became of one line. */
export interface ImportedLine {
  /** Of the request, from 1. */
  line: number;
  outcome: 'imported' | 'duplicate' | 'rejected';
  event_id?: string;
  problems?: Problem[];
}

/** Rows in, behind a guard of their own. */
export function exposureOperating(options: ExposureOptions): Router {
  const router = Router();
  router.post('/v1/exposures', authorise('operating', options), requireNdjson, text({ type: NDJSON, limit: LARGEST_IMPORT }), audited(options.audit, 'exposures.import', ({ query }) => ({ subject: shortText(query['file'], 200) || 'a file', detail: { source: shortText(query['source'], 100) } })), importLines(options));
  return router;
}

/** Pages of other sites cannot send this type without asking first, and are refused. */
const requireNdjson: RequestHandler = (request, response, next) => {
  if (/^application\/x-ndjson\s*(;|$)/i.test(request.get('content-type') ?? '')) next();
  else response.status(415).json({ status: 'invalid', problem: `the body must be ${NDJSON}` });
};

function importLines(options: ExposureOptions): RequestHandler {
  return async (request, response) => {
    const query = readQuery(importQuery, request, response);
    if (!query) return;
    const source = query.source === undefined && options.sources.size === 1 ? [...options.sources.values()][0] : options.sources.get(query.source ?? '');
    if (query.source !== undefined && !source) {
      response.status(400).json({ status: 'invalid', problem: `there is no source ${redactText(query.source)} in headgate.yaml; it has ${[...options.sources.keys()].join(', ')}` });
      return;
    }
    const lines = (typeof request.body === 'string' ? request.body : '').split('\n').map((line, index) => ({ line: index + 1, text: line })).filter((line) => line.text.trim() !== '');
    if (lines.length > MOST_LINES) {
      response.status(413).json({ status: 'invalid', problem: `at most ${String(MOST_LINES)} lines at once` });
      return;
    }
    const count = (results: readonly ImportedLine[], outcome: ImportedLine['outcome']): number => results.filter((result) => result.outcome === outcome).length;
    const countAll = (results: readonly ImportedLine[]) => ({ imported: count(results, 'imported'), duplicates: count(results, 'duplicate'), rejected: count(results, 'rejected') });
    const results = await auditedOf(response).while(() => take(options, lines, { file: redactText(query.file), source }), countAll);
    response.json({ ...countAll(results), results });
  };
}

interface From {
  file: string;
  source: DoorSource | undefined;
}
interface Line {
  line: number;
  text: string;
}
type Understood = { line: number } & ({ row: ExposureRow } | { event: HeadgateEvent; byDelivery: boolean } | { problems: Problem[]; eventId?: string });

/** Rows and reports each in one transaction. Throws when the ledger does not answer: the same lines may then be sent again. */
async function take(options: ExposureOptions, lines: readonly Line[], from: From): Promise<ImportedLine[]> {
  const understood = lines.map(({ line, text: raw }): Understood => ({ line, ...understand(options, raw, from) }));
  const results: ImportedLine[] = understood.flatMap((one) => ('problems' in one ? [{ line: one.line, outcome: 'rejected' as const, ...(one.eventId === undefined ? {} : { event_id: one.eventId }), problems: one.problems }] : []));
  const rows = understood.filter((one) => 'row' in one);
  const became = await options.ledger.importExposures(rows.map(({ row }) => row));
  rows.forEach(({ line, row }, index) => results.push(resultOf(line, row.event_id, became[index] ?? 'duplicate')));
  results.push(...(await takeReports(options, understood.filter((one) => 'event' in one))));
  return results.sort((a, b) => a.line - b.line);
}

const USED = 'was already used for another event or audience';
const resultOf = (line: number, eventId: string, became: 'imported' | 'duplicate' | 'conflict'): ImportedLine =>
  became === 'conflict' ? { line, outcome: 'rejected', event_id: eventId, problems: [{ path: 'event_id', message: USED }] } : { line, outcome: became, event_id: eventId };

async function takeReports({ ledger }: ExposureOptions, reports: readonly { line: number; event: HeadgateEvent; byDelivery: boolean }[]): Promise<ImportedLine[]> {
  const pairOf = ({ context, report }: HeadgateEvent): { deliveryId: string; metric: string } => ({ deliveryId: typeof context['delivery_id'] === 'string' ? context['delivery_id'] : '', metric: report?.metric ?? '' });
  const keyOf = (event: HeadgateEvent): string => Object.values(pairOf(event)).join('\n');
  const told = await ledger.findReported(reports.filter(({ byDelivery }) => byDelivery).map(({ event }) => pairOf(event)));
  const fresh = reports.filter(({ event, byDelivery }) => !byDelivery || !told.has(keyOf(event)));
  const { outcomes } = await ledger.applyEvents(fresh.map(({ event }) => ({ kind: 'event', event })));
  const known = reports.filter((report) => !fresh.includes(report)).map(({ line, event }) => resultOf(line, event.eventId, 'duplicate'));
  return [
    ...known,
    ...fresh.map(({ line, event }, index): ImportedLine => {
      const outcome = outcomes[index];
      if (outcome?.kind === 'refused') return { line, outcome: 'rejected', event_id: event.eventId, problems: [{ path: '', message: redactText(outcome.problem) }] };
      return resultOf(line, event.eventId, outcome?.kind === 'decided' ? 'imported' : outcome?.kind === 'conflict' ? 'conflict' : 'duplicate');
    }),
  ];
}

function understand({ identify }: ExposureOptions, raw: string, { file, source }: From) {
  const given: JsonObject | undefined = parseObject(raw);
  if (!given) return { problems: [{ path: '', message: 'is not a JSON object' }] };
  if (given['occurred_at'] !== undefined) return rowFromFile(given, { file, source: source?.name });
  if (!source) return { problems: [{ path: 'source', message: 'is missing: say by --source which source of headgate.yaml the reports are of' }] };
  return eventFromReport(given, { file, source, receivedAt: Date.now(), identify });
}
