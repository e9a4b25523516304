/** A batch folded in order of arrival: decisions, deliveries, wakes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deliveryKey, foldBatch, membershipKey, type BatchItem, type FoldedBatch, type LoadedBatch } from '../../src/domain/fold-batch.ts';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { CART, CROSS_SELL, DAY, loadedAfter, makeAudience, makeEvent, makeLoaded, makePolicies } from '../support/events.ts';
import { holds } from '../support/property.ts';

const T = 1_764_000_000_000;
const target = { destination: 'meta_main', audienceKey: CART };
const at = (time: number, overrides: Partial<HeadgateEvent> = {}): HeadgateEvent => makeEvent({ occurredAt: time, receivedAt: Math.max(T, time), ...overrides });
const withoutAudience = (event: HeadgateEvent): HeadgateEvent => {
  delete event.audienceKey;
  return event;
};
const items = (...events: HeadgateEvent[]): BatchItem[] => events.map((event) => ({ kind: 'event', event, personId: 'p1' }));
const fold = (batch: readonly BatchItem[], loaded: LoadedBatch = makeLoaded(), policies = makePolicies(), position = 0.5): FoldedBatch => foldBatch(batch, loaded, policies, () => position);
const membershipOf = (folded: FoldedBatch, key: string): string | undefined => folded.memberships.find(({ audienceKey }) => audienceKey === key)?.state;

test('an add wants the person in at each target, and wakes its sync', () => {
  const folded = fold(items(at(T)));
  expect(folded.outcomes).toMatchObject([{ kind: 'decided', decision: { status: 'applied', audience: 'in', until: T + 7 * DAY } }]);
  expect(folded.deliveries).toMatchObject([{ personId: 'p1', wanted: 'in', status: 'pending', revision: 1 }]);
  expect(folded.wakes).toEqual([target]);
});

test('an add and its removal in one batch leave one delivery, wanted out', () => {
  const folded = fold(items(at(T), at(T + 1, { name: 'cio.audience_remove' })));
  expect(folded.deliveries).toMatchObject([{ wanted: 'out', revision: 2 }]);
  expect(folded.ended).toHaveLength(1);
});

test('the same event twice in one batch is decided once', () => {
  const event = at(T);
  const folded = fold(items(event, event));
  expect(folded.outcomes.map(({ kind }) => kind)).toEqual(['decided', 'duplicate']);
  expect(folded.decided).toHaveLength(1);
});

test('an event id that comes again for another audience is a conflict and changes nothing', () => {
  const event = at(T);
  const folded = fold(items(event, { ...event, audienceKey: CROSS_SELL }));
  expect(folded.outcomes[1]).toEqual({ kind: 'conflict', known: { name: event.name, audienceKey: CART, source: 'demo' } });
  expect(membershipOf(folded, CROSS_SELL)).toBeUndefined();
});

describe('excludes', () => {
  test('entering cross-sell leaves the cart audience', () => {
    const folded = fold(items(at(T), at(T + 1, { audienceKey: CROSS_SELL })));
    expect([membershipOf(folded, CART), membershipOf(folded, CROSS_SELL)]).toEqual(['out', 'in']);
  });
  test('an add that is over on arrival still takes the person out of what it excludes', () => {
    const folded = fold(items(at(T - 20 * DAY), at(T - 15 * DAY, { audienceKey: CROSS_SELL })), makeLoaded(), makePolicies([
      makeAudience({ key: CART, windowMs: null }),
      makeAudience({ key: CROSS_SELL, windowMs: 14 * DAY, excludes: [CART] }),
    ]));
    expect([membershipOf(folded, CART), membershipOf(folded, CROSS_SELL)]).toEqual(['out', 'out']);
  });
  test('somebody who was never in the excluded audience is not removed at the platform', () => {
    const folded = fold(items(at(T, { audienceKey: CROSS_SELL })));
    expect(folded.deliveries.map((delivery) => delivery.target.audienceKey)).toEqual([CROSS_SELL]);
  });
});

test('a removal that the operator sent is pushed also for a stranger', () => {
  expect(fold(items(at(T, { name: 'cio.audience_remove' }))).deliveries).toMatchObject([{ wanted: 'out', status: 'pending' }]);
});

test('somebody who is held out is decided and timed, and never pushed', () => {
  const folded = fold(items(at(T)), makeLoaded(), makePolicies([makeAudience({ key: CART, holdout: 0.6 })]), 0.5);
  expect(folded.outcomes).toMatchObject([{ decision: { status: 'held_out', until: T + 7 * DAY } }]);
  expect(folded.memberships).toMatchObject([{ state: 'in', arm: 'holdout' }]);
  expect(folded.deliveries).toEqual([]);
});

describe('other shares of a holdout', () => {
  const policiesWith = (holdout: number) => makePolicies([makeAudience({ key: CART, holdout })]);
  const rearm: BatchItem = { kind: 'rearm', personId: 'p1', audienceKey: CART, at: T + DAY };
  const statuses = ({ outcomes }: FoldedBatch): string[] => outcomes.map((outcome) => (outcome.kind === 'decided' ? outcome.decision.status : outcome.kind));

  test('move a member into the holdout and back, once each, with a row and a push, and leave the window', () => {
    const entered = loadedAfter(makeLoaded(), fold(items(at(T)), makeLoaded(), policiesWith(0)));
    const held = fold([rearm, rearm], entered, policiesWith(0.6));
    expect(statuses(held)).toEqual(['applied', 'superseded']);
    expect(held.memberships).toMatchObject([{ state: 'in', arm: 'holdout', expiresAt: T + 7 * DAY, revision: 2 }]);
    expect(held.deliveries).toMatchObject([{ wanted: 'out', status: 'pending', revision: 2 }]);
    expect(held.broughtAbout).toMatchObject([{ name: 'headgate.rearmed', outcome: 'held_out', arm: 'holdout', occurredAt: T + DAY }]);
    expect([held.ended, held.wakes]).toEqual([[], [target]]);
    const back = fold([rearm], loadedAfter(entered, held), policiesWith(0));
    expect(back.deliveries).toMatchObject([{ wanted: 'in', status: 'pending', revision: 3 }]);
    expect(back.broughtAbout).toMatchObject([{ outcome: 'entered', arm: 'treatment' }]);
    expect(new Set([...held.broughtAbout, ...back.broughtAbout].map(({ exposureId }) => exposureId)).size).toBe(2);
  });

  test('leave alone who is out, who was never in, and whose arm is right', () => {
    const gone = loadedAfter(makeLoaded(), fold(items(at(T), at(T + 1, { name: 'cio.audience_remove' }))));
    for (const [loaded, share] of [[gone, 0.6], [makeLoaded(), 0.6], [loadedAfter(makeLoaded(), fold(items(at(T)))), 0.4]] as const) {
      const folded = fold([rearm], loaded, policiesWith(share));
      expect(statuses(folded)).toEqual(['superseded']);
      expect([folded.memberships, folded.deliveries, folded.broughtAbout, folded.wakes]).toEqual([[], [], [], []]);
    }
  });
});

test('a denial of consent in an add takes the person out', () => {
  const first = fold(items(at(T)));
  const folded = fold(items(at(T + 1, { consent: { ad_user_data: 'denied' } })), loadedAfter(makeLoaded(), first));
  expect(folded.memberships).toMatchObject([{ state: 'out', reason: 'consent_denied' }]);
  expect(folded.deliveries).toMatchObject([{ wanted: 'out' }]);
});

test('a new e-mail of somebody who is in is pushed again', () => {
  const loaded = loadedAfter(makeLoaded(), fold(items(at(T))));
  const folded = fold(items(at(T + 1, { name: 'cio.exposure', identifiers: { meta: [{ type: 'EMAIL', value: 'another' }] } })), loaded);
  expect(folded.deliveries).toMatchObject([{ wanted: 'in', status: 'pending', revision: 2 }]);
});

test('a test send decides nothing', () => {
  const folded = fold(items(at(T, { test: true })));
  expect(folded.outcomes).toMatchObject([{ decision: { status: 'test', personId: null } }]);
  expect([folded.memberships, folded.deliveries, folded.wakes]).toEqual([[], [], []]);
});

test('an audience that this process does not know is reported, not dropped', () => {
  expect(fold(items(at(T, { audienceKey: 'another_v1' }))).outcomes).toEqual([{ kind: 'unknown_audience', audienceKey: 'another_v1' }]);
});

test('a window that ends acts once, and only for the event that armed it', () => {
  const event = at(T);
  const loaded = loadedAfter(makeLoaded(), fold(items(event)));
  const expiry: BatchItem = { kind: 'expire', personId: 'p1', audienceKey: CART, eventId: event.eventId, at: T + 7 * DAY };
  const folded = fold([expiry, expiry, { ...expiry, eventId: 'another' }], loaded);
  expect(folded.outcomes.map((outcome) => (outcome.kind === 'decided' ? outcome.decision.status : outcome.kind))).toEqual(['applied', 'superseded', 'superseded']);
  expect(folded.deliveries).toMatchObject([{ wanted: 'out', revision: 2 }]);
});

const anyEvent = fc
  .record({ time: fc.integer({ min: 0, max: 3 }), removal: fc.boolean(), key: fc.constantFrom(CART, CROSS_SELL), id: fc.stringMatching(/^[a-d]{1,2}$/) })
  .map(({ time, removal, key, id }) => at(T + time, { eventId: id, name: removal ? 'cio.audience_remove' : 'cio.audience_add', audienceKey: key }));
const anyEvents = fc.uniqueArray(anyEvent, { selector: ({ eventId }) => eventId, minLength: 1, maxLength: 7 });

const endOf = (loaded: LoadedBatch): unknown =>
  [CART, CROSS_SELL].map((key) => {
    const membership = loaded.memberships.get(membershipKey('p1', key));
    const delivery = loaded.deliveries.get(deliveryKey('p1', { destination: 'meta_main', audienceKey: key }));
    return [membership?.state ?? 'out', membership?.eventId, delivery?.wanted ?? 'out'];
  });

test('any order and any cut into batches ends with the same memberships and the same wishes at the platform', async () => {
  await holds(
    fc.property(anyEvents.chain((set) => fc.tuple(fc.constant(set), fc.shuffledSubarray(set, { minLength: set.length }), fc.integer({ min: 1, max: 7 }))), ([set, shuffled, size]) => {
      const whole = loadedAfter(makeLoaded(), fold(items(...set)));
      let cut = makeLoaded();
      for (let from = 0; from < shuffled.length; from += size) cut = loadedAfter(cut, fold(items(...shuffled.slice(from, from + size)), cut));
      expect(endOf(cut)).toEqual(endOf(whole));
    }),
  );
});

describe('consent', () => {
  type Said = 'granted' | 'denied' | undefined;
  const exposure = (time: number, said: Said): HeadgateEvent => {
    return withoutAudience(at(time, { name: 'cio.exposure', ...(said ? { consent: { ad_user_data: said } } : {}) }));
  };
  const add = (time: number, said: Said): HeadgateEvent => at(time, said ? { consent: { ad_user_data: said } } : {});

  test('denied anywhere takes a person out of an audience that the event does not name, and granted brings them back', () => {
    const first = fold(items(add(T, undefined)));
    const loaded = loadedAfter(makeLoaded(), first);
    const denied = fold(items(exposure(T + 1, 'denied')), loaded);
    expect(denied.deliveries).toMatchObject([{ target: { audienceKey: CART }, wanted: 'out', status: 'pending' }]);
    expect(denied.memberships).toEqual([]);
    const granted = fold(items(exposure(T + 2, 'granted')), loadedAfter(loaded, denied));
    expect(granted.deliveries).toMatchObject([{ target: { audienceKey: CART }, wanted: 'in', status: 'pending' }]);
  });
  test('an add without a word on consent does not push somebody who denied it', () => {
    expect(fold(items(exposure(T, 'denied'), add(T + 1, undefined))).deliveries.filter(({ wanted }) => wanted === 'in')).toEqual([]);
  });
  test('denied in the same batch as the add of somebody of whom nothing else is known takes them out', () => {
    const bare = { person: { customerId: 'c_1' }, identifiers: {} };
    expect(fold(items(at(T, bare), withoutAudience(at(T + 1, { ...bare, name: 'cio.exposure', consent: { ad_user_data: 'denied' } })))).deliveries).toMatchObject([{ wanted: 'out' }]);
  });
  test('any order of adds, removals and consents ends as the newest of each says', async () => {
    const kind = fc.constantFrom('add', 'remove', 'exposure');
    const step = fc.record({ kind, said: fc.constantFrom<Said>('granted', 'denied', undefined) });
    await holds(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }).chain((steps) => fc.tuple(fc.constant(steps), fc.shuffledSubarray([...steps.keys()], { minLength: steps.length }))), ([steps, order]) => {
        const events = steps.map(({ kind: name, said }, time) => {
          if (name === 'exposure') return exposure(T + time, said);
          return name === 'add' ? add(T + time, said) : at(T + time, { name: 'cio.audience_remove' });
        });
        const folded = fold(items(...order.map((index) => events[index]!)));
        const decides = steps.findLast(({ kind: name }) => name !== 'exposure');
        const consent = steps.findLast(({ kind: name, said }) => said !== undefined && name !== 'remove')?.said;
        const wanted = decides?.kind === 'add' && decides.said !== 'denied' && consent !== 'denied';
        expect(folded.deliveries.some((delivery) => delivery.wanted === 'in')).toBe(wanted);
      }),
    );
  });
});

describe('an e-mail that went to another customer', () => {
  const one = (event: HeadgateEvent, personId: string, emailFrom?: string): BatchItem => ({ kind: 'event', event, personId, ...(emailFrom === undefined ? {} : { emailFrom }) });
  const known = loadedAfter(makeLoaded(), fold([one(at(T), 'a')]));

  test('is taken from the one and removed for the other, who is not in', () => {
    const folded = fold([one(withoutAudience(at(T + 1, { name: 'cio.exposure' })), 'b', 'a')], known);
    expect(folded.persons.get('a')).toMatchObject({ today: { meta: [] }, former: { meta: [{ type: 'EMAIL' }] } });
    expect(folded.deliveries).toMatchObject([{ personId: 'a', wanted: 'in', status: 'pending', revision: 2 }, { personId: 'b', wanted: 'out', status: 'pending' }]);
    expect(folded.outdated).toEqual([{ personId: 'a', ...target }]);
    expect(folded.wakes).toEqual([target]);
  });
  test('is not removed for the other who is in', () => {
    const folded = fold([one(at(T + 1), 'b', 'a')], known);
    expect(folded.deliveries).toMatchObject([{ personId: 'b', wanted: 'in' }, { personId: 'a', wanted: 'in', revision: 2 }]);
  });
  test('leaves alone the targets of platforms that it is not known to', () => {
    const folded = fold([one(withoutAudience(at(T + 1, { name: 'cio.exposure', identifiers: { google: [{ type: 'emailAddress', value: 'x' }] } })), 'b', 'a')], known);
    expect(folded.deliveries).toEqual([]);
  });
  test('is not learned from an older event of the one', () => {
    const folded = fold([{ kind: 'event', event: at(T), personId: 'a', emailIsOthers: true }]);
    expect(folded.persons.get('a')).toMatchObject({ today: { meta: [] }, former: { meta: [{ type: 'EMAIL' }] } });
  });
});

test('a superseded removal that the operator sent is pushed where nothing ever was', () => {
  const loaded = loadedAfter(makeLoaded(), fold(items(at(T + 1, { audienceKey: CROSS_SELL }))));
  const folded = fold(items(at(T, { name: 'cio.audience_remove' })), loaded);
  expect(folded.outcomes).toMatchObject([{ decision: { status: 'superseded' } }]);
  expect(folded.deliveries).toMatchObject([{ target: { audienceKey: CART }, wanted: 'out', status: 'pending' }]);
});

test('a rejected removal is pushed again when the person has new identifiers', () => {
  const known = fold(items(at(T), at(T + 1, { name: 'cio.audience_remove' })));
  const rejected = { ...known, deliveries: known.deliveries.map((delivery) => ({ ...delivery, status: 'rejected' as const })) };
  const loaded = loadedAfter(makeLoaded(), rejected);
  const moved = withoutAudience(at(T + 2, { name: 'cio.exposure', identifiers: { meta: [{ type: 'EMAIL', value: 'another' }] } }));
  expect(fold(items(moved), loaded).deliveries).toMatchObject([{ wanted: 'out', status: 'pending', revision: 3 }]);
});
