/**
 * From a body of Customer.io's reporting feed to an event. Takes what it understands and wants little: an id, a metric. Everything
 * else may be missing, of another type or new (facts of the reporting webhooks' OpenAPI, https://docs.customer.io/integrations/api/webhooks,
 * read 2026-11; its own examples lack fields that it requires).
 */
import { clampTime, EVENT_ID_PATTERN, type HeadgateEvent, type JsonObject, type JsonValue, type PersonClaim } from '../domain/event.ts';
import type { IdentifiersByPlatform } from '../domain/identifiers.ts';
import type { KeptPart, Problem } from '../domain/quarantine.ts';
import { endsMemberships, REPORT, type Report, type ReportPolicy } from '../domain/report.ts';
import { withoutEmail, type EventContext, type Understood } from './event-from-body.ts';
import type { KeptBody } from './keep-body.ts';
import { beginningOf, withoutBulk } from './most-kept.ts';
import { holdsEmail, parseObject, redactJson, redactText, storable } from './redact.ts';

export interface ReportContext extends Pick<EventContext, 'source' | 'people' | 'receivedAt' | 'identify'> {
  policy: ReportPolicy;
  /** What an earlier reading made of the person, whose contacts are not in the body any more. */
  restored?: { claim: PersonClaim; identifiers: IdentifiersByPlatform } | undefined;
}

/** Never kept: who it was sent to (the person is known by hashes) and what it said (the message itself, in full). */
const LEFT_OUT = new Set(['identifiers', 'customer_id', 'email_address', 'recipient', 'recipients', 'to', 'content', 'headers']);
/** Fields that have columns of their own. */
const PLACED = new Set(['broadcast_id', 'newsletter_id', 'transactional_message_id', 'trigger_id', 'trigger_event_id', 'parent_action_id', 'content_id', 'link_id', 'href', 'failure_message', 'action_id']);
const LONGEST_ID = 200;
const LONGEST_TEXT = 2_000;

/** Reads the raw body. Every mistake is listed at once. */
export function reportFromBody(raw: string, context: ReportContext): Understood {
  const body = parseObject(raw);
  return body ? reportFromObject(body, context) : { problems: [{ path: '', message: 'the body is not a JSON object' }] };
}

/** The same for a body that is parsed already. */
export function reportFromObject(body: JsonObject, context: ReportContext): Understood {
  const eventId = textOf(body['event_id'], Infinity);
  const metric = textOf(body['metric'], LONGEST_ID);
  const problems: Problem[] = [];
  if (body['event_type'] !== undefined && metric === undefined) {
    problems.push({ path: 'event_type', message: 'is of the feed that Customer.io had before: set up a reporting webhook of today\'s form' });
  } else if (metric === undefined) problems.push({ path: 'metric', message: 'is missing: this is no body of a reporting webhook' });
  if (eventId === undefined) problems.push({ path: 'event_id', message: 'is missing, so that a repetition could not be told' });
  else if (!EVENT_ID_PATTERN.test(eventId) || holdsEmail(eventId)) problems.push({ path: 'event_id', message: 'must be 1 to 200 of the characters A-Z a-z 0-9 . _ : ~ = + @ -, and no e-mail address' });
  if (problems.length > 0 || eventId === undefined || metric === undefined) return { problems, ...(eventId !== undefined && !holdsEmail(eventId) ? { eventId: eventId.slice(0, LONGEST_ID) } : {}) };
  return { event: makeEvent({ body, eventId, metric }, context) };
}

function makeEvent({ body, eventId, metric }: { body: JsonObject; eventId: string; metric: string }, context: ReportContext): HeadgateEvent {
  const data = objectOf(body['data']);
  const { claim, identifiers } = context.restored ?? whoIn(data, context);
  const { occurredAt, claimedAt } = clampTime(timeOf(body['timestamp']) ?? context.receivedAt, context.receivedAt);
  const report = reportOf(data, { channel: textOf(body['object_type'] ?? body['object_type_type'], LONGEST_ID) ?? 'unknown', metric });
  const topics = parseObject(typeof data['content'] === 'string' && metric === 'cio_subscription_preferences_changed' ? data['content'] : '');
  return {
    eventId,
    source: context.source,
    people: context.people,
    name: REPORT,
    occurredAt,
    receivedAt: context.receivedAt,
    ...(claimedAt === undefined ? {} : { claimedAt }),
    person: claim,
    identifiers,
    context: contextOf(data),
    attributes: topics ? redactedWithoutBulk(topics) : {},
    report: endsMemberships(context.policy, report) ? { ...report, endsMemberships: true } : report,
    ...(context.policy.workflowsOnlyWhereNeeded ? { rowOnly: true } : {}),
  };
}

