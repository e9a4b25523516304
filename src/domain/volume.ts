/** Whether as many webhooks come as usual at this time of the week. Pure. */
import type { Level } from './alerts.ts';

/** Weeks to look at before they say anything, and days when there are not so many weeks yet. */
const LEAST_WEEKS = 3;
const LEAST_DAYS = 5;
/** How far from the usual, in spreads, and how many times. */
const LOW = { spreads: 4, share: 0.5 };
const HIGH = { spreads: 6, times: 3 };
const MUCH_TOO_HIGH = 10;

/**
 * Holds the last hour against the same hour of earlier weeks, or while there are fewer than three of them against the same hour of earlier days
 * (at least five). The usual is their median, so one odd week (a sale, an outage) does not matter. The spread is the greatest of the median
 * absolute deviation, what chance alone gives (the square root), and a seventh of the median, so that few or very regular data raise no alarm.
 * @param least with a lower median nothing is said
 */
export function judgeVolume(volume: { now: number; weeks: readonly number[]; days: readonly number[] }, least: number): { level: Level; low: boolean; usual: string } | null {
  const [earlier, what] = volume.weeks.length >= LEAST_WEEKS ? [volume.weeks, 'week'] : [volume.days, 'day'];
  if (what === 'day' && volume.days.length < LEAST_DAYS) return null;
  const median = medianOf(earlier);
  if (median < least) return null;
  const spread = Math.max(1.4826 * medianOf(earlier.map((count) => Math.abs(count - median))), Math.sqrt(median), median / 7);
  const usual = `${String(Math.round(median))} are usual at this time of the ${what}`;
  if (volume.now < median - LOW.spreads * spread && volume.now < median * LOW.share) return { level: volume.now < median / MUCH_TOO_HIGH ? 'critical' : 'warning', low: true, usual };
  if (volume.now > median + HIGH.spreads * spread && volume.now > median * HIGH.times) return { level: volume.now > median * MUCH_TOO_HIGH ? 'critical' : 'warning', low: false, usual };
  return null;
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
