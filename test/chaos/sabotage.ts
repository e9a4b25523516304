/**
 * Ten ways to break a promise on purpose, one each, to show that the auditor sees it. They wrap a part of a process before it
 * runs; nothing in src/ knows of them.
 */
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { PlatformFailure } from '../../src/domain/failures.ts';
import type { Destination, Platform, PreparedCall, PushAnswer } from '../../src/destinations/destination.ts';
import type { Applicable, Applied, Ledger, PendingMember } from '../../src/ledger/index.ts';
import type { Parts } from '../../src/wiring.ts';
import type { PromiseNumber } from './audit/findings.ts';

type Role = 'api' | 'worker';

/** What is done instead. */
export const SABOTAGES: Readonly<Record<PromiseNumber, string>> = {
  1: 'the door answers 200 and drops one event in ten',
  2: 'a repeated event is decided anew under another id',
  3: 'the order of arrival decides, not the time of the event',
  4: 'adds are pushed before removals',
  5: 'windows never end',
  6: 'a platform that fails once is given up',
  7: 'one refused row refuses its whole call',
  8: 'a 200 is believed',
  9: 'the raw e-mail travels on with the hashes',
  10: 'events are kept in memory for a second before they are stored',
};

/** Wraps the parts of a process; to be called before they are started. */
export async function sabotage(promise: PromiseNumber, role: Role, parts: Parts): Promise<void> {
  const { ledger } = parts;
  const applyEvents = (instead: (items: readonly Applicable[]) => Promise<Applied>): void => void (parts.ledger = { ...ledger, applyEvents: instead });
  const inTheApi = role === 'api';
  switch (promise) {
    case 1:
      if (inTheApi) {
        applyEvents(dropSome(ledger));
        dropFromLifeboats(parts.gateway);
      }
      return;
    case 2:
      if (inTheApi) applyEvents(decideAnew(ledger));
      return;
    case 3:
      if (inTheApi) applyEvents((items) => ledger.applyEvents(items.map(asOfArrival)));
      return;
    case 4:
      parts.ledger = { ...ledger, loadPending: addsFirst(ledger) };
      return;
    case 5:
      await parts.sweep.stop();
      applyEvents(neverExpire(ledger));
      return;
    case 6:
      wrapCalls(parts, giveUp);
      return;
    case 7:
      wrapCalls(parts, refuseAll);
      return;
    case 8:
      wrapCalls(parts, believe);
      return;
    case 9:
      for (const { platform } of parts.registry.destinations.values()) if (inTheApi) addRawEmail(platform);
      return;
    case 10:
      if (inTheApi) applyEvents(storeLater(parts));
  }
}

/** What should be done at once is done so much later. Milliseconds. */
const LATER_MS = 1_000;
const DROPPED_OF = 10;
/** What the door says of an event that nobody has decided. */
const PRETENDED: Applied['outcomes'][number] = { kind: 'decided', decision: { status: 'applied', personId: null } };

/** The same events each time, whichever way they go. */
const isDropped = ({ eventId }: HeadgateEvent): boolean => Number.parseInt(eventId.slice(0, 8), 16) % DROPPED_OF === 0;

function dropFromLifeboats(gateway: Parts['gateway']): void {
  const launch = gateway.launchLifeboat.bind(gateway);
  gateway.launchLifeboat = (batch) => launch({ ...batch, events: batch.events.filter((event) => !isDropped(event)) });
}

function dropSome(ledger: Ledger) {
  return async (items: readonly Applicable[]): Promise<Applied> => {
    const dropped = items.map((item) => item.kind === 'event' && isDropped(item.event));
    const { outcomes, wakes } = await ledger.applyEvents(items.filter((_, index) => !dropped[index]));
    const left = [...outcomes];
    return { outcomes: dropped.map((one) => (one ? PRETENDED : (left.shift() ?? PRETENDED))), wakes };
  };
}

function decideAnew(ledger: Ledger) {
  return async (items: readonly Applicable[]): Promise<Applied> => {
    const applied = await ledger.applyEvents(items);
    const again = items.flatMap((item, index): Applicable[] => (item.kind === 'event' && applied.outcomes[index]?.kind === 'duplicate' ? [{ ...item, event: { ...item.event, eventId: `${item.event.eventId}~again` } }] : []));
    await ledger.applyEvents(again);
    return applied;
  };
}