/** `customer_id` counts only where there are no `identifiers`: it is deprecated, and in some workspaces another id than the customer's own. */
function whoIn(data: JsonObject, { identify }: ReportContext): { claim: PersonClaim; identifiers: IdentifiersByPlatform } {
  const given = objectOf(data['identifiers']);
  const customerId = textOf(data['identifiers'] === undefined ? data['customer_id'] : given['id'], LONGEST_ID);
  const cioId = textOf(given['cio_id'], LONGEST_ID);
  const email = textOf(given['email'] ?? data['email_address'], 2 * LONGEST_ID);
  const known = identify({
    ...(customerId === undefined ? {} : { customerId: withoutEmail(customerId) }),
    ...(email === undefined ? {} : { email }),
  });
  const claim: PersonClaim = { ...known.claim };
  if (customerId !== undefined) claim.customerId = withoutEmail(customerId);
  if (cioId !== undefined) claim.cioId = withoutEmail(cioId);
  return { claim, identifiers: known.identifiers };
}

function reportOf(data: JsonObject, { channel, metric }: { channel: string; metric: string }): Report {
  const report: Report = { channel: channel.toLowerCase(), metric: metric.toLowerCase() };
  const ids = {
    broadcastId: 'broadcast_id', newsletterId: 'newsletter_id', transactionalMessageId: 'transactional_message_id', triggerId: 'trigger_id', triggerEventId: 'trigger_event_id',
    parentStepId: 'parent_action_id', contentId: 'content_id', linkId: 'link_id',
  } as const;
  for (const [name, field] of Object.entries(ids) as [keyof typeof ids, string][]) {
    const id = textOf(data[field], LONGEST_ID);
    if (id !== undefined) report[name] = id;
  }
  const url = textOf(data['href'], LONGEST_TEXT);
  if (url !== undefined) report.linkUrl = redactText(url);
  const failure = textOf(data['failure_message'], LONGEST_TEXT) ?? failureOfDevices(data['recipients']);
  if (failure !== undefined) report.failureReason = redactText(failure);
  const flags = [data['prefetched'], data['machine']].filter((flag) => typeof flag === 'boolean');
  if (flags.length > 0) report.machine = flags.includes(true);
  return report;
}

function failureOfDevices(recipients: JsonValue | undefined): string | undefined {
  const devices = Array.isArray(recipients) ? recipients.map(objectOf) : [];
  return devices.map((device) => textOf(device['failure_message'], LONGEST_TEXT)).find((text) => text !== undefined);
}

/** Campaign, journey and step under the names of webhooks, and whatever else Customer.io says, also what is new. */
function contextOf(data: JsonObject): JsonObject {
  const rest = Object.fromEntries(Object.entries(data).filter(([field]) => !LEFT_OUT.has(field) && !PLACED.has(field)));
  const context = redactedWithoutBulk(rest);
  for (const field of ['campaign_id', 'journey_id', 'delivery_id']) {
    const id = textOf(data[field], LONGEST_ID);
    if (id !== undefined) context[field] = redactText(id);
  }
  const step = textOf(data['action_id'], LONGEST_ID);
  const platform = Array.isArray(data['recipients']) ? textOf(objectOf(data['recipients'][0])['device_platform'], LONGEST_ID) : undefined;
  return { ...context, ...(step === undefined ? {} : { step_id: step }), ...(platform === undefined ? {} : { device_platform: platform }) };
}

/**
 * What the quarantine keeps of a report: as it came, but for who it is about and what was sent to them. A replay of it is the same
 * event, for the same person.
 */
export function keepReport(raw: string, context: ReportContext): KeptBody {
  const body = parseObject(raw);
  const shared = { source: context.source, people: context.people, eventName: REPORT };
  if (!body) return { ...shared, body: beginningOf(raw, (text) => redactText(storable(text).replaceAll(DIGITS, '…'))), parts: [] };
  const data = objectOf(body['data']);
  const rest = Object.fromEntries(Object.entries(body).filter(([field]) => field !== 'data'));
  const shown: JsonObject = { ...redactedWithoutBulk(rest), data: redactedWithoutBulk(Object.fromEntries(Object.entries(data).filter(([field]) => !LEFT_OUT.has(field)))) };
  const parts: KeptPart[] = [{ shown: { data: shown['data'] ?? {} }, ...whoIn(data, context) }];
  return { ...shared, body: JSON.stringify(shown), parts };
}

/** Before, because hashing every contact in some megabytes takes seconds; and after, because hashes are long. */
const redactedWithoutBulk = (value: JsonObject): JsonObject => withoutBulk(redactJson(withoutBulk(value)) as JsonObject);

/** Broken JSON tells no phone from an id. */
const DIGITS = /\d{7,}/g;

const objectOf = (value: JsonValue | undefined): JsonObject => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {});

/** A text or number that says something, cut. */
function textOf(value: JsonValue | undefined, longest: number): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = storable(String(value)).trim();
  return text === '' ? undefined : text.slice(0, longest);
}

/** Milliseconds from seconds. */
function timeOf(value: JsonValue | undefined): number | undefined {
  const seconds = typeof value === 'number' ? value : Number(textOf(value, LONGEST_ID) ?? NaN);
  return Number.isFinite(seconds) && seconds > 0 && seconds < 8_000_000_000 ? Math.round(seconds * 1_000) : undefined;
}
