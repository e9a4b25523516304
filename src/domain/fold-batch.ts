/**
 * Folds a batch of events, in order of arrival, into what the ledger has to store. Pure: everything that the batch touches
 * is loaded before and stored after, so no statement is needed per event.
 */
import type { Decision, HeadgateEvent } from './event.ts';
import { conflictsWith, isDenied, isNews, type UsedFor } from './event.ts';
import type { Delivery } from './delivery.ts';
import { deliveryAfter } from './delivery.ts';
import type { Arm, Change, ChangeOutcome, Membership, MembershipState } from './membership.ts';
import { decide, wantedAtPlatforms } from './membership.ts';
import { endedRow, leftRow, outcomeOfAdd, outcomeOfRemoval, overtakenRow, rearmedRow, type BroughtAbout, type Exposed } from './exposure.ts';
import { CAUSE_OF_ARMS, causeOf } from './guard.ts';
import { armOf, type HoldoutPosition } from './holdout.ts';
import { isOfEmail } from './identifiers.ts';
import type { Resolved } from './identity.ts';
import type { KnownPerson } from './person.ts';
import { changesPushes, learnFromEvent, loseEmail, NOBODY } from './person.ts';
import type { Audience, Policies, Target, TargetRef } from './registry.ts';
import { mayUseAudience, targetKey } from './registry.ts';

/** A person who is in because of the add `eventId`. */
export interface Expiry {
  personId: string;
  audienceKey: string;
  eventId: string;
  /** Milliseconds since the epoch: when it was looked at. */
  at: number;
}

/**
 * What is decided of a person without an event about them. `expire`: the window is over. `rewindow`: the registry has another
 * window now. `retire`: the audience is given up. `erase`: the person is to be forgotten. `reconcile`: every target of the audience gets what the membership wants, also
 * one that was not there when it was decided. `withdraw`: this target is given up, and lets the person go whatever the membership wants.
 * `rearm`: the registry has other shares of holdouts now.
 */
export type Upkeep =
  | (({ kind: 'expire' } | { kind: 'rewindow' } | { kind: 'retire' } | { kind: 'erase' }) & Expiry)
  | { kind: 'reconcile'; personId: string; audienceKey: string }
  | ({ kind: 'rearm' } & Omit<Expiry, 'eventId'>)
  | ({ kind: 'withdraw'; personId: string } & TargetRef);

export type BatchItem = ({ kind: 'event'; event: HeadgateEvent } & Resolved) | Upkeep;

export interface KnownEvent {
  name: string;
  source?: string;
  audienceKey: string | null;
  action?: string | null;
  decision: Decision;
}

/** What became of one item of the batch. */
export type ItemOutcome =
  | { kind: 'decided'; decision: Decision }
  | { kind: 'duplicate'; decision: Decision }
  | { kind: 'conflict'; known: UsedFor }
  /** The audience is not in the registry of the process that applies the event. */
  | { kind: 'unknown_audience'; audienceKey: string };

/** What the ledger knew before the batch. Keys are made by `membershipKey` and `deliveryKey`. */
export interface LoadedBatch {
  events: ReadonlyMap<string, KnownEvent>;
  memberships: ReadonlyMap<string, Membership>;
  deliveries: ReadonlyMap<string, Delivery>;
  persons: ReadonlyMap<string, KnownPerson>;
}

export interface DecidedEvent {
  event: HeadgateEvent;
  decision: Decision;
  exposed: Exposed;
}

export interface FoldedBatch {
  outcomes: ItemOutcome[];
  /** Events decided for the first time, with the person they belong to and what the analyst's row says. */
  decided: DecidedEvent[];
  /** What the batch brought about besides. */
  broughtAbout: BroughtAbout[];
  memberships: ({ personId: string; audienceKey: string } & Membership)[];
  deliveries: ({ personId: string; target: Target } & Delivery)[];
  /** Persons of whom the batch taught something new. */
  persons: Map<string, KnownPerson>;
  /** Deliveries of persons whose e-mail went to somebody else: calls that carried an older revision may have named it. */
  outdated: ({ personId: string } & TargetRef)[];
  /** Adds whose workflows may end early, because a newer decision has replaced them. */
  ended: string[];
  /** Targets that have something to push now. */
  wakes: TargetRef[];
}

export const membershipKey = (personId: string, audienceKey: string): string => `${personId}\n${audienceKey}`;
export const deliveryKey = (personId: string, target: TargetRef): string =>
  `${personId}\n${targetKey(target)}`;

export function foldBatch(items: readonly BatchItem[], loaded: LoadedBatch, policies: Policies, holdoutPosition: HoldoutPosition): FoldedBatch {
  const fold = new Fold(loaded, policies, holdoutPosition);
  const outcomes = items.map((item) => (item.kind === 'event' ? fold.event(item) : fold.upkeep(item)));
  return { outcomes, ...fold.result() };
}

