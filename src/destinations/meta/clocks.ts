/** What Meta says of time and sizes. */
import type { PlatformClocks } from '../../domain/platform-clocks.ts';

const HOUR_MS = 3_600_000;

export const CLOCKS: PlatformClocks = {
  addsWithinMs: 24 * HOUR_MS,
  removalsWithinMs: 24 * HOUR_MS,
  sizeWithinMs: 48 * HOUR_MS,
  roundedTo: 1_000,
  leastToServe: 100,
  source:
    'Audiences are populated within up to 24 hours: https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users (read 2026-11). How it rounds and its least size are not documented: 100 matched people is the least that is reported.',
};
