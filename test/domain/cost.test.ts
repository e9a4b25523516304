import { describe, expect, test } from 'vitest';
import { costOf, type Counted } from '../../src/domain/cost.ts';

const DAY = 86_400_000;
const COUNTED: Counted = {
  events: { 'cio.audience_add': 100_000, 'cio.audience_remove': 50_000 },
  rows: 2 ** 20,
  countedMs: 15 * DAY,
  targets: [{ destination: 'meta_main', calls: 10_000, members: 90_000, countedMs: 30 * DAY }, { destination: 'google_main', calls: 0, members: 0, countedMs: 0 }],
};
const PRICES = { currency: 'USD', perMillionActions: 50, perThousandCalls: 0.1, perGigabyte: 0.05 };

describe('what an audience costs', () => {
  test('is counts without prices', () => {
    expect(costOf(COUNTED, null)).toEqual({
      events: { events: 150_000, actions: 500_000, rows: 2 ** 20, days: 15 },
      targets: [
        { destination: 'meta_main', calls: 10_000, members: 90_000, actions: 20_000, days: 30, monthly: null },
        { destination: 'google_main', calls: 0, members: 0, actions: 0, days: 0, monthly: null },
      ],
      monthly: null,
    });
  });
  test('is money with prices, for 30 days like those that were counted', () => {
    const { targets, monthly } = costOf(COUNTED, PRICES);
    expect(targets[0]?.monthly).toEqual({ currency: 'USD', temporal: 1, platform: 1, warehouse: 0, total: 2 });
    expect(monthly).toEqual({ currency: 'USD', temporal: 51, platform: 1, warehouse: 0.1, total: 52.1 });
  });
  test('says nothing of what has no price, and foretells nothing from less than an hour', () => {
    expect(costOf(COUNTED, { ...PRICES, perThousandCalls: null }).monthly).toMatchObject({ platform: null, total: 51.1 });
    expect(costOf({ ...COUNTED, countedMs: 60_000 }, PRICES).monthly).toBeNull();
  });
});