const usedFor = ({ name, audienceKey, action, source }: KnownEvent): UsedFor => ({ name, audienceKey, ...(action ? { action } : {}), ...(source === undefined ? {} : { source }) });

class Fold {
  readonly #loaded: LoadedBatch;
  readonly #policies: Policies;
  readonly #holdoutPosition: HoldoutPosition;
  readonly #decided = new Map<string, DecidedEvent>();
  readonly #broughtAbout: BroughtAbout[] = [];
  readonly #memberships = new Map<string, { personId: string; audienceKey: string } & Membership>();
  readonly #deliveries = new Map<string, { personId: string; target: Target } & Delivery>();
  readonly #persons = new Map<string, KnownPerson>();
  readonly #outdated: FoldedBatch['outdated'] = [];
  readonly #ended = new Set<string>();
  readonly #wakes = new Map<string, TargetRef>();

  constructor(loaded: LoadedBatch, policies: Policies, holdoutPosition: HoldoutPosition) {
    this.#loaded = loaded;
    this.#policies = policies;
    this.#holdoutPosition = holdoutPosition;
  }

  event(item: { event: HeadgateEvent } & Resolved): ItemOutcome {
    const { event } = item;
    const known = this.#known(event.eventId);
    if (known) {
      if (conflictsWith(known, event)) return { kind: 'conflict', known: usedFor(known) };
      return { kind: 'duplicate', decision: known.decision };
    }
    const audience = event.audienceKey === undefined ? undefined : this.#policies.audiences.get(event.audienceKey);
    if (event.audienceKey !== undefined && !audience) return { kind: 'unknown_audience', audienceKey: event.audienceKey };
    const decided = event.test || item.personId === '' ? undecided(event) : this.#decision(event, item, audience);
    this.#decided.set(event.eventId, { event, ...decided });
    return { kind: 'decided', decision: decided.decision };
  }

  upkeep(item: Upkeep): ItemOutcome {
    const { personId, audienceKey } = item;
    const audience = this.#policies.audiences.get(audienceKey);
    // Who is given up with an audience may outlive it in the registry; its targets are then given up too.
    if (!audience && item.kind !== 'retire' && item.kind !== 'erase') return { kind: 'unknown_audience', audienceKey };
    return { kind: 'decided', decision: this.#describe(this.#keepUp(item, audience) ?? 'superseded', personId, audienceKey) };
  }

  #keepUp(item: Upkeep, audience: Audience | undefined): ChangeOutcome | undefined {
    const { personId, audienceKey } = item;
    const targets = audience?.targets ?? [];
    const quiet = { explicit: false, identifiersChanged: false };
    switch (item.kind) {
      case 'expire':
      case 'retire':
      case 'erase':
        return this.#end(item, targets, item);
      case 'rewindow':
        return this.#end(item, targets, { ...item, windowMs: audience?.windowMs ?? null });
      case 'rearm':
        return audience && this.#rearm(item, audience);
      case 'reconcile': {
        const membership = this.#membership(personId, audienceKey);
        return membership && this.#deliver(personId, targets, this.#wanted(personId, membership), quiet) ? 'applied' : undefined;
      }
      case 'withdraw':
        return this.#deliver(personId, targets.filter(({ destination }) => destination === item.destination), 'out', quiet) ? 'applied' : undefined;
    }
  }

