/**
 * Folds a batch of events, in order of arrival, into what the ledger has to store. Pure: everything that the batch touches
 * is loaded before and stored after, so no statement is needed per event.
 */
import type { Decision, HeadgateEvent } from './event.ts';
import { conflictsWith, isDenied } from './event.ts';
import type { Delivery } from './delivery.ts';
import { deliveryAfter } from './delivery.ts';
import type { Arm, Change, ChangeOutcome, Membership } from './membership.ts';
import { decide, wantedAtPlatforms } from './membership.ts';
import type { KnownPerson } from './person.ts';
import { changesPushes, learnFromEvent, NOBODY } from './person.ts';
import type { Audience, Policies, Target, TargetRef } from './registry.ts';
import { targetKey } from './registry.ts';

/** The window of the add `eventId` is over. */
export interface Expiry {
  personId: string;
  audienceKey: string;
  eventId: string;
  /** Milliseconds since the epoch: when it was found to be over. */
  at: number;
}

export type BatchItem = { kind: 'event'; event: HeadgateEvent; personId: string } | ({ kind: 'expire' } & Expiry);

export interface KnownEvent {
  name: string;
  audienceKey: string | null;
  decision: Decision;
}

/** What became of one item of the batch. */
export type ItemOutcome =
  | { kind: 'decided'; decision: Decision }
  | { kind: 'duplicate'; decision: Decision }
  | { kind: 'conflict'; known: { name: string; audienceKey: string | null } }
  /** The audience is not in the registry of the process that applies the event. */
  | { kind: 'unknown_audience'; audienceKey: string };

/** What the ledger knew before the batch. Keys are made by `membershipKey` and `deliveryKey`. */
export interface LoadedBatch {
  events: ReadonlyMap<string, KnownEvent>;
  memberships: ReadonlyMap<string, Membership>;
  deliveries: ReadonlyMap<string, Delivery>;
  persons: ReadonlyMap<string, KnownPerson>;
}

export interface FoldedBatch {
  outcomes: ItemOutcome[];
  /** Events decided for the first time, with the person they belong to. */
  decided: { event: HeadgateEvent; decision: Decision }[];
  memberships: ({ personId: string; audienceKey: string } & Membership)[];
  deliveries: ({ personId: string; target: Target } & Delivery)[];
  /** Persons of whom the batch taught something new. */
  persons: Map<string, KnownPerson>;
  /** Adds whose workflows may end early, because a newer decision has replaced them. */
  ended: string[];
  /** Targets that have something to push now. */
  wakes: TargetRef[];
}

export const membershipKey = (personId: string, audienceKey: string): string => `${personId}\n${audienceKey}`;
export const deliveryKey = (personId: string, target: TargetRef): string =>
  `${personId}\n${targetKey(target)}`;

export function foldBatch(
  items: readonly BatchItem[],
  loaded: LoadedBatch,
  policies: Policies,
  /** Where a person falls between 0 and 1 for an audience: below the audience's holdout share means held out. */
  holdoutPosition: (audienceKey: string, personId: string) => number,
): FoldedBatch {
  const fold = new Fold(loaded, policies, holdoutPosition);
  const outcomes = items.map((item) => (item.kind === 'event' ? fold.event(item.event, item.personId) : fold.expire(item)));
  return { outcomes, ...fold.result() };
}

class Fold {
  readonly #loaded: LoadedBatch;
  readonly #policies: Policies;
  readonly #holdoutPosition: (audienceKey: string, personId: string) => number;
  readonly #decided = new Map<string, { event: HeadgateEvent; decision: Decision }>();
  readonly #memberships = new Map<string, { personId: string; audienceKey: string } & Membership>();
  readonly #deliveries = new Map<string, { personId: string; target: Target } & Delivery>();
  readonly #persons = new Map<string, KnownPerson>();
  readonly #ended = new Set<string>();
  readonly #wakes = new Map<string, TargetRef>();

  constructor(loaded: LoadedBatch, policies: Policies, holdoutPosition: (audienceKey: string, personId: string) => number) {
    this.#loaded = loaded;
    this.#policies = policies;
    this.#holdoutPosition = holdoutPosition;
  }

  event(event: HeadgateEvent, personId: string): ItemOutcome {
    const known = this.#known(event.eventId);
    if (known) {
      if (conflictsWith(known, event)) return { kind: 'conflict', known: { name: known.name, audienceKey: known.audienceKey } };
      return { kind: 'duplicate', decision: known.decision };
    }
    const audience = event.audienceKey === undefined ? undefined : this.#policies.audiences.get(event.audienceKey);
    if (event.audienceKey !== undefined && !audience) return { kind: 'unknown_audience', audienceKey: event.audienceKey };
    const decision = event.test ? ({ status: 'test', personId: null } as const) : this.#decision(event, personId, audience);
    this.#decided.set(event.eventId, { event, decision });
    return { kind: 'decided', decision };
  }

