/** The evidence, indexed: which events were taken, whose they are, who is who in the ledger. */
import { createHash } from 'node:crypto';
import { groupFacts, type Fact, type Group } from '../oracle.ts';
import type { Evidence, EventRow } from '../evidence.ts';
import type { Attempt } from '../sender.ts';
import { occurredAt, type PlannedEvent } from '../traffic-plan.ts';

/** A planned event with what became of it at the door. */
export interface SentEvent {
  planned: PlannedEvent;
  attempts: readonly Attempt[];
  /** Those that were answered with a 2xx, in order. */
  acks: readonly Attempt[];
  /** As planned, or as Headgate answered; undefined where there is none. */
  eventId: string | undefined;
  row: EventRow | undefined;
  /** It shares its id with another event, and the ledger knows that one. */
  lostToRival: boolean;
}

export interface Case {
  evidence: Evidence;
  sent: readonly SentEvent[];
  /** Events that were taken and count. */
  taken: readonly SentEvent[];
  groups: readonly Group[];
  /** Groups by the event ids in them. */
  groupOf: ReadonlyMap<string, Group>;
  /** The person of today that the ledger knows a group as; undefined when it knows nobody. */
  personOf: (group: Group) => string | undefined;
  /** Follows merges. */
  survivorOf: (personId: string) => string;
  /** The group of a person of today. */
  groupOfPerson: ReadonlyMap<string, Group>;
  /** Platforms refuse this group's rows. */
  isOutcast: (group: Group) => boolean;
}

/** From here on a time that a body claims is taken as now: docs/webhooks.md. Milliseconds. */
const BELIEVED_AHEAD_MS = 5 * 60_000;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
export const normalise = (email: string): string => email.trim().toLowerCase();

export function openCase(evidence: Evidence): Case {
  const { plan, ledger } = evidence;
  const rows = new Map(ledger.events.map((row) => [row.event_id, row]));
  const attempts = Map.groupBy(evidence.attempts, ({ index }) => index);
  const sent = plan.events.map((planned) => describeSent(planned, attempts.get(planned.index) ?? [], rows));
  const taken = sent.filter(({ planned, acks, lostToRival }) => planned.expected === undefined && acks.length > 0 && !lostToRival);
  const groups = groupFacts(taken.map((one) => factOf(one, evidence.beganAt)));
  const mergedInto = new Map(ledger.persons.flatMap((person) => (person.merged_into === null ? [] : [[person.person_id, person.merged_into]])));
  const survivorOf = (personId: string): string => mergedInto.get(personId) ?? personId;
  const aliases = new Map(ledger.aliases.map(({ kind, value, person_id: personId }) => [`${kind} ${value}`, personId]));
  const outcasts = new Set(plan.outcasts.map(normalise));
  const personOf = ({ customer, cio, emails }: Group): string | undefined => {
    if (customer !== undefined) return aliases.get(`customer_id ${customer}`);
    if (cio !== undefined) return aliases.get(`cio_id ${cio}`);
    const [email = ''] = emails.keys();
    return aliases.get(`email ${sha256(email)}`);
  };
  return {
    evidence,
    sent,
    taken,
    groups,
    groupOf: new Map(groups.flatMap((group) => group.facts.map(({ eventId }) => [eventId, group]))),
    personOf,
    survivorOf,
    groupOfPerson: new Map(groups.flatMap((group) => {
      const person = personOf(group);
      return person === undefined ? [] : [[person, group]];
    })),
    isOutcast: ({ emails }) => [...emails.keys()].some((email) => outcasts.has(email)),
  };
}

function describeSent(planned: PlannedEvent, attempts: readonly Attempt[], rows: ReadonlyMap<string, EventRow>): SentEvent {
  const acks = attempts.filter(({ status }) => status >= 200 && status < 300).sort((a, b) => a.endedAt - b.endedAt);
  const answered = acks[0]?.answer['event_id'];
  const eventId = planned.eventId ?? (typeof answered === 'string' && planned.expected === undefined ? answered : undefined);
  const row = eventId === undefined ? undefined : rows.get(eventId);
  const lostToRival = planned.sharedId !== undefined && row !== undefined && (row.name !== planned.event || row.audience_key !== (planned.audience ?? null));
  return { planned, attempts, acks, eventId, row, lostToRival };
}

/** The time that counts: what the body says, or the receipt where it says nothing or too much. Only then the ledger is asked, and audit/events.ts looks whether that can be. */
function factOf({ planned, acks, eventId = '', row }: SentEvent, beganAt: number): Fact {
  const { at, event, audience, who, consent } = planned;
  const received = row?.received_at.getTime() ?? acks[0]?.endedAt ?? 0;
  const claimed = at === null ? received : occurredAt(at, beganAt);
  return {
    eventId,
    event,
    audience,
    occurredAt: claimed - received > BELIEVED_AHEAD_MS ? received : claimed,
    customer: who.customer_id,
    cio: who.cio_id,
    email: who.email === undefined ? undefined : normalise(who.email),
    consent,
  };
}
