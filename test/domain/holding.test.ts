/** What a target holds: the stricter mode counts, and what is given up. */
import { describe, expect, test } from 'vitest';
import { holdOf, holdsEverything, modeOf, shownStatus, withoutHeld, type PendingCounts, type TargetLife } from '../../src/domain/holding.ts';
import { MODES, type Mode, type Policies } from '../../src/domain/registry.ts';
import { CART, makeAudience } from '../support/events.ts';

const TARGET = { destination: 'meta_main', audienceKey: CART };
const policiesOf = (audience: Mode, destination: Mode): Policies => ({
  audiences: new Map([[CART, makeAudience({ key: CART, mode: audience })]]),
  destinations: new Map([['meta_main', { name: 'meta_main', platform: 'meta', mode: destination, testProfiles: ['c_qa', 'email:aa'] }]]),
});
const hold = (mode: Mode, life: TargetLife = 'active') => holdOf(policiesOf('live', mode), TARGET, life);

test.each(MODES.flatMap((audience) => MODES.map((destination): [Mode, Mode] => [audience, destination])))('an audience in mode %s at a destination in mode %s: the stricter one counts', (audience, destination) => {
  expect(modeOf(policiesOf(audience, destination), TARGET)).toBe(MODES[Math.max(MODES.indexOf(audience), MODES.indexOf(destination))]);
});

test('a target that the registry does not have is paused', () => {
  expect(modeOf(policiesOf('live', 'live'), { ...TARGET, destination: 'elsewhere' })).toBe('paused');
  expect(modeOf(policiesOf('live', 'live'), { ...TARGET, audienceKey: 'gone_v1' })).toBe('paused');
});

describe('what is held', () => {
  test.each<[Mode, TargetLife, string, string, string | null]>([
    ['live', 'active', 'nobody', 'nobody', null],
    ['live', 'absent', 'nobody', 'nobody', null],
    ['test', 'active', 'others', 'others', 'mode is test'],
    ['paused', 'active', 'everybody', 'everybody', 'mode is paused'],
    ['live', 'retiring', 'everybody', 'nobody', 'the target is being retired'],
    ['test', 'retiring', 'everybody', 'nobody', 'the target is being retired'],
    ['paused', 'retiring', 'everybody', 'everybody', 'mode is paused'],
    ['live', 'retired', 'everybody', 'everybody', 'the target is retired'],
    ['live', 'kept', 'everybody', 'everybody', 'the target is kept'],
  ])('mode %s, %s: adds of %s, removals of %s', (mode, life, adds, removals, because) => {
    expect(hold(mode, life)).toMatchObject({ adds, removals, because });
  });

  test('all that is pending, or all but the test profiles', () => {
    const all: PendingCounts = { in: { count: 5, oldestAt: 10 }, out: { count: 3, oldestAt: 20 } };
    const ofProfiles: PendingCounts = { in: { count: 1, oldestAt: 15 }, out: { count: 0, oldestAt: null } };
    expect(withoutHeld(all, ofProfiles, hold('live'))).toEqual(all);
    expect(withoutHeld(all, ofProfiles, hold('test'))).toEqual(ofProfiles);
    expect(withoutHeld(all, ofProfiles, hold('live', 'retiring'))).toEqual({ in: { count: 0, oldestAt: null }, out: all.out });
    expect(holdsEverything(hold('paused'))).toBe(true);
    expect(holdsEverything(hold('live', 'retiring'))).toBe(false);
  });

  test('a delivery is shown as held only while it is pending, and never for a test profile in test mode', () => {
    const pending = { status: 'pending', wanted: 'in' } as const;
    expect(shownStatus(pending, hold('test'), ['c_1', 'email:bb'])).toBe('held');
    expect(shownStatus(pending, hold('test'), ['c_qa'])).toBe('pending');
    expect(shownStatus(pending, hold('test'), ['c_1', 'email:aa'])).toBe('pending');
    expect(shownStatus(pending, hold('paused'), ['c_qa'])).toBe('held');
    expect(shownStatus({ ...pending, status: 'accepted' }, hold('paused'), [])).toBe('accepted');
    expect(shownStatus({ ...pending, wanted: 'out' }, hold('live', 'retiring'), [])).toBe('pending');
  });
});