const asOfArrival = (item: Applicable): Applicable => (item.kind === 'event' ? { ...item, event: { ...item.event, occurredAt: item.event.receivedAt } } : item);

/** Milliseconds. */
const HELD_BACK_MS = 4_000;

/** Removals go once no adds are left, and none has come for a while. */
function addsFirst(ledger: Ledger): Ledger['loadPending'] {
  const lastAdds = new Map<string, number>();
  return async (target, limit, options) => {
    const pending = await ledger.loadPending(target, limit, options);
    if (pending.operation !== 'remove') return pending;
    const { rows } = await ledger.connection.use((client) =>
      client.query<PendingMember>(
        `select d.person_id as "personId", d.revision, p.customer_id as "customerId", p.today, p.former, p.consent, d.batch, null as change,
                extract(epoch from d.pending_since)::float8 * 1000 as "pendingSince" from deliveries d join persons p using (person_id)
         where d.destination = $1 and d.audience_key = $2 and d.wanted = 'in' and d.status = 'pending' order by d.pending_since limit $3`,
        [target.destination, target.audienceKey, limit],
      ),
    );
    const key = `${target.destination}/${target.audienceKey}`;
    if (rows.length > 0) {
      lastAdds.set(key, Date.now());
      return { operation: 'add', members: rows, gatherMs: 0 };
    }
    return Date.now() - (lastAdds.get(key) ?? 0) < HELD_BACK_MS ? { operation: 'none', members: [], gatherMs: 0 } : pending;
  };
}

const neverExpire = (ledger: Ledger) => async (items: readonly Applicable[]): Promise<Applied> => {
  const { outcomes, wakes } = await ledger.applyEvents(items.filter(({ kind }) => kind === 'event'));
  const left = [...outcomes];
  return { outcomes: items.map(({ kind }) => (kind === 'expire' ? PRETENDED : (left.shift() ?? PRETENDED))), wakes };
};

/** Makes another answer of what a call came to. */
type Instead = (call: PreparedCall, answer: PushAnswer | PlatformFailure) => PushAnswer;

function wrapCalls(parts: Parts, instead: Instead): void {
  parts.destinations = new Map([...parts.destinations].map(([name, destination]) => [name, wrapDestination(destination, instead)]));
}

const wrapDestination = (destination: Destination, instead: Instead): Destination => ({
  ...destination,
  prepare: (...given) => {
    const call = destination.prepare(...given);
    return { ...call, send: async (signal) => instead(call, await call.send(signal).catch(asFailure)) };
  },
});

function asFailure(error: unknown): PlatformFailure {
  if (error instanceof PlatformFailure) return error;
  throw error;
}

const allOf = ({ carries }: PreparedCall, answer: PushAnswer['members'][number]): PushAnswer => ({ members: carries.map(() => answer), restMs: 0 });

const giveUp: Instead = (call, answer) => {
  if (!(answer instanceof PlatformFailure)) return answer;
  if (answer.report.kind === 'invalid_row') throw answer;
  return allOf(call, { status: 'rejected', reason: answer.report.cause });
};

const refuseAll: Instead = (call, answer) => {
  if (answer instanceof PlatformFailure) {
    if (answer.report.kind === 'invalid_row') return allOf(call, { status: 'rejected', reason: answer.report.cause });
    throw answer;
  }
  const refused = answer.members.find(({ status }) => status === 'rejected');
  return refused ? allOf(call, refused) : answer;
};

/** Everything that is no refusal of the whole call by its status counts as delivered. */
const believe: Instead = (call, answer) => {
  if (answer instanceof PlatformFailure && answer.report.kind !== 'invalid_row') throw answer;
  return allOf(call, { status: 'accepted' });
};

function addRawEmail(platform: Platform): void {
  const { identify } = platform;
  Object.assign(platform, {
    identify: (person: Parameters<typeof identify>[0]) => {
      const identification = identify(person);
      const { email } = person;
      return email === undefined ? identification : { ...identification, identifiers: [...identification.identifiers, { type: 'RAW', value: email, normalised: email }] };
    },
  });
}

const storeLater = ({ ledger, waker }: Parts) => (items: readonly Applicable[]): Promise<Applied> => {
  const store = async (): Promise<void> => {
    waker.wake((await ledger.applyEvents(items)).wakes);
  };
  setTimeout(() => void store().catch(() => undefined), LATER_MS);
  return Promise.resolve({ outcomes: items.map(() => PRETENDED), wakes: [] });
};