  /** Ends a membership without an event about it, or gives it another end. */
  #end({ personId, audienceKey, at }: Expiry, targets: Target[], change: Change): ChangeOutcome | undefined {
    const before = this.#membership(personId, audienceKey);
    const outcome = this.#change(personId, { key: audienceKey, targets }, change);
    const after = this.#membership(personId, audienceKey);
    if (before?.state === 'in' && after?.state === 'out') this.#broughtAbout.push(endedRow(personId, audienceKey, before, after, at));
    return outcome;
  }

  /** Moves a member to the arm that the shares of now give; a row of its own keeps entries and ghosts countable. */
  #rearm({ personId, audienceKey, at }: Omit<Expiry, 'eventId'>, audience: Audience): ChangeOutcome | undefined {
    const outcome = this.#change(personId, audience, { kind: 'rearm', arm: this.#armOf(audience, personId) }, CAUSE_OF_ARMS);
    const after = this.#membership(personId, audienceKey);
    if (outcome === 'applied' && after) this.#broughtAbout.push(rearmedRow(personId, audienceKey, after, at));
    return outcome;
  }

  result(): Omit<FoldedBatch, 'outcomes'> {
    return {
      decided: [...this.#decided.values()],
      broughtAbout: this.#broughtAbout,
      memberships: [...this.#memberships.values()],
      deliveries: [...this.#deliveries.values()],
      persons: this.#persons,
      outdated: this.#outdated,
      ended: [...this.#ended],
      wakes: [...this.#wakes.values()],
    };
  }

  #known(eventId: string): KnownEvent | undefined {
    const inBatch = this.#decided.get(eventId);
    if (!inBatch) return this.#loaded.events.get(eventId);
    const { event, decision } = inBatch;
    return { name: event.name, source: event.source, audienceKey: event.audienceKey ?? null, action: event.action ?? null, decision };
  }

  #decision(event: HeadgateEvent, { personId, emailFrom, emailIsOthers = false }: Resolved, audience: Audience | undefined): Omit<DecidedEvent, 'event'> {
    if (isNews(event)) this.#learn(event, personId, emailIsOthers);
    const decides = audience && event.name.startsWith('cio.audience_');
    const decided = decides ? this.#decideMembership(event, personId, audience) : this.#note(event, personId);
    if (emailFrom !== undefined) this.#takeEmail(event, emailFrom, personId);
    return decided;
  }

  #note(event: HeadgateEvent, personId: string): Omit<DecidedEvent, 'event'> {
    if (event.report?.endsMemberships) this.#leave(event, personId, [...this.#policies.audiences.keys()].filter((key) => mayUseAudience(this.#policies, event.source, key)), 'reported');
    return { decision: { status: 'applied', personId }, exposed: { outcome: event.report ? 'reported' : 'noted' } };
  }

  #decideMembership(event: HeadgateEvent, personId: string, audience: Audience): Omit<DecidedEvent, 'event'> {
    const before = this.#membership(personId, audience.key);
    const denied = isDenied(event.consent);
    const entering = event.name === 'cio.audience_add';
    const outcome = this.#change(
      personId,
      audience,
      entering && !denied
        ? { kind: 'add', ...this.#orderOf(event), receivedAt: event.receivedAt, windowMs: audience.windowMs, arm: this.#armOf(audience, personId) }
        : { kind: 'remove', ...this.#orderOf(event), reason: denied ? 'consent_denied' : 'removed', arm: this.#armOf(audience, personId) },
      denied ? undefined : causeOf(event),
    );
    // Every add to an audience is also a removal from those that it excludes, also when the add itself came too late to count.
    if (entering) this.#leave(event, personId, audience.excludes, 'excluded');
    const after = this.#membership(personId, audience.key);
    if (before?.state === 'in' && after?.reason === 'expired') this.#broughtAbout.push(overtakenRow(personId, audience.key, before, event.receivedAt));
    const decided = outcome ?? 'superseded';
    return {
      decision: this.#describe(decided, personId, audience.key),
      exposed: { outcome: entering && !denied ? outcomeOfAdd(before?.state, decided) : outcomeOfRemoval(before?.state, decided), ...(after ? { reason: after.reason, arm: after.arm } : {}) },
    };
  }

  /** Takes the person out of audiences that the event is not about; older adds that come later do not count then. */
  #leave(event: HeadgateEvent, personId: string, audienceKeys: readonly string[], reason: 'excluded' | 'reported'): void {
    for (const key of audienceKeys) {
      const audience = this.#policies.audiences.get(key);
      if (!audience) continue;
      const before = this.#membership(personId, key);
      const arm = this.#armOf(audience, personId);
      const outcome = this.#change(personId, audience, { kind: 'remove', ...this.#orderOf(event), reason, arm });
      if (before?.state === 'in' && outcome === 'applied') this.#broughtAbout.push(leftRow(personId, key, reason, before.arm, event));
    }
  }

  #orderOf(event: HeadgateEvent): { eventId: string; occurredAt: number } {
    return { eventId: event.eventId, occurredAt: event.occurredAt };
  }

  #armOf(audience: Audience, personId: string): Arm {
    return armOf(audience, personId, this.#holdoutPosition);
  }

  #person(personId: string): KnownPerson | undefined {
    return this.#persons.get(personId) ?? this.#loaded.persons.get(personId);
  }

  #delivery(personId: string, target: TargetRef): Delivery | undefined {
    const key = deliveryKey(personId, target);
    return this.#deliveries.get(key) ?? this.#loaded.deliveries.get(key);
  }

  #membership(personId: string, audienceKey: string): Membership | undefined {
    const key = membershipKey(personId, audienceKey);
    return this.#memberships.get(key) ?? this.#loaded.memberships.get(key);
  }

  /** @param cause under which the guard counts it; absent: it never holds this */
  #change(personId: string, { key: audienceKey, targets }: Pick<Audience, 'key' | 'targets'>, change: Change, cause?: string): ChangeOutcome | undefined {
    const before = this.#membership(personId, audienceKey);
    const decided = decide(before, change);
    if (!decided) return undefined;
    const { membership } = decided;
    const decision = { explicit: change.kind === 'remove' && change.reason !== 'excluded', identifiersChanged: false, ...(cause === undefined ? {} : { cause }) };
    const deliver = (): boolean => this.#deliver(personId, targets, this.#wanted(personId, membership), decision);
    if (!decided.changed) {
      // Superseded, it still asks for a removal of whom another tool may have put there, and for one that the guard holds.
      if (decision.explicit || (change.kind === 'remove' && membership.state === 'out')) deliver();
      return decided.outcome;
    }
    this.#memberships.set(membershipKey(personId, audienceKey), { personId, audienceKey, ...membership });
    // The workflow of an add that expires ends by itself.
    if (before?.state === 'in' && (before.eventId !== membership.eventId || (membership.state === 'out' && change.kind !== 'expire'))) this.#ended.add(before.eventId);
    deliver();
    return decided.outcome;
  }

  #wanted(personId: string, membership: Membership): MembershipState {
    return wantedAtPlatforms(membership, this.#person(personId)?.consent);
  }

  /** Returns whether anything has to be pushed. */
  #deliver(personId: string, targets: readonly Target[], wanted: MembershipState, decision: Parameters<typeof deliveryAfter>[2]): boolean {
    let changed = false;
    for (const target of targets) {
      const next = deliveryAfter(this.#delivery(personId, target), wanted, decision);
      if (!next) continue;
      changed = true;
      this.#push(personId, target, next);
    }
    return changed;
  }

  #push(personId: string, target: Target, delivery: Delivery): void {
    this.#deliveries.set(deliveryKey(personId, target), { personId, target, ...delivery });
    this.#wakes.set(targetKey(target), { destination: target.destination, audienceKey: target.audienceKey });
  }

  /** A new identifier of a person is pushed to the audiences that they are in, so that the platform can match it; a changed consent may take them out of all, or back in. */
  #learn(event: HeadgateEvent, personId: string, emailIsOthers: boolean): void {
    const before = this.#person(personId);
    const known = before ?? NOBODY;
    const learned = learnFromEvent(known, event);
    const next = emailIsOthers ? loseEmail(learned, event.identifiers) : learned;
    if (next === before) return;
    this.#persons.set(personId, next);
    if (!before || !changesPushes(known, next)) return;
    for (const audience of this.#policies.audiences.values()) {
      const membership = this.#membership(personId, audience.key);
      if (membership) this.#deliver(personId, audience.targets, this.#wanted(personId, membership), { explicit: false, identifiersChanged: true });
    }
  }

  /**
   * The event's e-mail has gone from one customer to another. Wherever the one was, the platform may hold the e-mail, and may keep it
   * only where the other is in. So the other is removed wherever they are not, which takes the e-mail out, and the one is pushed again
   * without it where they are in (after a removal, so are all who share an identifier).
   */
  #takeEmail(event: HeadgateEvent, from: string, to: string): void {
    const known = this.#person(from);
    const next = known && loseEmail(known, event.identifiers);
    if (next && next !== known) this.#persons.set(from, next);
    for (const target of [...this.#policies.audiences.values()].flatMap((audience) => audience.targets)) {
      const platform = this.#policies.destinations.get(target.destination)?.platform ?? '';
      const before = this.#delivery(from, target);
      if (!before || !event.identifiers[platform]?.some(isOfEmail)) continue;
      this.#outdated.push({ personId: from, destination: target.destination, audienceKey: target.audienceKey });
      if (before.wanted === 'in') this.#push(from, target, { ...before, status: 'pending', revision: before.revision + 1 });
      const own = this.#delivery(to, target);
      if (own?.wanted !== 'in') this.#push(to, target, { wanted: 'out', status: 'pending', revision: (own?.revision ?? 0) + 1 });
    }
  }

  #describe(status: ChangeOutcome, personId: string, audienceKey: string): Decision {
    const membership = this.#membership(personId, audienceKey);
    const decision: Decision = { status, personId, audience: membership?.state ?? 'out' };
    if (membership?.state === 'in' && membership.expiresAt !== null) decision.until = membership.expiresAt;
    return decision;
  }
}

/** Of a preview, and of a report that names nobody: its row is all. */
const undecided = (event: HeadgateEvent): Omit<DecidedEvent, 'event'> => ({
  decision: { status: event.test ? 'test' : 'applied', personId: null },
  exposed: { outcome: event.report ? 'reported' : 'noted' },
});
