import { expect, test } from 'vitest';
import { OpenStarts } from '../../src/relay/open-starts.ts';

/** Starts that each take as long as `msFor` says of the number that are open. */
async function run(starts: OpenStarts, clock: { now: number }, count: number, msFor: (open: number) => number): Promise<number[]> {
  let open = 0;
  const seen: number[] = [];
  const one = async (): Promise<void> => {
    await starts.run(async () => {
      seen.push(++open);
      await Promise.resolve();
      clock.now += msFor(open);
      open--;
    });
  };
  await Promise.all(Array.from({ length: count }, one));
  return seen;
}
const make = (isBusy = (): boolean => false): { starts: OpenStarts; clock: { now: number } } => {
  const clock = { now: 0 };
  return { starts: new OpenStarts({ most: 36, isBusy, now: () => clock.now }), clock };
};

test('as many as there may be are open while starts are quick, and never more', async () => {
  const { starts, clock } = make();
  const seen = await run(starts, clock, 3_000, () => 0.1);
  expect(Math.max(...seen)).toBe(36);
});

test('starts that queue at the server make fewer be open, at least one', async () => {
  const { starts, clock } = make();
  await run(starts, clock, 500, () => 0.1);
  await run(starts, clock, 500, () => 200);
  expect(starts.limit).toBe(1);
  const { starts: fresh, clock: slow } = make();
  await run(fresh, slow, 1, () => 80);
  await run(fresh, slow, 200, (open) => 80 * open);
  expect(fresh.limit).toBeLessThan(8);
});

test('one at a time while the cores are needed elsewhere', async () => {
  const { starts, clock } = make(() => true);
  expect(Math.max(...(await run(starts, clock, 50, () => 1)))).toBe(1);
});

test('a start that fails gives its place back', async () => {
  const { starts } = make(() => true);
  await expect(starts.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await starts.run(() => Promise.resolve('yes'))).toBe('yes');
});
