/**
 * What must come out, computed from the set of events alone: no order of arrival, no batches, no revisions. Written from
 * the design's words and from nothing in src/, so that a mistake there cannot hide here.
 */
import { createHash } from 'node:crypto';
import type { HeadgateEvent } from '../../src/domain/event.ts';

/** As much of the registry as decides. `targets`: destinations. */
export interface OracleAudience {
  key: string;
  windowMs: number | null;
  excludes: string[];
  holdout: number;
  targets: { destination: string }[];
}

export interface OracleMembership {
  state: 'in' | 'out';
  reason: string;
  eventId: string;
  occurredAt: number;
  expiresAt: number | null;
}

interface Vote {
  time: number;
  leaves: boolean;
  id: string;
  reason: string;
  until: number | null;
}

const denies = (event: HeadgateEvent): boolean => Object.values(event.consent ?? {}).includes('denied');

/** What each event of one person says of each audience. */
function votes(events: readonly HeadgateEvent[], audiences: readonly OracleAudience[], key: string): Vote[] {
  const windowMs = audiences.find((audience) => audience.key === key)?.windowMs ?? null;
  return events.flatMap((event): Vote[] => {
    const vote = { time: event.occurredAt, id: event.eventId };
    if (event.name === 'cio.exposure') return [];
    const named = event.audienceKey === key;
    if (named && denies(event)) return [{ ...vote, leaves: true, reason: 'consent_denied', until: null }];
    if (named && event.name === 'cio.audience_remove') return [{ ...vote, leaves: true, reason: 'removed', until: null }];
    if (named) return [{ ...vote, leaves: false, reason: 'added', until: windowMs === null ? null : event.occurredAt + windowMs }];
    const entered = audiences.find((audience) => audience.key === event.audienceKey);
    return event.name === 'cio.audience_add' && entered?.excludes.includes(key) ? [{ ...vote, leaves: true, reason: 'excluded', until: null }] : [];
  });
}

/** The latest time decides; then whoever leaves; then the greater id, by code unit. */
const byWeight = (a: Vote, b: Vote): number => a.time - b.time || Number(a.leaves) - Number(b.leaves) || (a.id < b.id ? -1 : 1);

/** Where one person stands in each audience at the time `now`, from all events of that person. Audiences without any event are absent. */
export function membershipsOf(events: readonly HeadgateEvent[], audiences: readonly OracleAudience[], now: number): Map<string, OracleMembership> {
  const result = new Map<string, OracleMembership>();
  for (const { key } of audiences) {
    const newest = votes(events, audiences, key).toSorted(byWeight).at(-1);
    if (!newest) continue;
    const over = newest.until !== null && newest.until <= now;
    result.set(key, {
      state: newest.leaves || over ? 'out' : 'in',
      reason: over ? 'expired' : newest.reason,
      eventId: newest.id,
      occurredAt: newest.time,
      expiresAt: newest.until,
    });
  }
  return result;
}

/** Whether the newest word on consent is a denial; at equal times a denial counts. */
export function isRefusing(events: readonly HeadgateEvent[]): boolean {
  const said = events.filter((event) => event.consent !== undefined);
  const newest = Math.max(...said.map((event) => event.occurredAt));
  return said.some((event) => event.occurredAt === newest && denies(event));
}

/** As the README tells analysts to recompute it. */
export const isHeldOut = (audience: OracleAudience, personId: string): boolean =>
  Number.parseInt(createHash('md5').update(`${audience.key}:${personId}`).digest('hex').slice(0, 8), 16) / 2 ** 32 < audience.holdout;

/** What one target should hold of the person. */
export function wantedAt(events: readonly HeadgateEvent[], audiences: readonly OracleAudience[], audience: OracleAudience, personId: string, now: number): 'in' | 'out' {
  const membership = membershipsOf(events, audiences, now).get(audience.key);
  return membership?.state === 'in' && !isHeldOut(audience, personId) && !isRefusing(events) ? 'in' : 'out';
}

/** True when the operator asked for a removal here in so many words: it reaches the platforms also for a stranger. */
export const isAskedToLeave = (events: readonly HeadgateEvent[], key: string): boolean =>
  events.some((event) => event.audienceKey === key && event.name !== 'cio.exposure' && (event.name === 'cio.audience_remove' || denies(event)));

/** The names of an event's person, within its scope. */
export function namesOf({ people, person }: HeadgateEvent): string[] {
  const given = { customer_id: person.customerId, cio_id: person.cioId, email: person.emailHash };
  return Object.entries(given).flatMap(([kind, value]) => (value === undefined ? [] : [`${people} ${kind} ${value}`]));
}

/** Events that belong together because names link them. Where no two customer ids are linked, these are the persons. */
export function linked(events: readonly HeadgateEvent[]): HeadgateEvent[][] {
  let groups: { names: Set<string>; events: HeadgateEvent[] }[] = [];
  for (const event of events) {
    const names = namesOf(event);
    const touching = groups.filter((group) => names.some((name) => group.names.has(name)));
    const merged = { names: new Set([...names, ...touching.flatMap((group) => [...group.names])]), events: [...touching.flatMap((group) => group.events), event] };
    groups = [...groups.filter((group) => !touching.includes(group)), merged];
  }
  return groups.map((group) => group.events);
}

/** The customer whose newest event carries this name too; at equal times the greater id. Undefined when no event with a customer id does. */
export function claimantOf(events: readonly HeadgateEvent[], name: string): string | undefined {
  const claims = events.filter((event) => event.person.customerId !== undefined && namesOf(event).includes(name));
  const [newest] = claims.toSorted((a, b) => b.occurredAt - a.occurredAt || ((a.person.customerId ?? '') < (b.person.customerId ?? '') ? 1 : -1));
  return newest?.person.customerId;
}