  expire(expiry: Expiry): ItemOutcome {
    const audience = this.#policies.audiences.get(expiry.audienceKey);
    if (!audience) return { kind: 'unknown_audience', audienceKey: expiry.audienceKey };
    const outcome = this.#change(expiry.personId, audience, { kind: 'expire', eventId: expiry.eventId, at: expiry.at });
    return { kind: 'decided', decision: this.#describe(outcome ?? 'superseded', expiry.personId, expiry.audienceKey) };
  }

  result(): Omit<FoldedBatch, 'outcomes'> {
    return {
      decided: [...this.#decided.values()],
      memberships: [...this.#memberships.values()],
      deliveries: [...this.#deliveries.values()],
      persons: this.#persons,
      ended: [...this.#ended],
      wakes: [...this.#wakes.values()],
    };
  }

  #known(eventId: string): KnownEvent | undefined {
    const inBatch = this.#decided.get(eventId);
    if (!inBatch) return this.#loaded.events.get(eventId);
    const { event, decision } = inBatch;
    return { name: event.name, audienceKey: event.audienceKey ?? null, decision };
  }

  #decision(event: HeadgateEvent, personId: string, audience: Audience | undefined): Decision {
    this.#learn(event, personId);
    if (!audience || event.name === 'cio.exposure') return { status: 'applied', personId };
    const denied = isDenied(event.consent);
    const entering = event.name === 'cio.audience_add';
    const outcome = this.#change(
      personId,
      audience,
      entering && !denied
        ? { kind: 'add', ...this.#orderOf(event), receivedAt: event.receivedAt, windowMs: audience.windowMs, arm: this.#armOf(audience, personId) }
        : { kind: 'remove', ...this.#orderOf(event), reason: denied ? 'consent_denied' : 'removed', arm: this.#armOf(audience, personId) },
    );
    if (entering) this.#leaveExcluded(event, personId, audience);
    return this.#describe(outcome ?? 'superseded', personId, audience.key);
  }

  /** Every add to an audience is also a removal from those that it excludes, also when the add itself came too late to count. */
  #leaveExcluded(event: HeadgateEvent, personId: string, audience: Audience): void {
    for (const key of audience.excludes) {
      const excluded = this.#policies.audiences.get(key);
      if (!excluded) continue;
      this.#change(personId, excluded, { kind: 'remove', ...this.#orderOf(event), reason: 'excluded', arm: this.#armOf(excluded, personId) });
    }
  }

  #orderOf(event: HeadgateEvent): { eventId: string; occurredAt: number } {
    return { eventId: event.eventId, occurredAt: event.occurredAt };
  }

  #armOf(audience: Audience, personId: string): Arm {
    return audience.holdout > 0 && this.#holdoutPosition(audience.key, personId) < audience.holdout ? 'holdout' : 'treatment';
  }

  #membership(personId: string, audienceKey: string): Membership | undefined {
    const key = membershipKey(personId, audienceKey);
    return this.#memberships.get(key) ?? this.#loaded.memberships.get(key);
  }

  #change(personId: string, audience: Audience, change: Change): ChangeOutcome | undefined {
    const before = this.#membership(personId, audience.key);
    const decided = decide(before, change);
    if (!decided) return undefined;
    if (!decided.changed) return decided.outcome;
    this.#memberships.set(membershipKey(personId, audience.key), { personId, audienceKey: audience.key, ...decided.membership });
    if (before && before.eventId !== decided.membership.eventId && before.state === 'in') this.#ended.add(before.eventId);
    const explicit = change.kind === 'remove' && change.reason !== 'excluded';
    this.#deliver(personId, audience, decided.membership, { explicit, identifiersChanged: false });
    return decided.outcome;
  }

  #deliver(
    personId: string,
    audience: Audience,
    membership: Membership,
    decision: { explicit: boolean; identifiersChanged: boolean },
  ): void {
    for (const target of audience.targets) {
      const key = deliveryKey(personId, target);
      const next = deliveryAfter(
        this.#deliveries.get(key) ?? this.#loaded.deliveries.get(key),
        wantedAtPlatforms(membership, (this.#persons.get(personId) ?? this.#loaded.persons.get(personId))?.consent),
        decision,
      );
      if (!next) continue;
      this.#deliveries.set(key, { personId, target, ...next });
      this.#wakes.set(targetKey(target), { destination: target.destination, audienceKey: target.audienceKey });
    }
  }

  /** A new identifier of a person is pushed to the audiences that they are in, so that the platform can match it; a changed consent may take them out of all, or back in. */
  #learn(event: HeadgateEvent, personId: string): void {
    const known = this.#persons.get(personId) ?? this.#loaded.persons.get(personId) ?? NOBODY;
    const next = learnFromEvent(known, event);
    if (next === known) return;
    this.#persons.set(personId, next);
    if (known === NOBODY || !changesPushes(known, next)) return;
    for (const audience of this.#policies.audiences.values()) {
      const membership = this.#membership(personId, audience.key);
      if (membership) this.#deliver(personId, audience, membership, { explicit: false, identifiersChanged: true });
    }
  }

  #describe(status: ChangeOutcome, personId: string, audienceKey: string): Decision {
    const membership = this.#membership(personId, audienceKey);
    const decision: Decision = { status, personId, audience: membership?.state ?? 'out' };
    if (membership?.state === 'in' && membership.expiresAt !== null) decision.until = membership.expiresAt;
    return decision;
  }
}
