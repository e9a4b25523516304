/** What an event is: one webhook body of Customer.io, verified, validated and hashed at the door. Pure types and rules. */
import type { Identifier } from './identifiers.ts';
import type { Report, REPORT } from './report.ts';

/** The events that Headgate itself defines (docs/webhooks.md). */
export const EVENT_NAMES = ['cio.audience_add', 'cio.audience_remove', 'cio.exposure', 'cio.forward'] as const;
export type BuiltInEventName = (typeof EVENT_NAMES)[number] | typeof REPORT;
/** One of these, or the event of a workflow type (event-type.ts). */
export type EventName = string;

/**
 * What an `event_id` may look like. No `/`, which would collide with Headgate's own workflow ids, and no `%`,
 * which breaks the Temporal UI's API. At most 200 characters, below the 255 of Temporal's SQL visibility columns.
 */
export const EVENT_ID_PATTERN = /^[A-Za-z0-9._:~=+@-]{1,200}$/;

/** Customer.io renders `{{delivery_id}}` as this word in previews and test sends. */
export const UNSENT = 'unsent';

/** How far in the future an event's time may lie before it is clamped to the time of receipt, in milliseconds. */
export const FUTURE_TOLERANCE_MS = 5 * 60_000;

export type ConsentState = 'granted' | 'denied';

export interface Consent {
  ad_user_data?: ConsentState;
  ad_personalization?: ConsentState;
}

/** True when one of the two was refused: such a person is pushed to no platform. */
export const isDenied = (consent: Consent | undefined): boolean => consent?.ad_user_data === 'denied' || consent?.ad_personalization === 'denied';

/** A flat JSON value, as campaign context and attributes carry them. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
// A record cannot refer to itself.
// eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style
export type JsonObject = { [key: string]: JsonValue };

/** Who the event is about: the customer's own ids in the clear, e-mail and phone only as SHA-256 (lower-case hex). */
export interface PersonClaim {
  customerId?: string;
  cioId?: string;
  emailHash?: string;
  phoneHash?: string;
  mobileAdIdHash?: string;
}

/** Of an event of a workflow type: what its workflow is started with. Travels with the event, so that a process can start it that has not got the type. */
export interface EventOfType {
  workflow: string;
  /** The line that the Temporal UI shows. */
  summary?: string;
  /** Search attributes of the type's own. */
  attributes?: Record<string, string>;
}

/** One event, as it travels from the door through the ledger (or the lifeboat) into its workflow. */
export interface HeadgateEvent {
  eventId: string;
  source: string;
  /** Whose customer ids these are; sources may share one (registry: `people`). */
  people: string;
  name: EventName;
  /** Present on `cio.audience_*`, optional on `cio.exposure`. */
  audienceKey?: string;
  /** Of a `cio.exposure`: what the operator calls it, such as `journey_entered`. */
  exposure?: string;
  /** Of a `cio.forward`: the action of headgate.yaml that it goes to. */
  action?: string;
  /** Milliseconds since the epoch; clamped to `receivedAt` when it lay too far in the future. */
  occurredAt: number;
  /** Milliseconds since the epoch, fixed at the door, so that applying the event later gives the same result. */
  receivedAt: number;
  /** Set when `occurredAt` was clamped: what the body said, in milliseconds. */
  claimedAt?: number;
  person: PersonClaim;
  /** Per platform, the person's identifiers in that platform's normalisation. */
  identifiers: Record<string, Identifier[]>;
  consent?: Consent;
  context: JsonObject;
  attributes: JsonObject;
  /** A preview or test send of Customer.io: validated and kept for a look, but nothing is decided. */
  test?: true;
  /** Of a `cio.report`. */
  report?: Report;
  /** No workflow is started for it, unless it changes a membership. */
  rowOnly?: true;
  /** The file that brought it, long after the fact: it is told whose it is, and teaches nothing of anybody. */
  importedFrom?: string;
  /** Whose name begins with none of Headgate's: that of a workflow type. */
  type?: EventOfType;
  /** The event whose workflow decided this one. It repeats what that one said of the person, which may be old by now, so it teaches nothing. */
  emittedBy?: string;
}

/** False for an event that is told whose it is, and says nothing new of them. */
export const isNews = ({ importedFrom, emittedBy }: Pick<HeadgateEvent, 'importedFrom' | 'emittedBy'>): boolean => importedFrom === undefined && emittedBy === undefined;

/** What became of an event. All of these were answered with a 2xx. */
export type DecisionStatus = 'applied' | 'superseded' | 'held_out' | 'expired' | 'test';

/** The first decision on an event, as kept in the ledger and carried in its workflow's input. */
export interface Decision {
  status: DecisionStatus;
  personId: string | null;
  /** The person's state in the audience after this event; absent where there is no audience. */
  audience?: 'in' | 'out';
  /** When the window ends, in milliseconds since the epoch; absent without a window or when out. */
  until?: number;
}

/** Returns the event's effective time and, when that was clamped, what the body claimed. Times in milliseconds. */
export function clampTime(claimed: number, receivedAt: number): { occurredAt: number; claimedAt?: number } {
  if (claimed - receivedAt > FUTURE_TOLERANCE_MS) return { occurredAt: receivedAt, claimedAt: claimed };
  return { occurredAt: claimed };
}

/** What an `event_id` was used for before. */
export interface UsedFor {
  name: string;
  audienceKey: string | null;
  action?: string | null;
  /** Absent where nobody knows. */
  source?: string;
}

/**
 * A known `event_id` that comes again under another name, for another audience or action, or from another source, is a conflict: typically a template
 * that uses the trigger's id for two webhooks. The same body again is a duplicate, and gets the first decision; another source must not learn it.
 */
export function conflictsWith(
  known: UsedFor,
  event: Pick<HeadgateEvent, 'name' | 'audienceKey' | 'action' | 'source'>,
): boolean {
  return isOfAnother(known, event) || known.name !== event.name || known.audienceKey !== (event.audienceKey ?? null) || (known.action ?? null) !== (event.action ?? null);
}

const isOfAnother = ({ source }: UsedFor, event: Pick<HeadgateEvent, 'source'>): boolean => source !== undefined && source !== event.source;

/** Says what it was used for, to the sender of `event`: nothing of what another source has sent. */
export function describeUse(known: UsedFor, event: Pick<HeadgateEvent, 'source'>): string {
  if (isOfAnother(known, event)) return 'by another source';
  return `for ${[known.name, known.audienceKey, known.action].filter((part) => part !== null && part !== undefined).join(' ')}`;
}
