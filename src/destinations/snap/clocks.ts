/** What Snap says of time and sizes. */
import type { PlatformClocks } from '../../domain/platform-clocks.ts';

const HOUR_MS = 3_600_000;

export const CLOCKS: PlatformClocks = {
  addsWithinMs: 48 * HOUR_MS,
  removalsWithinMs: 48 * HOUR_MS,
  sizeWithinMs: 48 * HOUR_MS,
  roundedTo: 1_000,
  leastToServe: null,
  source: 'Not confirmed: nothing on time or the least size was found in its documentation (read 2026-11); 48 hours is what the other platforms need.',
};
