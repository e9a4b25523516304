/** What platforms tell of sizes, against what was taken in: which differences are explained. */
import { describe, expect, test } from 'vitest';
import type { AudienceSize } from '../../src/domain/audience-size.ts';
import { judgeDrift, judgeSize, swingOf, tooSmallToServe, type SizeReading, type SizeSituation, type SizeVerdict } from '../../src/domain/drift.ts';

const HOUR = 3_600_000;
const tells = (atLeast: number, atMost = atLeast): AudienceSize => ({ atLeast, atMost });
const situation = (given: Partial<SizeSituation>): SizeSituation => ({ takenIn: 10_000, entering: 0, leaving: 0, told: tells(6_000), roundedTo: 1_000, matchRate: null, earlierShares: [], ...given });

test.each<[string, Partial<SizeSituation>, SizeVerdict]>([
  ['60 % matched', {}, 'explained'],
  ['everybody', { told: tells(10_000) }, 'explained'],
  ['rounded up to the next thousand', { takenIn: 10_400, told: tells(11_000) }, 'explained'],
  ['a range around it', { told: tells(9_500, 11_200) }, 'explained'],
  ['more than there are', { told: tells(14_000) }, 'more'],
  ['those who left are shown still', { leaving: 4_000, told: tells(14_000) }, 'explained'],
  ['more than those and who left', { leaving: 1_000, told: tells(14_000) }, 'more'],
  ['nobody of ten thousand', { told: tells(0) }, 'explained'],
  ['nobody of a hundred thousand', { takenIn: 100_000, told: tells(0) }, 'fewer'],
  ['nobody yet of a hundred thousand who came today', { takenIn: 100_000, entering: 99_000, told: tells(0) }, 'explained'],
  ['few, while it grows', { takenIn: 100_000, entering: 60_000, told: tells(4_000) }, 'explained'],
  ['few, of a match rate that the platform tells', { takenIn: 100_000, told: tells(12_000), matchRate: '41–50 %' }, 'fewer'],
  ['what that match rate gives', { takenIn: 100_000, told: tells(42_000), matchRate: '41–50 %' }, 'explained'],
  ['a match rate in words that is the most', { takenIn: 100_000, told: tells(12_000), matchRate: 'under 20 %' }, 'explained'],
  ['half of what it used to show', { takenIn: 100_000, told: tells(20_000), earlierShares: [0.6, 0.61, 0.58, 0.6] }, 'fewer'],
  ['a little less than it used to show', { takenIn: 100_000, told: tells(45_000), earlierShares: [0.6, 0.61, 0.58, 0.6] }, 'explained'],
  ['too few readings to say what it used to show', { takenIn: 100_000, told: tells(20_000), earlierShares: [0.6, 0.61] }, 'explained'],
  ['a small audience of which it says a thousand', { takenIn: 12, told: tells(1_000) }, 'explained'],
  ['a small audience of which it says nobody', { takenIn: 300, told: tells(0) }, 'explained'],
  ['an audience that Headgate has nobody in', { takenIn: 0, told: tells(50_000) }, 'more'],
  ['too small to be told (-1 at the platform)', { told: null }, 'untold'],
])('%s: %s', (_what, given, verdict) => {
  expect(judgeSize(situation(given)).verdict).toBe(verdict);
});

const reading = (hoursAgo: number, verdict: SizeVerdict, more: Partial<SizeReading> = {}): SizeReading => ({
  destination: 'meta_main', audienceKey: 'cart_v1', readAt: 100 * HOUR - hoursAgo * HOUR, told: verdict === 'untold' || verdict === 'unread' ? null : tells(14_000), failure: null, takenIn: 10_000, entering: 0, leaving: 0, matchRate: null, verdict, message: 'tells 14000', ...more,
});
const AT = { now: 100 * HOUR, everyMs: 6 * HOUR };

describe('drift', () => {
  test.each<[string, SizeReading[], { since: number; readings: number } | null]>([
    ['one reading', [reading(1, 'more')], null],
    ['two in a row', [reading(1, 'more'), reading(7, 'more')], { since: 93 * HOUR, readings: 2 }],
    ['three, and one before that was fine', [reading(1, 'more'), reading(7, 'more'), reading(13, 'more'), reading(19, 'explained'), reading(25, 'more')], { since: 87 * HOUR, readings: 3 }],
    ['two in different directions', [reading(1, 'more'), reading(7, 'fewer')], null],
    ['two, and the platform was away in between', [reading(1, 'more'), reading(7, 'unread'), reading(13, 'more')], { since: 87 * HOUR, readings: 2 }],
    ['over', [reading(1, 'explained'), reading(7, 'more'), reading(13, 'more')], null],
    ['not told any more', [reading(1, 'untold'), reading(7, 'more'), reading(13, 'more')], null],
    ['long ago', [reading(40, 'more'), reading(46, 'more')], null],
    ['no reading', [], null],
  ])('%s', (_what, readings, found) => {
    const drift = judgeDrift(readings, AT);
    expect(drift && { since: drift.since, readings: drift.readings }).toEqual(found);
  });
});

test.each<[string, SizeReading | undefined, number | null, RegExp | null]>([
  ['fewer people than the platform serves', reading(1, 'explained', { takenIn: 40, told: tells(0) }), 100, /40 people are in it/],
  ['fewer matched than it serves', reading(1, 'explained', { takenIn: 4_000, told: tells(60) }), 100, /knows 60 of the 4000/],
  ['most of them have just come', reading(1, 'explained', { takenIn: 4_000, entering: 3_990, told: tells(0) }), 100, null],
  ['enough', reading(1, 'explained'), 1_000, null],
  ['nobody', reading(1, 'explained', { takenIn: 0 }), 100, null],
  ['no number known', reading(1, 'explained', { takenIn: 4, told: tells(0) }), null, null],
  ['never read', undefined, 100, null],
])('too small to serve: %s', (_what, newest, least, said) => {
  if (said) expect(tooSmallToServe(newest, least)).toMatch(said);
  else expect(tooSmallToServe(newest, least)).toBeNull();
});

test('an audience swings by who comes and goes against who is in it', () => {
  expect(swingOf({ adds: 900, removes: 1_100, size: 4_000 })).toBe(0.5);
  expect(swingOf({ adds: 0, removes: 5_000, size: 0 })).toBe(5_000);
  expect(swingOf({ adds: 90, removes: 0, size: 100 })).toBeNull();
});
