/** What is a wave, and what never is. */
import { describe, expect, test } from 'vitest';
import { deliveryAfter } from '../../src/domain/delivery.ts';
import { causeOf, describeHold, isSuspicious, judgeWave, membersNeeded, singlesLeft, type CauseCount, type GuardPolicy } from '../../src/domain/guard.ts';

const POLICY: GuardPolicy = { removals: 0.5, adds: 3, withinMs: 3_600_000, least: 1_000, singlesPerMinute: 30, letGoAfterMs: 14_400_000 };
const cause = (name: string, waiting: number, more: Partial<CauseCount> = {}): CauseCount => ({ cause: name, flow: 0, lately: 0, waiting, held: false, released: false, ...more });
const OLD = { young: false };

describe('a wave', () => {
  test.each<[string, 'add' | 'remove', CauseCount[], number, boolean, string[] | undefined]>([
    ['more than half of an audience', 'remove', [cause('a', 6_000)], 4_000, false, ['a']],
    ['half of an audience', 'remove', [cause('a', 5_000)], 5_000, false, undefined],
    ['everybody of a small audience', 'remove', [cause('a', 1_000)], 0, false, undefined],
    ['everybody of one that is just not small', 'remove', [cause('a', 1_001)], 0, false, ['a']],
    ['what was let through and what waits', 'remove', [cause('a', 10, { flow: 2_000 })], 1_000, false, ['a']],
    ['only the largest cause is held', 'remove', [cause('buyers', 400), cause('a', 6_000)], 4_000, false, ['a']],
    ['as many causes as it takes', 'remove', [cause('b', 3_000), cause('a', 4_000)], 0, false, ['a']],
    ['what was released counts no more', 'remove', [cause('a', 6_000, { released: true }), cause('b', 900)], 100, false, undefined],
    ['adds of more than three times an audience', 'add', [cause('a', 10_000)], 12_000, false, ['a']],
    ['adds of less', 'add', [cause('a', 5_000)], 7_000, false, undefined],
    ['the first filling', 'add', [cause('a', 10_000)], 12_000, true, undefined],
    ['a large filling of a small audience', 'add', [cause('a', 10_000)], 10_900, false, undefined],
  ])('%s', (_what, operation, causes, members, young, held) => {
    expect(judgeWave(operation, causes, POLICY, { members, young })?.causes).toEqual(held);
  });

  test('is none where it is turned off', () => {
    expect(judgeWave('remove', [cause('a', 9_000)], { ...POLICY, removals: null }, { members: 0, ...OLD })).toBeUndefined();
    expect(judgeWave('add', [cause('a', 90_000)], { ...POLICY, adds: null }, { members: 91_000, ...OLD })).toBeUndefined();
  });

  test('is judged alike whether all members are counted or only as many as are needed', () => {
    for (const operation of ['add', 'remove'] as const) {
      for (let waiting = 990; waiting < 9_000; waiting += 499) {
        const causes = [cause('a', waiting)];
        const needed = membersNeeded(operation, causes, POLICY);
        for (let members = 0; members < 20_000; members += 487) {
          const all = judgeWave(operation, causes, POLICY, { members, ...OLD });
          expect(judgeWave(operation, causes, POLICY, { members: Math.min(members, needed), ...OLD })?.causes, `${operation} ${String(waiting)} of ${String(members)}`).toEqual(all?.causes);
        }
      }
    }
  });

  test('is looked for only when there are many, or one is held', () => {
    expect(isSuspicious([cause('a', 1_000)], POLICY)).toBe(false);
    expect(isSuspicious([cause('a', 1_001)], POLICY)).toBe(true);
    expect(isSuspicious([cause('a', 0, { flow: 5_000 })], POLICY)).toBe(false);
    expect(isSuspicious([cause('a', 1, { held: true })], POLICY)).toBe(true);
  });

  test('lets singles through, as far as few came lately', () => {
    expect([0, 100, 150, 900].map((lately) => singlesLeft({ lately }, POLICY))).toEqual([150, 50, 0, 0]);
  });
});

test('the cause is the campaign, else the source', () => {
  expect(causeOf({ source: 'shop', context: { campaign_id: 7 } })).toBe('campaign:7');
  expect(causeOf({ source: 'shop', context: { campaign_id: ' ' } })).toBe('source:shop');
  expect(causeOf({ source: 'shop', context: {} })).toBe('source:shop');
  expect(causeOf({ source: 'shop', context: { campaign_id: 'x'.repeat(900) } })).toHaveLength(100);
});

test('a hold says what, why and how many', () => {
  expect(describeHold({ holdId: '1', destination: 'meta_main', audienceKey: 'cart_v1', operation: 'remove', causes: ['campaign:7'], since: 0, held: 4_000, noticed: 6_000, audienceSize: 9_000, most: 4_500, withinMs: 3_600_000, letGoAt: null })).toBe(
    '4000 removals by campaign 7 are held: 6000 would leave an audience of 9000 within an hour, and the guard lets 4500 pass',
  );
});

describe('a removal that is held', () => {
  const held = { wanted: 'out', status: 'held', revision: 3, cause: 'campaign:7' } as const;
  test('goes by every other reason to remove the person, and stays by the same one', () => {
    expect(deliveryAfter(held, 'out', { explicit: false, identifiersChanged: false })).toEqual({ wanted: 'out', status: 'pending', revision: 4 });
    expect(deliveryAfter(held, 'out', { explicit: true, identifiersChanged: false, cause: 'campaign:8' })).toEqual({ wanted: 'out', status: 'pending', revision: 4, cause: 'campaign:8' });
    expect(deliveryAfter(held, 'out', { explicit: true, identifiersChanged: false, cause: 'campaign:7' })).toBeUndefined();
    expect(deliveryAfter({ ...held, status: 'pending' }, 'out', { explicit: false, identifiersChanged: false })).toEqual({ wanted: 'out', status: 'pending', revision: 4 });
    expect(deliveryAfter({ ...held, status: 'accepted' }, 'out', { explicit: false, identifiersChanged: false })).toBeUndefined();
  });
  test('is judged anew when the person has got another identifier, and an add stays held until then', () => {
    expect(deliveryAfter(held, 'out', { explicit: false, identifiersChanged: true })).toEqual({ wanted: 'out', status: 'pending', revision: 4, cause: 'campaign:7' });
    expect(deliveryAfter({ ...held, wanted: 'in' }, 'in', { explicit: false, identifiersChanged: false })).toBeUndefined();
  });
});
