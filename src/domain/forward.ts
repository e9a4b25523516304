/** What `cio.forward` hands to an action: the fields of the event that its template may use, and how far the sending is. Pure. */
import type { HeadgateEvent, JsonObject } from './event.ts';

/**
 * - `waiting`: to be sent, or sent again
 * - `sent`: the tool's own answer says that it has it
 * - `refused`: the tool refused it for good, in the words of `reason`
 * - `skipped`: nothing was sent, because the action is in mode `test` and the person is none of its test profiles
 */
export const FORWARD_STATES = ['waiting', 'sent', 'refused', 'skipped'] as const;
export type ForwardState = (typeof FORWARD_STATES)[number];

/** An event as a template sees it. Never an e-mail address or a phone number in the clear: those stop at the door. */
export interface ForwardFields {
  event_id: string;
  event: string;
  action: string;
  source: string;
  audience_key: string | null;
  /** Seconds since the epoch: when it happened. */
  timestamp: number;
  /** The same in ISO 8601. */
  occurred_at: string;
  received_at: string;
  /** Headgate's own id of the person. */
  person_id: string | null;
  customer_id: string | null;
  cio_id: string | null;
  email_sha256: string | null;
  phone_sha256: string | null;
  context: JsonObject;
  attributes: JsonObject;
}

/** The words that a template's fields may begin with. */
export const FIELD_ROOTS = [
  'event_id', 'event', 'action', 'source', 'audience_key', 'timestamp', 'occurred_at', 'received_at',
  'person_id', 'customer_id', 'cio_id', 'email_sha256', 'phone_sha256', 'context', 'attributes',
] as const satisfies (keyof ForwardFields)[];

export function forwardFields(event: HeadgateEvent, personId: string | null): ForwardFields {
  const { customerId = null, cioId = null, emailHash = null, phoneHash = null } = event.person;
  return {
    event_id: event.eventId,
    event: event.name,
    action: event.action ?? '',
    source: event.source,
    audience_key: event.audienceKey ?? null,
    timestamp: Math.round(event.occurredAt / 1_000),
    occurred_at: new Date(event.occurredAt).toISOString(),
    received_at: new Date(event.receivedAt).toISOString(),
    person_id: personId,
    customer_id: customerId,
    cio_id: cioId,
    email_sha256: emailHash,
    phone_sha256: phoneHash,
    context: event.context,
    attributes: event.attributes,
  };
}

/** How the person is written in `test_profiles`. */
export const profilesOf = ({ customer_id: customerId, email_sha256: emailHash }: Pick<ForwardFields, 'customer_id' | 'email_sha256'>): string[] =>
  [customerId, emailHash === null ? null : `email:${emailHash}`].filter((profile) => profile !== null);

const SECOND = 1_000;
const LONGEST_DELAY_MS = 5 * 60 * SECOND;

/** How long one event that failed alone waits after its n-th attempt (from 1), in milliseconds; others go on meanwhile. */
export const delayAfter = (attempts: number): number => Math.min(LONGEST_DELAY_MS, 2 * SECOND * 2 ** Math.min(attempts - 1, 16));

/** After so many calls in a row that the tool did not answer as it should, it is the tool and not the event: the whole action pauses. */
export const FAILURES_BEFORE_PAUSE = 3;

/** Signal of the workflow `forward`: its action has answered. Sent by a step, which takes nothing but types from the workflows. */
export const FORWARDED_SIGNAL = 'forwarded';
