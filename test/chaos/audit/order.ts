/** Promise 4: while a removal waits, no call with adds begins at its target. */
import { TARGETS } from '../audiences.ts';
import type { PushRow } from '../evidence.ts';
import type { Case, SentEvent } from './case.ts';
import type { Group } from '../oracle.ts';
import type { PlannedEvent } from '../traffic-plan.ts';
import type { Findings } from './findings.ts';
import { disturbedMs } from './memberships.ts';

/** A removal that was decided by an answer of the door, so that it waited from then on at the latest. */
interface Removal {
  person: string;
  audience: string;
  since: number;
  /** When the ledger decided it, which a call may have carried long before the answer arrived. */
  decidedAt: number;
  /** When events were applied that say more of who this is: a removal of somebody by whose identifiers no platform goes has nobody to wait for until then. */
  namedAt: readonly number[];
}

/**
 * One call with adds may have been put together before the removal was decided; a second one, begun after the first had ended,
 * has passed it by, unless it is the one call in five that adds keep (decisions/0013). Times when a worker or a server was not well are left out: a worker that slept may call with what it had read before.
 */
export function auditOrder(file: Case, findings: Findings): void {
  const ofGroup = Map.groupBy(file.taken, ({ eventId = '' }) => file.groupOf.get(eventId));
  const removals = file.taken.flatMap((event) => removalOf(file, event, ofGroup) ?? []);
  const unwell = file.evidence.disturbances.filter(({ kind, victim }) => kind !== 'fault' && !/^(api|sandbox)/.test(victim));
  for (const { destination, audience } of TARGETS) {
    const pushes = file.evidence.ledger.pushes
      .filter((push) => push.destination === destination && push.audience_key === audience.key)
      .sort((a, b) => a.started_at.getTime() - b.started_at.getTime());
    const own = removals.filter((removal) => removal.audience === audience.key);
    for (const [push, last] of carriers(file, own, pushes)) {
      const { since } = last;
      const started = push.started_at.getTime();
      if (disturbedMs(unwell, since, started) > 0) continue;
      const adds = pushes.filter((one) => one.operation === 'add' && one.started_at.getTime() > since && one.started_at.getTime() < started);
      const passed = adds.filter((one) => adds.some(({ finished_at: ended }) => ended !== null && ended < one.started_at) && !hasItsTurn(pushes, one));
      findings.check(4, passed.length > 0 && `a removal at ${destination}/${audience.key} waited ${((started - since) / 1_000).toFixed(1)} s, while ${String(passed.length)} calls with adds were begun`);
    }
  }
}

const CALLS_OF_REMOVALS = 4;

function hasItsTurn(pushes: readonly PushRow[], add: PushRow): boolean {
  const at = pushes.indexOf(add);
  return at >= CALLS_OF_REMOVALS && pushes.slice(at - CALLS_OF_REMOVALS, at).every(({ operation }) => operation === 'remove');
}

function removalOf(file: Case, { planned, acks, row, eventId = '' }: SentEvent, ofGroup: ReadonlyMap<Group | undefined, readonly SentEvent[]>): Removal | undefined {
  if (planned.event !== 'cio.audience_remove' || planned.audience === undefined) return undefined;
  // A duplicate's answer tells the first decision: it had been made by then.
  const decided = acks.find(({ answer }) => answer['status'] === 'applied' || answer['first'] === 'applied');
  const group = file.groupOf.get(eventId);
  const person = group && file.personOf(group);
  const namedAt = (ofGroup.get(group) ?? []).flatMap((other) => (other.row && saysMore(other.planned.who, planned.who) ? [other.row.applied_at.getTime()] : []));
  return decided && row && person !== undefined ? { person, audience: planned.audience, since: decided.endedAt, decidedAt: row.applied_at.getTime(), namedAt } : undefined;
}

const saysMore = (who: PlannedEvent['who'], than: PlannedEvent['who']): boolean => (['customer_id', 'cio_id', 'email'] as const).some((field) => who[field] !== undefined && who[field] !== than[field]);

/** Calls with removals, each with the newest decision that it may have carried; only the first call of a person after a decision is its: later ones repeat it. */
function carriers(file: Case, removals: readonly Removal[], pushes: readonly PushRow[]): [PushRow, Removal][] {
  const found: [PushRow, Removal][] = [];
  for (const [person, own] of Map.groupBy(removals, (removal) => removal.person)) {
    const theirs = pushes.filter((push) => push.person_ids.some((id) => file.survivorOf(id) === person));
    for (const [index, push] of theirs.entries()) {
      const before = theirs[index - 1]?.started_at.getTime() ?? 0;
      const newest = own.filter(({ since }) => since < push.started_at.getTime()).sort((a, b) => b.since - a.since)[0];
      const isNamedLater = newest?.namedAt.some((at) => at > newest.decidedAt && at < push.started_at.getTime());
      if (push.operation === 'remove' && newest && newest.decidedAt > before && !isNamedLater) found.push([push, newest]);
    }
  }
  return found;
}
