/** What Google says of time and sizes. */
import type { PlatformClocks } from '../../domain/platform-clocks.ts';

const HOUR_MS = 3_600_000;

export const CLOCKS: PlatformClocks = {
  addsWithinMs: 48 * HOUR_MS,
  removalsWithinMs: 48 * HOUR_MS,
  sizeWithinMs: 48 * HOUR_MS,
  roundedTo: 1_000,
  leastToServe: 100,
  source:
    'A request is processed within 24 hours: https://developers.google.com/data-manager/api/devguides/diagnostics (read 2026-11); lists show people 24 to 48 hours after an upload, by the reports of others. At least 100 active users, as reported; Google\'s own text is not confirmed.',
};
