import { expect, test } from 'vitest';
import { compareSize } from '../../src/domain/audience-size.ts';

const told = (atLeast: number, atMost = atLeast) => ({ atLeast, atMost });

test.each([
  ['some matched', 10_000, told(6_000, 6_400), 'plausible', 'tells 6000 to 6400, 64 % of the 10000 that it took in'],
  ['all matched', 20, told(20), 'plausible', 'tells 20, 100 % of the 20 that it took in'],
  ['rounded up', 10_000, told(11_000), 'plausible', 'tells 11000, 100 % of the 10000 that it took in'],
  ['the same word for all small audiences', 20, told(1_000), 'plausible', 'tells 1000, 100 % of the 20 that it took in'],
  ['a small audience that is not counted yet', 20, told(0), 'plausible', 'tells 0, 0 % of the 20 that it took in'],
  ['nobody sent, nobody there', 0, told(0), 'plausible', 'tells 0'],
] as const)('%s is what is to be expected', (_name, takenIn, size, verdict, message) => {
  expect(compareSize(takenIn, size)).toEqual({ verdict, message });
});

test('a platform that tells no size is not blamed', () => {
  expect(compareSize(5_000, null).verdict).toBe('untold');
});

test('more people than were ever sent are not Headgate’s', () => {
  expect(compareSize(10_000, told(12_000))).toMatchObject({ verdict: 'strange', message: expect.stringContaining('more than the 10000 that it took in') as string });
  expect(compareSize(0, told(1_100))).toMatchObject({ verdict: 'strange' });
});

test('hardly anybody who matches is worth a look', () => {
  expect(compareSize(10_000, told(0, 900))).toMatchObject({ verdict: 'strange', message: expect.stringContaining('9 % of the 10000') as string });
});
