/** Wakes are coalesced, held for resting syncs, and never lost. */
import pino from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { Waker, type WakerOptions } from '../../src/relay/waker.ts';

const target = { destination: 'meta_main', audienceKey: 'cart_7d_v1' };
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function makeWaker(options: Partial<WakerOptions> = {}): { waker: Waker; sent: string[] } {
  const sent: string[] = [];
  const waker = new Waker({
    restOf: () => Promise.resolve({ paused: false, restMs: 0, attended: false }),
    logger: pino({ level: 'silent' }),
    metrics: createMetrics(),
    ...options,
    send: async (to, signal) => {
      await options.send?.(to, signal);
      sent.push(signal);
    },
  });
  return { waker, sent };
}
const after = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

test('the first wake goes at once, a hundred more in the same second are one', async () => {
  const { waker, sent } = makeWaker();
  for (let n = 0; n < 100; n++) waker.wake([target]);
  await after(0);
  expect(sent).toEqual(['wake']);
  waker.wake([target]);
  await after(5_000);
  expect(sent).toEqual(['wake', 'wake']);
});

test('a wake that fails is sent again until it is taken', async () => {
  let failures = 3;
  const { waker, sent } = makeWaker({ send: () => (failures-- > 0 ? Promise.reject(new Error('Temporal is down')) : Promise.resolve()) });
  waker.wake([target]);
  await after(2_500);
  expect(sent).toEqual([]);
  await after(1_000);
  expect(sent).toEqual(['wake']);
});

test('a resting sync is woken when its rest is over, not before', async () => {
  let restMs = 3_000;
  const { waker, sent } = makeWaker({ restOf: () => Promise.resolve({ paused: false, restMs, attended: false }) });
  waker.wake([target]);
  await after(2_500);
  expect(sent).toEqual([]);
  restMs = 0;
  await after(1_000);
  expect(sent).toEqual(['wake']);
});

test('pushNow ends a rest', async () => {
  const { waker, sent } = makeWaker({ restOf: () => Promise.resolve({ paused: false, restMs: 600_000, attended: false }) });
  waker.pushNow([target]);
  await after(0);
  expect(sent).toEqual(['pushNow']);
});

test('a pushNow that fails stays a pushNow', async () => {
  let failures = 1;
  const { waker, sent } = makeWaker({ send: () => (failures-- > 0 ? Promise.reject(new Error('Temporal is down')) : Promise.resolve()) });
  waker.pushNow([target]);
  await after(1_500);
  expect(sent).toEqual(['pushNow']);
});

test('a stopped waker sends nothing more', async () => {
  const { waker, sent } = makeWaker();
  waker.wake([target]);
  await after(0);
  waker.stop();
  waker.wake([target]);
  await after(3_000);
  expect(sent).toEqual(['wake']);
});

test('a sync that is at it is not woken, and is once it has stopped', async () => {
  let attended = true;
  const { waker, sent } = makeWaker({ restOf: () => Promise.resolve({ paused: false, restMs: 0, attended }) });
  waker.wake([target]);
  await after(2_500);
  expect(sent).toEqual([]);
  attended = false;
  await after(1_000);
  expect(sent).toEqual(['wake']);
});
