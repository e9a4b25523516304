/**
 * From a quarantined body, as it was kept or corrected, to the event that it would have been at the door: the same id, the same
 * time of receipt, the same person with the same identifiers. A field that reads as it was kept means what the door made of it
 * (keep-body.ts); every other field is read, checked and hashed as at the door.
 */
import { EVENT_NAMES, type HeadgateEvent, type JsonObject, type PersonClaim } from '../domain/event.ts';
import type { EventTypes } from '../domain/event-type.ts';
import type { IdentifiersByPlatform } from '../domain/identifiers.ts';
import { entryOfEvent, type KeptPart, type Problem, type QuarantineEntry } from '../domain/quarantine.ts';
import { eventFromObject, type EventContext, type Identify, type RestoredFields, type Understood } from './event-from-body.ts';
import { REPORT, type ReportPolicy } from '../domain/report.ts';
import { holdsMark, parseObject } from './redact.ts';
import { reportFromObject } from './report-from-body.ts';

export interface ReplayContext {
  /** What the registry says of the entry's source today; undefined when it is gone. */
  source: { people: string; phoneCountry?: string | undefined; reports?: ReportPolicy } | undefined;
  hasAudience: (key: string) => boolean;
  hasAction?: ((name: string) => boolean) | undefined;
  limited?: EventContext['limited'];
  types?: EventTypes | undefined;
  identify: Identify;
}

/** What a person puts in the place of the kept body (undefined when that is not JSON), or why it does not fit there. */
export type Correction = (kept: JsonObject | undefined) => { body: JsonObject } | { problems: Problem[] };

const asKept: Correction = (kept) => (kept ? { body: kept } : { problems: [{ path: '', message: 'the kept body is not JSON: replay it with a whole body' }] });

/** Reads an entry again, now. Every mistake is listed at once. */
export function eventFromKept(stored: QuarantineEntry, context: ReplayContext, correct: Correction = asKept): Understood {
  const entry = upToDate(stored, context.identify);
  const people = entry.people ?? context.source?.people;
  if (people === undefined) return { problems: [{ path: '', message: `there is no source ${entry.source} in headgate.yaml` }] };
  const kept = parseObject(entry.body);
  const corrected = correct(kept);
  if ('problems' in corrected) return corrected;
  if (entry.eventName === REPORT) return reportFromKept(entry, people, corrected.body, context);
  const { rest, restored, problems } = restore(corrected.body, kept, entry.parts ?? []);
  const understood = eventFromObject(rest, {
    source: entry.source,
    people,
    phoneCountry: context.source?.phoneCountry,
    receivedAt: entry.receivedAt,
    hasAudience: context.hasAudience,
    hasAction: context.hasAction,
    limited: context.limited,
    types: context.types,
    identify: context.identify,
    restored,
  });
  if (problems.length === 0) return understood;
  const others = 'problems' in understood ? understood.problems : [];
  return { problems: [...problems, ...others.filter(({ path }) => !problems.some((own) => own.path === path))] };
}

/** Whoever a report was about is known for as long as its data reads as it was kept. */
function reportFromKept({ source, receivedAt, parts = [] }: QuarantineEntry, people: string, body: JsonObject, context: ReplayContext): Understood {
  const standing = parts.find((part) => stands(part, { ...body, data: body['data'] ?? {} }));
  return reportFromObject(body, {
    source, people, receivedAt,
    identify: context.identify,
    policy: context.source?.reports ?? { workflowsOnlyWhereNeeded: false, endsMemberships: [] },
    restored: standing && { claim: standing.claim, identifiers: standing.identifiers },
  });
}

/** The entry's body, and what it still knows of its person: to show them. */
export function describeKept(stored: QuarantineEntry, identify: Identify): { body: JsonObject | string; claim: PersonClaim; identifiers: IdentifiersByPlatform } {
  const entry = upToDate(stored, identify);
  const kept = parseObject(entry.body);
  return { body: kept ?? entry.body, ...uniteParts((entry.parts ?? []).filter((part) => kept === undefined || stands(part, kept))) };
}

