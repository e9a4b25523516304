/** What TikTok says of time and sizes. */
import type { PlatformClocks } from '../../domain/platform-clocks.ts';

const HOUR_MS = 3_600_000;

export const CLOCKS: PlatformClocks = {
  addsWithinMs: 48 * HOUR_MS,
  removalsWithinMs: 48 * HOUR_MS,
  sizeWithinMs: 48 * HOUR_MS,
  roundedTo: 1_000,
  leastToServe: 1_000,
  source: 'Sizes show 24 to 48 hours after an upload, and at least 1,000 matched users are needed in an ad group, by three vendors that fill its audiences (read 2026-11); its own pages do not say.',
};
