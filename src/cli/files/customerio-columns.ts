/**
 * Exports of Customer.io as bodies of its reporting webhook, which the door's own reader takes.
 *
 * What is known of their form (read 2026-11):
 * - Bodies of the reporting webhook, one per line: https://docs.customer.io/integrations/api/webhooks
 * - Messages of the App API (`GET /v1/messages`, `/v1/campaigns/{id}/messages`), one per line: https://docs.customer.io/integrations/api/app/tag/messages/listMessages/
 *   and the schema of a connector that reads them, github.com/singer-io/tap-customerio tap_customerio/schemas/messages.json.
 * - Metrics of the data warehouse sync (Parquet): one line per metric, without the person: https://docs.customer.io/journeys/data-warehouses-intro.
 *   UNCONFIRMED: the names of their columns beside `delivery_id`; the table below takes those that we believe.
 * - Deliveries as CSV (`POST /v1/exports/deliveries`, or from the dashboard). UNCONFIRMED: the names of all columns. `--map` says what a table does not know.
 */

/** What a column can be: a field of the report, or a metric, whose column then holds the time when it happened. */
export const REPORT_FIELDS = {
  event_id: 'event_id',
  metric: 'metric',
  channel: 'object_type',
  time: 'timestamp',
  customer_id: 'data.identifiers.id',
  cio_id: 'data.identifiers.cio_id',
  email: 'data.identifiers.email',
  delivery_id: 'data.delivery_id',
  campaign_id: 'data.campaign_id',
  step_id: 'data.action_id',
  parent_step_id: 'data.parent_action_id',
  journey_id: 'data.journey_id',
  broadcast_id: 'data.broadcast_id',
  newsletter_id: 'data.newsletter_id',
  transactional_message_id: 'data.transactional_message_id',
  content_id: 'data.content_id',
  trigger_id: 'data.trigger_id',
  trigger_event_id: 'data.trigger_event_id',
  link_id: 'data.link_id',
  link_url: 'data.href',
  failure_reason: 'data.failure_message',
} as const;
export type ReportField = keyof typeof REPORT_FIELDS;

export const METRICS = [
  'drafted', 'attempted', 'sent', 'delivered', 'opened', 'clicked', 'converted', 'unsubscribed', 'subscribed', 'bounced', 'dropped', 'spammed', 'failed', 'undeliverable', 'replied',
] as const;
export type Metric = (typeof METRICS)[number];

/** A column that is left out: it is known, and nothing of it is wanted. */
const NOTHING = 'nothing';
export type Meaning = ReportField | Metric | typeof NOTHING;
export const MEANINGS: readonly string[] = [...Object.keys(REPORT_FIELDS), ...METRICS, NOTHING];

/** Columns by their names in lower case, with `_` for everything that is no letter or digit. Those of fields and metrics mean themselves. */
export const COLUMNS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ...(Object.keys(REPORT_FIELDS) as ReportField[]).map((name): [string, Meaning] => [name, name]),
  ...METRICS.map((name): [string, Meaning] => [name, name]),
  ...METRICS.map((name): [string, Meaning] => [`${name}_at`, name]),
  ['id', 'delivery_id'],
  ['type', 'channel'],
  ['message_type', 'channel'],
  ['delivery_type', 'channel'],
  ['object_type', 'channel'],
  ['timestamp', 'time'],
  ['created', 'time'],
  ['created_at', 'time'],
  ['email_address', 'email'],
  ['action_id', 'step_id'],
  ['parent_action_id', 'parent_step_id'],
  ['reason', 'failure_reason'],
  ['failure_message', 'failure_reason'],
  ['href', 'link_url'],
  ['deduplicate_id', NOTHING],
  ['message_template_id', NOTHING],
  ['msg_template_id', NOTHING],
  ['forgotten', NOTHING],
  ...METRICS.flatMap((name): [string, Meaning][] => [[`human_${name}`, NOTHING], [`prefetch_${name}`, NOTHING]]),
  ['recipient', NOTHING],
  ['subject', NOTHING],
]);

/** Of the message of an API that has several channels' names. https://docs.customer.io/integrations/api/app/tag/messages/listMessages/, read 2026-11. */
const CHANNELS: Readonly<Record<string, string>> = { twilio: 'sms' };

export type Mapping = (column: string) => Meaning | undefined;

const nameOf = (column: string): string => column.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_|_$/g, '');

