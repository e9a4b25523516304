/** From a line of a file to what the ledger takes in: a row as `GET /v1/exposures` gave it, or a report of Customer.io. Nothing in the clear leaves this file. */
import { hash } from 'node:crypto';
import { EVENT_ID_PATTERN, type HeadgateEvent, type JsonObject, type JsonValue } from '../domain/event.ts';
import { EXPOSURE_COLUMNS, REQUIRED_EXPOSURE_COLUMNS, type ExposureColumn, type ExposureRow } from '../domain/exposure-columns.ts';
import type { Problem } from '../domain/quarantine.ts';
import { withoutEmail, type Identify } from './event-from-body.ts';
import { holdsEmail, isGiven, redactJson, redactText, storable } from './redact.ts';
import { reportFromObject } from './report-from-body.ts';

const STATUSES = ['applied', 'superseded', 'held_out', 'expired'];
/** `<event id>/expired`, `/left/<audience key>` … (domain/exposure.ts). */
const BROUGHT_ABOUT = /^[A-Za-z0-9._:~=+@-]{1,200}\/[^\s\p{Cc}]{1,400}$/u;
const LONGEST_TEXT = 4_000;

type RowUnderstood = { row: ExposureRow } | { problems: Problem[]; eventId?: string };

/** Pure. Every mistake is listed at once, and no message quotes a value. @param source for rows that name none */
export function rowFromFile(given: JsonObject, { file, source }: { file: string; source: string | undefined }): RowUnderstood {
  const problems: Problem[] = [];
  const row = Object.fromEntries(
    Object.entries(EXPOSURE_COLUMNS).map(([column, type]) => {
      const { value, problem } = READ[type](given[column], column);
      if (problem !== undefined) problems.push({ path: column, message: problem });
      return [column, value];
    }),
  ) as unknown as ExposureRow;
  for (const column of Object.keys(given)) if (!Object.hasOwn(EXPOSURE_COLUMNS, column)) problems.push({ path: redactText(storable(column.slice(0, 100))), message: 'is no column of exposures' });
  const wrong = new Set(problems.map(({ path }) => path));
  for (const column of REQUIRED_EXPOSURE_COLUMNS) if (!wrong.has(column) && (row[column] as unknown) === null) problems.push({ path: column, message: 'is missing' });
  if (row.caused_by === null) {
    row.source ??= source ?? null;
    if (row.source === null) problems.push({ path: 'source', message: 'is missing: say it by --source' });
    if (!EVENT_ID_PATTERN.test(row.event_id)) problems.push({ path: 'event_id', message: 'must be 1 to 200 of the characters A-Z a-z 0-9 . _ : ~ = + @ -; a row of what an event brought about has caused_by' });
  } else if (!BROUGHT_ABOUT.test(row.event_id) || !EVENT_ID_PATTERN.test(row.caused_by)) {
    problems.push({ path: 'event_id', message: 'must be <caused_by>/… where there is caused_by' });
  }
  if (!STATUSES.includes(row.status)) problems.push({ path: 'status', message: `must be one of ${STATUSES.join(', ')}` });
  for (const column of ['event_id', 'caused_by'] as const) if (holdsEmail(row[column] ?? '')) problems.push({ path: column, message: 'must not hold an e-mail address' });
  if (problems.length > 0) return { problems: distinct(problems), ...(holdsEmail(row.event_id) ? {} : { eventId: row.event_id.slice(0, 600) }) };
  return { row: { ...row, imported_from: file } };
}

const distinct = (problems: readonly Problem[]): Problem[] => [...new Map(problems.map((problem) => [`${problem.path} ${problem.message}`, problem])).values()];

/** ISO 8601 with a zone, also with a space for the T. */
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)$/;
interface Read {
  value: JsonValue;
  problem?: string;
}
/** Ids are kept to the letter, because the same id must stay the same; everything else is redacted as at the door. */
const TO_THE_LETTER = new Set<string>(['event_id', 'caused_by'] satisfies ExposureColumn[]);
const READ: Record<(typeof EXPOSURE_COLUMNS)[ExposureColumn], (given: JsonValue | undefined, column: string) => Read> = {
  text: (given, column) => {
    if (given === undefined || given === null) return { value: column === 'event_id' || column === 'status' ? '' : null };
    if (typeof given === 'object' || typeof given === 'boolean') return { value: '', problem: 'must be a text' };
    const text = storable(String(given));
    if (text.length > LONGEST_TEXT) return { value: '', problem: `must have at most ${String(LONGEST_TEXT)} characters` };
    return { value: TO_THE_LETTER.has(column) ? text : column === 'customer_id' || column === 'cio_id' ? withoutEmail(text) : redactText(text) };
  },
  time: (given) => {
    if (given === undefined || given === null) return { value: null };
    const time = typeof given === 'string' && TIME.test(given) ? new Date(given) : undefined;
    return time && !Number.isNaN(time.getTime()) ? { value: time.toISOString() } : { value: null, problem: 'must be a time such as 2026-11-01T00:00:00.000Z' };
  },
  boolean: (given) => (given === undefined || given === null || typeof given === 'boolean' ? { value: given ?? null } : { value: null, problem: 'must be true or false' }),
  json: (given) => {
    if (given === undefined || given === null) return { value: {} };
    return typeof given === 'object' && !Array.isArray(given) ? { value: redactJson(given) } : { value: {}, problem: 'must be a JSON object' };
  },
};

export interface ReportFile {
  file: string;
  source: { name: string; people: string };
  /** Milliseconds since the epoch. */
  receivedAt: number;
  identify: Identify;
}

/**
 * The door's own reader of reports, on a body that is old: it decides nothing and starts no workflow, whatever the source's settings are.
 * @returns `byDelivery`: the file has no event ids (Customer.io's exports of deliveries), so that a report counts once by delivery and metric
 */
export function eventFromReport(given: JsonObject, { file, source, receivedAt, identify }: ReportFile): { event: HeadgateEvent; byDelivery: boolean } | { problems: Problem[]; eventId?: string } {
  const derived = isGiven(given['event_id']) ? undefined : idOfDelivery(given, source.name);
  const timed = isGiven(given['timestamp']) ? [] : [{ path: 'timestamp', message: 'is missing: nobody could tell when it happened' }];
  const policy = { workflowsOnlyWhereNeeded: true, endsMemberships: [] };
  const understood = reportFromObject(derived === undefined ? given : { ...given, event_id: derived }, { source: source.name, people: source.people, receivedAt, identify, policy });
  if ('problems' in understood) return { ...understood, problems: [...understood.problems, ...timed] };
  if (timed.length > 0) return { problems: timed, eventId: understood.event.eventId };
  return { event: { ...understood.event, importedFrom: file }, byDelivery: derived !== undefined };
}

const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '');

/** The same for the same delivery and metric, in any export; undefined when there is no delivery to go by. */
function idOfDelivery(given: JsonObject, source: string): string | undefined {
  const data = given['data'];
  const delivery = textOf(typeof data === 'object' && data !== null && !Array.isArray(data) ? data['delivery_id'] : undefined);
  const metric = textOf(given['metric']);
  if (delivery === '' || metric === '') return undefined;
  return `delivery-${hash('sha256', JSON.stringify([source, delivery, metric.toLowerCase()]), 'hex').slice(0, 40)}`;
}
