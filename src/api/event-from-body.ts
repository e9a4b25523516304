/** From a body to an event: validated, normalised, hashed. Nothing in the clear leaves this file but the customer's own ids. */
import { hash } from 'node:crypto';
import { clampTime, UNSENT, type Consent, type HeadgateEvent, type JsonObject, type PersonClaim } from '../domain/event.ts';
import { personFromFields, type IdentifiersByPlatform, type RawPerson } from '../domain/identifiers.ts';
import type { EventType, EventTypes } from '../domain/event-type.ts';
import type { Problem } from '../domain/quarantine.ts';
import { lengthOf, MOST_KEPT } from './most-kept.ts';
import { holdsEmail, isGiven, personalValues, redactObject, redactText, storable } from './redact.ts';
import { ownEventBody, webhookBody, type WebhookBody } from './webhook-schema.ts';

export interface EventContext {
  source: string;
  people: string;
  /** How phones without country code are read. */
  phoneCountry?: string | undefined;
  /** Milliseconds since the epoch. */
  receivedAt: number;
  hasAudience: (key: string) => boolean;
  /** Default: there are no actions. */
  hasAction?: ((name: string) => boolean) | undefined;
  /** Whether the registry names what this source may use (registry-names.ts). */
  limited?: { audiences: boolean; actions: boolean } | undefined;
  /** Workflow types by their event. Default: there are none. */
  types?: EventTypes | undefined;
  identify: Identify;
  /** What an earlier reading made of some fields, which are not in the body any more (event-from-kept.ts). */
  restored?: RestoredFields | undefined;
}

export interface RestoredFields {
  fields: ReadonlySet<string>;
  claim: PersonClaim;
  identifiers: IdentifiersByPlatform;
}

/** Hashes the person's contacts and asks the configured platforms for their identifiers. */
export type Identify = (person: RawPerson) => { claim: Partial<PersonClaim>; identifiers: IdentifiersByPlatform };

export type Understood = { event: HeadgateEvent } | { problems: Problem[]; eventId?: string };

/** Reads the raw body. Every mistake is listed at once. */
export function eventFromBody(raw: string, context: EventContext): Understood {
  let given: unknown;
  try {
    given = JSON.parse(raw);
  } catch (error) {
    return { problems: [{ path: '', message: `the body is not JSON: ${withoutExcerpt((error as Error).message)}` }] };
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return { problems: [{ path: '', message: 'the body must be a JSON object' }] };
  return eventFromObject(given as JsonObject, context);
}

/** The same for a body that is parsed already. */
export function eventFromObject(body: JsonObject, context: EventContext): Understood {
  const { event: name } = body;
  const type = typeof name === 'string' ? context.types?.get(name) : undefined;
  const parsed = (type ? ownEventBody : webhookBody).safeParse(body);
  const problems = parsed.success ? [] : parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.path[0] === 'event' ? namesOfTypes(issue.message, context) : issue.message }));
  problems.push(...contradictions(body, context, new Set(problems.map((problem) => problem.path))));
  const own = type && readOwnAttributes(type, body);
  if (own && 'problems' in own && !problems.some(({ path }) => path === 'attributes')) problems.push(...own.problems);
  if (!parsed.success || problems.length > 0) {
    const given = body['event_id'];
    const eventId = typeof given === 'number' ? String(given) : given;
    return { problems, ...(typeof eventId === 'string' && !holdsEmail(eventId) ? { eventId: storable(eventId.slice(0, 200)) } : {}) };
  }
  const made = makeEvent(parsed.data, body, context);
  const whole: HeadgateEvent = type && own && 'data' in own ? { ...made, attributes: own.data, type: type.startOf(own.data) } : made;
  if (lengthOf(whole.context) + lengthOf(whole.attributes) > MOST_KEPT) return { problems: [{ path: '', message: TOO_LONG }], ...(whole.test ? {} : { eventId: whole.eventId }) };
  return { event: whole };
}

const namesOfTypes = (message: string, { types }: EventContext): string => [message, ...(types?.keys() ?? [])].join(', ');

/** By the schema of the type, which sees what is kept: e-mail addresses and phone numbers are hashes by then. */
function readOwnAttributes(type: EventType, body: JsonObject): ReturnType<EventType['read']> | undefined {
  const given = isGiven(body['attributes']) ? body['attributes'] : {};
  return typeof given !== 'object' || given === null || Array.isArray(given) ? undefined : type.read(redactObject(given, personalValues(body)));
}

const TOO_LONG = 'context and attributes are too long once the e-mail addresses and phone numbers in them are hashes: send fewer of them';