/** @param given `column=field` of --map. Throws with what there is. */
export function mappingOf(given: readonly string[]): Mapping {
  const own = given.map((pair): [string, Meaning] => {
    const at = pair.lastIndexOf('=');
    const meaning = pair.slice(at + 1).trim();
    if (at < 1 || !MEANINGS.includes(meaning)) throw new Error(`--map ${pair} is no column=field; fields are ${MEANINGS.join(', ')}.`);
    return [nameOf(pair.slice(0, at)), meaning as Meaning];
  });
  const named = new Map(own);
  return (column) => named.get(nameOf(column)) ?? COLUMNS.get(nameOf(column));
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

export type Reports = { bodies: Json[]; ignored: string[] } | { problem: string };

/**
 * The reports of one record: itself when it is a body of the reporting webhook, one for each metric of a message or delivery, one of a line that has a
 * metric. Pure. `ignored`: columns that nothing was made of.
 */
export function reportsOf(record: Json, mapping: Mapping): Reports {
  if (isObject(record['data']) || record['event_type'] !== undefined) return { bodies: [record], ignored: [] };
  if (isObject(record['metrics'])) return reportsOf(flat(record, record['metrics']), mapping);
  const fields = new Map<ReportField, unknown>();
  const times = new Map<Metric, unknown>();
  const ignored: string[] = [];
  for (const [column, value] of Object.entries(record)) {
    const meaning = mapping(column);
    if (meaning === undefined) ignored.push(column);
    else if (meaning === NOTHING || !isGiven(value)) continue;
    else if (isMetric(meaning)) times.set(meaning, value);
    else if (!fields.has(meaning)) fields.set(meaning, value);
  }
  const metric = fields.get('metric');
  if (isGiven(metric)) times.set(String(metric).toLowerCase() as Metric, fields.get('time'));
  if (times.size === 0) return { problem: `has no metric: neither a column metric, nor one of a metric with the time when it happened (${METRICS.join(', ')}); say by --map which columns are` };
  return { bodies: [...times].map(([name, time]) => bodyOf(fields, name, time, record)), ignored };
}

const isMetric = (meaning: Meaning): meaning is Metric => (METRICS as readonly string[]).includes(meaning);

/** A message of the App API as one record of columns. */
function flat(message: Json, metrics: Json): Json {
  const identifiers = message['customer_identifiers'];
  const { id, email, cio_id: cioId } = isObject(identifiers) ? identifiers : {};
  const who = { ...(isGiven(id) ? { customer_id: id } : {}), ...(isGiven(email) ? { email } : {}), ...(isGiven(cioId) ? { cio_id: cioId } : {}) };
  const rest = Object.entries(message).filter(([name]) => name !== 'metrics' && name !== 'customer_identifiers');
  return { ...Object.fromEntries(rest), ...who, ...Object.fromEntries(Object.entries(metrics).filter(([name]) => name !== 'created')) };
}

function bodyOf(fields: ReadonlyMap<ReportField, unknown>, metric: string, time: unknown, record: Json): Json {
  const identifiers: Json = {};
  const data: Json = { identifiers };
  const body: Json = { metric, data };
  for (const [field, value] of fields) {
    const path = REPORT_FIELDS[field];
    const name = path.slice(path.lastIndexOf('.') + 1);
    if (path.startsWith('data.identifiers.')) identifiers[name] = value;
    else if (path.startsWith('data.')) data[name] = value;
    else if (field !== 'metric' && field !== 'time') body[name] = value;
  }
  const seconds = secondsOf(time);
  if (seconds !== undefined) body['timestamp'] = seconds;
  const channel = typeof body['object_type'] === 'string' ? body['object_type'].toLowerCase() : undefined;
  if (channel !== undefined) body['object_type'] = CHANNELS[channel] ?? channel;
  const machine = byProgram(record, metric, time);
  if (machine !== undefined) data[metric === 'opened' ? 'prefetched' : 'machine'] = machine;
  if (metric !== 'clicked') delete data['href'];
  return body;
}

/** The App API tells when a person and when a program was the first: `human_opened`, `prefetch_opened`. */
function byProgram(record: Json, metric: string, time: unknown): boolean | undefined {
  if (isGiven(record[`human_${metric}`]) && record[`human_${metric}`] === time) return false;
  return isGiven(record[`prefetch_${metric}`]) && record[`prefetch_${metric}`] === time ? true : undefined;
}

const MILLISECONDS_FROM = 100_000_000_000;
const LOCAL = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?$/;

/** Unix seconds, from those, from milliseconds, or from ISO 8601; a time without a zone is UTC. Undefined when it is none. */
export function secondsOf(value: unknown): number | undefined {
  if (!isGiven(value) || (typeof value !== 'string' && typeof value !== 'number')) return undefined;
  const number = Number(value);
  if (Number.isFinite(number)) return number <= 0 ? undefined : number >= MILLISECONDS_FROM ? number / 1_000 : number;
  const text = String(value).trim().replace(/ UTC$/, 'Z');
  const local = LOCAL.exec(text);
  const time = Date.parse(local ? `${local[1] ?? ''}T${local[2] ?? '00:00'}Z` : text);
  return Number.isNaN(time) ? undefined : time / 1_000;
}