const stands = (part: KeptPart, body: JsonObject): boolean => Object.entries(part.shown).every(([field, value]) => JSON.stringify(body[field]) === JSON.stringify(value));

interface Restored {
  /** The fields that are to be read as at the door. */
  rest: JsonObject;
  restored: RestoredFields;
  problems: Problem[];
}

/** Takes the fields that read as they were kept out of the body. */
function restore(body: JsonObject, kept: JsonObject | undefined, parts: readonly KeptPart[]): Restored {
  const standing = parts.filter((part) => stands(part, body));
  const known = new Set(standing.flatMap((part) => Object.keys(part.shown)));
  const rest = Object.fromEntries(Object.entries(body).filter(([field]) => !known.has(field)));
  const eventId = standing.find((part) => part.eventId !== undefined)?.eventId;
  if (eventId !== undefined) rest['event_id'] = eventId;
  const problems = [
    ...['email', 'phone', 'profile'].filter((field) => holdsMark(rest[field])),
    // Such ids may be real ones: only what redaction has left here is none.
    ...['customer_id', 'cio_id'].filter((field) => holdsMark(rest[field]) && rest[field] === kept?.[field]),
  ].map((path) => ({ path, message: 'stands for a value that was not kept, because it had a mistake or belongs to another entry: give it anew, or take it out' }));
  if (eventId === undefined && holdsMark(rest['event_id'])) {
    problems.push({ path: 'event_id', message: 'held personal data when it came: give another one, or none to have one derived' });
  }
  return { rest, restored: { fields: known, ...uniteParts(standing) }, problems };
}

function uniteParts(parts: readonly KeptPart[]): { claim: PersonClaim; identifiers: IdentifiersByPlatform } {
  const identifiers: IdentifiersByPlatform = {};
  for (const part of parts) {
    for (const [platform, more] of Object.entries(part.identifiers)) identifiers[platform] = [...(identifiers[platform] ?? []), ...more];
  }
  return { claim: Object.assign({}, ...parts.map(({ claim }) => claim)) as PersonClaim, identifiers };
}

/**
 * Entries from before migration 0004 hold the body alone: of an e-mail address its hash, which is that of the address as Meta, TikTok and Snap
 * normalise it, and nothing usable of phone and profile. Those of a lifeboat hold the event itself.
 */
function upToDate(entry: QuarantineEntry, identify: Identify): QuarantineEntry {
  if (entry.parts) return entry;
  const body = parseObject(entry.body);
  if (!body) return { ...entry, parts: [] };
  if (isEvent(body) && body.source === entry.source) {
    const { body: asWebhook, parts = [] } = entryOfEvent(body, entry.reason, { path: '', message: '' });
    return { ...entry, receivedAt: body.receivedAt, body: asWebhook, parts };
  }
  const parts = ['customer_id', 'cio_id', 'email', 'phone', 'profile'].flatMap((field): KeptPart[] => {
    const value = body[field];
    if (typeof value !== 'string' || !holdsMark(value)) return [];
    return [{ shown: { [field]: value }, ...oldPart(field, value, identify) }];
  });
  return { ...entry, parts };
}

function oldPart(field: string, value: string, identify: Identify): Omit<KeptPart, 'shown'> {
  if (field === 'customer_id') return { claim: { customerId: value }, identifiers: {} };
  if (field === 'cio_id') return { claim: { cioId: value }, identifiers: {} };
  if (field !== 'email') return { claim: {}, identifiers: {} };
  const { claim, identifiers } = identify({ email: value.replace('sha256:', '') });
  return { claim, identifiers };
}

/** What the lifeboat of older versions kept: written by Headgate itself, but typed by nobody on the way back. */
function isEvent(body: JsonObject): body is JsonObject & HeadgateEvent {
  const isObject = (field: string): boolean => typeof body[field] === 'object' && body[field] !== null;
  return (
    ['eventId', 'source', 'people'].every((field) => typeof body[field] === 'string') &&
    EVENT_NAMES.some((name) => name === body['name']) &&
    ['occurredAt', 'receivedAt'].every((field) => typeof body[field] === 'number') &&
    ['person', 'identifiers', 'context', 'attributes'].every(isObject)
  );
}