/** The parser quotes the place of the mistake, which may hold an e-mail address or a phone number. */
const withoutExcerpt = (message: string): string => message.replace(/, (\.\.\.)?"[^]*$/, '');

const isEmail = (value: unknown, context: EventContext): boolean =>
  typeof value === 'string' && context.identify({ email: value }).claim.emailHash !== undefined;

/** What single fields cannot say. `wrong` are the fields that the schema has refused already. */
function contradictions(body: JsonObject, context: EventContext, wrong: ReadonlySet<string>): Problem[] {
  const problems: Problem[] = [];
  const add = (path: string, message: string): void => {
    if (!wrong.has(path)) problems.push({ path, message });
  };
  const { event, audience_key: audience, event_id: eventId } = body;
  const needsNone = event === 'cio.exposure' || event === 'cio.forward' || (typeof event === 'string' && event !== '' && !event.startsWith('cio.'));
  if (!needsNone && !isGiven(audience)) add('audience_key', 'is missing: say which audience');
  const key = typeof audience === 'number' ? String(audience) : audience;
  if (typeof key === 'string' && isGiven(key) && !context.hasAudience(key.trim())) add('audience_key', `${redactText(JSON.stringify(key))} is not an audience ${context.limited?.audiences ? `that the source ${context.source} may use: see its audiences in headgate.yaml` : 'of headgate.yaml'}`);
  if (event === 'cio.forward') {
    const { action } = body;
    if (!isGiven(action)) add('action', 'is missing: say which action of headgate.yaml');
    else if (typeof action === 'string' && !context.hasAction?.(action.trim())) add('action', `${redactText(JSON.stringify(action))} is not an action ${context.limited?.actions ? `that the source ${context.source} may use: see its actions in headgate.yaml` : 'of headgate.yaml'}`);
  }
  const missing = whoIsMissing(body, context);
  if (missing) add(missing.path, missing.message);
  if (!isGiven(eventId) && !isGiven(body['timestamp'])) add('event_id', 'is missing, and without a timestamp none can be derived that stays the same when the webhook is repeated');
  if (typeof eventId === 'string' && holdsEmail(eventId)) add('event_id', 'must not hold an e-mail address, because it is shown in the Temporal UI');
  return problems;
}

function whoIsMissing(body: JsonObject, context: EventContext): Problem | undefined {
  const { fields, claim } = context.restored ?? {};
  const [customerId, cioId, email] = ['customer_id', 'cio_id', 'email'].map((field) => isGiven(body[field]) || fields?.has(field));
  if (customerId || cioId) return undefined;
  if (!email) return { path: 'customer_id', message: 'the person is missing: send at least one of customer_id, cio_id and email' };
  if (claim?.emailHash !== undefined || isEmail(body['email'], context)) return undefined;
  return { path: 'email', message: 'is not an e-mail address, and there is neither customer_id nor cio_id' };
}

function makeEvent(body: WebhookBody, given: JsonObject, context: EventContext): HeadgateEvent {
  const { claim, identifiers } = context.identify(personFromBody(body, context.phoneCountry));
  const person: PersonClaim = { ...context.restored?.claim, ...claim };
  if (body.customer_id !== undefined) person.customerId = withoutEmail(body.customer_id);
  if (body.cio_id !== undefined) person.cioId = withoutEmail(body.cio_id);
  const own = personalValues(given);
  const eventContext = redactObject(body.context ?? {}, own);
  const { occurredAt, claimedAt } = clampTime(body.timestamp ?? context.receivedAt, context.receivedAt);
  const test = body.event_id === UNSENT || eventContext['delivery_id'] === UNSENT;
  const consent = consentOf(body);
  return {
    eventId: test ? `test~${crypto.randomUUID()}` : (body.event_id ?? deriveEventId(body, person, eventContext, context)),
    source: context.source,
    people: context.people,
    name: body.event,
    ...(body.audience_key === undefined ? {} : { audienceKey: body.audience_key }),
    ...(body.exposure === undefined || body.event !== 'cio.exposure' ? {} : { exposure: redactText(body.exposure, own) }),
    ...(body.action === undefined || body.event !== 'cio.forward' ? {} : { action: body.action }),
    occurredAt,
    receivedAt: context.receivedAt,
    ...(claimedAt === undefined ? {} : { claimedAt }),
    person,
    identifiers: context.restored ? together(context.restored.identifiers, identifiers) : identifiers,
    ...(consent ? { consent } : {}),
    context: eventContext,
    attributes: redactObject(body.attributes ?? {}, own),
    ...(test ? { test } : {}),
  };
}

/** Per platform, `fresh` and what `kept` has of other types. */
function together(kept: IdentifiersByPlatform, fresh: IdentifiersByPlatform): IdentifiersByPlatform {
  const platforms = [...new Set([...Object.keys(kept), ...Object.keys(fresh)])];
  return Object.fromEntries(
    platforms.map((platform) => {
      const newer = fresh[platform] ?? [];
      const types = new Set(newer.map(({ type }) => type));
      return [platform, [...(kept[platform] ?? []).filter(({ type }) => !types.has(type)), ...newer]];
    }),
  );
}

function personFromBody({ customer_id: customerId, email, phone, profile }: WebhookBody, phoneCountry: string | undefined): RawPerson {
  const fields = { ...profile, customer_id: customerId === undefined ? undefined : withoutEmail(customerId), email, phone };
  return personFromFields(fields, phoneCountry);
}

/** Workspaces that use the e-mail address as the person's id: the id is hashed, and stays one id. */
export const withoutEmail = (id: string): string => (holdsEmail(id) ? `sha256:${sha256(id)}` : id);

const sha256 = (text: string): string => hash('sha256', text, 'hex');

function consentOf(body: WebhookBody): Consent | undefined {
  const { ad_user_data: userData, ad_personalization: personalization } = body.consent ?? {};
  if (userData === undefined && personalization === undefined) return undefined;
  return { ...(userData === undefined ? {} : { ad_user_data: userData }), ...(personalization === undefined ? {} : { ad_personalization: personalization }) };
}

/** The same body always gets the same id: source, event, audience and action, person, delivery or step, and time. */
function deriveEventId(body: WebhookBody, person: PersonClaim, eventContext: JsonObject, context: EventContext): string {
  const who = person.customerId ?? person.cioId ?? person.emailHash;
  const occasion = eventContext['delivery_id'] ?? eventContext['step_id'];
  const about = body.event === 'cio.forward' ? [body.audience_key ?? null, body.action ?? null] : [body.audience_key ?? null];
  const parts = [context.source, body.event, ...about, who, occasion ?? null, body.timestamp ?? null];
  return `derived-${sha256(JSON.stringify(parts)).slice(0, 40)}`;
}
