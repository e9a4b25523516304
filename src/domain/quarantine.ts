/** Quarantine keeps what could not be understood, or contradicts what is known, for a person to replay or discard. Pure types and rules. */
import { UNSENT, type HeadgateEvent, type JsonObject, type PersonClaim } from './event.ts';
import type { IdentifiersByPlatform } from './identifiers.ts';
import type { Report } from './report.ts';

/** One mistake in a body: where (`audience_key`, `profile.birth_date`) and what to do about it. */
export interface Problem {
  path: string;
  message: string;
}

/**
 * What the door made of some fields of a body before it replaced the personal data in them. Counts for as long as all of these
 * fields read as they were kept, so that a replay reaches the very person of the webhook, and a corrected field is read anew.
 */
export interface KeptPart {
  /** The fields as they stand in the kept body. */
  shown: JsonObject;
  claim: PersonClaim;
  identifiers: IdentifiersByPlatform;
  /** The body's own event_id, where redaction would have changed it. */
  eventId?: string;
}

/** A quarantined body. Holds no raw e-mail or phone: the door replaces them before it is kept. */
export interface QuarantineEntry {
  /** The same when the same body is kept once more: by a commit that came late and by a lifeboat, or by one that is applied again. */
  key?: string;
  source: string;
  /** Whose customer ids these are, as the registry said when the body came. Absent in entries of older versions. */
  people?: string;
  /** Milliseconds since the epoch. */
  receivedAt: number;
  reason: 'invalid' | 'conflict';
  eventId?: string;
  /** What the body says its event and audience are, to find entries by; possibly nothing that exists. */
  eventName?: string;
  audienceKey?: string;
  problems: Problem[];
  /** A webhook body, as JSON where it was JSON. */
  body: string;
  /** Absent in entries of older versions, which kept the body alone. */
  parts?: KeptPart[];
}

/** An entry as the ledger has it. */
export interface StoredEntry extends QuarantineEntry {
  id: number;
  /** Null while the entry waits for a person. */
  resolved: Resolved | null;
}

/** What became of an entry. */
export interface Resolved {
  /** Milliseconds since the epoch. */
  at: number;
  /** `discarded`, or `replayed: ` and what was decided, such as `replayed: applied`. */
  resolution: string;
  by: string | null;
  because: string | null;
  /** The `event_id` of the event that a replay made of it. */
  replayedAs: string | null;
}

export const DISCARDED = 'discarded';

/** Stands in a kept body for an e-mail address or a phone number. */
export const hashMark = (hash: string): string => `sha256:${hash}`;
/** Stands in a kept body for everything else that is personal. */
export const LEFT_OUT = '…';

/**
 * The entry of an event that the door understood, but that the ledger contradicts when it is applied later (the lifeboat): a
 * webhook body again, so that it reads, is corrected and is replayed like every other.
 */
export function entryOfEvent(event: HeadgateEvent, reason: QuarantineEntry['reason'], problem: Problem): QuarantineEntry {
  const { body, parts } = event.report ? reportOf(event, event.report) : webhookOf(event);
  return {
    key: `${event.eventId}/${String(event.receivedAt)}`,
    source: event.source,
    people: event.people,
    receivedAt: event.receivedAt,
    reason,
    eventId: event.eventId,
    eventName: event.name,
    ...(event.audienceKey === undefined ? {} : { audienceKey: event.audienceKey }),
    problems: [problem],
    body: JSON.stringify(body),
    parts,
  };
}

interface Kept {
  body: JsonObject;
  parts: KeptPart[];
}

const timestampOf = ({ claimedAt, occurredAt }: HeadgateEvent): number => (claimedAt ?? occurredAt) / 1_000;

function webhookOf(event: HeadgateEvent): Kept {
  const person = personFieldsOf(event.person);
  const body: JsonObject = {
    schema_version: 1,
    event_id: event.test ? UNSENT : event.eventId,
    event: event.name,
    ...(event.audienceKey === undefined ? {} : { audience_key: event.audienceKey }),
    ...(event.exposure === undefined ? {} : { exposure: event.exposure }),
    ...(event.action === undefined ? {} : { action: event.action }),
    timestamp: timestampOf(event),
    ...person,
    ...(event.consent ? { consent: { ...event.consent } } : {}),
    context: event.context,
    attributes: event.attributes,
  };
  const parts: KeptPart[] = [{ shown: person, claim: event.person, identifiers: event.identifiers }];
  if (!event.test) parts.push({ shown: { event_id: event.eventId }, claim: {}, identifiers: {}, eventId: event.eventId });
  return { body, parts };
}

/** In the words of Customer.io's reporting feed, as far as the event still has them. */
function reportOf(event: HeadgateEvent, report: Report): Kept {
  const { channel, metric, broadcastId, newsletterId, transactionalMessageId, triggerId, triggerEventId, parentStepId, contentId, linkId, linkUrl, failureReason, machine } = report;
  const { step_id: step, ...context } = event.context;
  const own = {
    action_id: step, broadcast_id: broadcastId, newsletter_id: newsletterId, transactional_message_id: transactionalMessageId, trigger_id: triggerId, trigger_event_id: triggerEventId,
    parent_action_id: parentStepId, content_id: contentId, link_id: linkId, href: linkUrl, failure_message: failureReason, machine,
  };
  const data: JsonObject = { ...context, ...(Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as JsonObject) };
  return {
    body: { event_id: event.eventId, object_type: channel, metric, timestamp: timestampOf(event), data },
    parts: [{ shown: { data }, claim: event.person, identifiers: event.identifiers }],
  };
}

const personFieldsOf = ({ customerId, cioId, emailHash, phoneHash, mobileAdIdHash }: PersonClaim): JsonObject => ({
  ...(customerId === undefined ? {} : { customer_id: customerId }),
  ...(cioId === undefined ? {} : { cio_id: cioId }),
  ...(emailHash === undefined ? {} : { email: hashMark(emailHash) }),
  ...(phoneHash === undefined ? {} : { phone: hashMark(phoneHash) }),
  ...(mobileAdIdHash === undefined ? {} : { profile: LEFT_OUT }),
});
