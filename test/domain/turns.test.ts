import { expect, test } from 'vitest';
import { ADDS_KEEP_ONE_IN, FIRST_ADDS, GATHER_MS, gatherFor, mostAdds, whoGoesFirst, type RecentCall } from '../../src/domain/turns.ts';

const removal: RecentCall = { operation: 'remove', members: 1, ageMs: 10 };
const add = (members: number, ageMs = 10): RecentCall => ({ operation: 'add', members, ageMs });

test('removals go first, also after adds', () => {
  expect(whoGoesFirst([])).toBe('remove');
  expect(whoGoesFirst([add(10_000), add(10_000)])).toBe('remove');
});

test('adds go once after as many removals as they can be made to wait for', () => {
  const waited = ADDS_KEEP_ONE_IN - 1;
  expect(whoGoesFirst(Array.from({ length: waited - 1 }, () => removal))).toBe('remove');
  expect(whoGoesFirst(Array.from({ length: waited }, () => removal))).toBe('add');
  expect(whoGoesFirst([removal, removal, add(1), removal])).toBe('remove');
});

test('calls of adds grow while nobody waits, and are small again after a removal', () => {
  expect(mostAdds([])).toBe(FIRST_ADDS);
  expect(mostAdds([add(3)])).toBe(FIRST_ADDS);
  expect(mostAdds([add(4_000), removal])).toBe(8_000);
  expect(mostAdds([removal, add(8_000)])).toBe(FIRST_ADDS);
});

test('a few adds wait for more of them after a call, many do not, and nobody waits for long', () => {
  expect(gatherFor([], 1)).toBe(0);
  expect(gatherFor([removal, add(1, GATHER_MS - 10)], 1)).toBe(10);
  expect(gatherFor([add(1, GATHER_MS)], 1)).toBe(0);
  expect(gatherFor([add(1)], FIRST_ADDS)).toBe(0);
});
