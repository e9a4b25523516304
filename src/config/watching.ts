/** The sections `guard`, `sizes` and `prices` of `headgate.yaml`: what watches over audiences and what they cost. Each is one set of settings, not a list of names. */
import { z } from 'zod';
import type { Prices } from '../domain/cost.ts';
import type { GuardPolicy } from '../domain/guard.ts';
import { formatDuration, parseDuration } from '../domain/registry.ts';
import type { Problems } from './registry-problems.ts';

const DURATION = 'must be a duration such as 1h or 30m';
const duration = z.string(DURATION).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: DURATION });
  return z.NEVER;
});
const between = (least: string, most: string) => {
  const [from, to] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  return duration.refine((ms) => ms >= from && ms <= to, `must lie between ${least} and ${most}`);
};

const SHARE = 'must be a share such as 50% or 0.5, or off';
const share = z.union([
  z.number(SHARE).positive(SHARE),
  z.literal('off', SHARE).transform(() => null),
  z.string().regex(/^\d+(\.\d+)?%$/, SHARE).transform((text) => Number(text.slice(0, -1)) / 100).refine((value) => value > 0, SHARE),
]);
const count = z.int('must be a whole number').min(1, 'must be at least 1');

export const guardSchema = z.strictObject({
  removals: share.optional().describe('Most of an audience that may leave within the time. Default 50%; off: removals are never held.'),
  adds: share.optional().describe('Most that may enter, as a share of the audience. Default 300%; off: adds are never held.'),
  within: between('5m', '24h').optional().describe('The time. Default 1h.'),
  least: count.optional().describe('So many are never a wave, however small the audience is. Default 1000.'),
  singles: count.optional().describe('So many by one cause go in each minute, also while a wave of it is held. Default 30.'),
  removals_wait: between('5m', '7d').optional().describe('Held removals that nobody releases go after so long. Default 4h.'),
});
/** Of an audience: what is set there comes before what `guard` sets for all. */
export const audienceGuardSchema = z.union([guardSchema, z.literal('off', 'must be off, or settings such as { removals: 50% }')]);
type GuardEntry = z.infer<typeof guardSchema>;

export const sizesSchema = z.strictObject({
  every: between('15m', '7d').prefault('6h').describe('How often each platform is asked for the size of each audience.'),
});

const price = z.number('must be a number').min(0, 'must not be negative');
export const pricesSchema = z.strictObject({
  currency: z.string('must be a code such as USD').regex(/^[A-Z]{3}$/, 'must be a code such as USD'),
  temporal_per_million_actions: price.optional(),
  platform_per_thousand_calls: price.optional(),
  warehouse_per_gb: price.optional(),
});

const DEFAULT_GUARD: GuardPolicy = { removals: 0.5, adds: 3, withinMs: 3_600_000, least: 1_000, singlesPerMinute: 30, letGoAfterMs: 4 * 3_600_000 };

const policyOf = (given: GuardEntry, otherwise: GuardPolicy): GuardPolicy => ({
  removals: given.removals === undefined ? otherwise.removals : given.removals,
  adds: given.adds === undefined ? otherwise.adds : given.adds,
  withinMs: given.within ?? otherwise.withinMs,
  least: given.least ?? otherwise.least,
  singlesPerMinute: given.singles ?? otherwise.singlesPerMinute,
  letGoAfterMs: given.removals_wait ?? otherwise.letGoAfterMs,
});

/** What the three sections say, with their defaults. */
export interface Watching {
  /** Null: `guard: off`. */
  guard: GuardPolicy | null;
  sizesEveryMs: number;
  /** Null: what things cost is not known. */
  prices: Prices | null;
}

export const WATCHING_SECTIONS = ['guard', 'sizes', 'prices'] as const;
type Given = Partial<Record<(typeof WATCHING_SECTIONS)[number], unknown>>;

export function resolveWatching(given: Given, problems: Problems): Watching {
  const read = <T>(name: keyof Given, schema: z.ZodType<T>): T | undefined => {
    if (given[name] === undefined || given[name] === null) return undefined;
    const parsed = schema.safeParse(given[name]);
    if (!parsed.success) problems.addIssues(parsed.error.issues, [name]);
    return parsed.data;
  };
  const guard = read('guard', audienceGuardSchema);
  const sizes = read('sizes', sizesSchema) ?? sizesSchema.parse({});
  const prices = read('prices', pricesSchema);
  return {
    guard: guardOf(guard, DEFAULT_GUARD),
    sizesEveryMs: sizes.every,
    prices: prices
      ? { currency: prices.currency, perMillionActions: prices.temporal_per_million_actions ?? null, perThousandCalls: prices.platform_per_thousand_calls ?? null, perGigabyte: prices.warehouse_per_gb ?? null }
      : null,
  };
}

/** An audience's guard. @param given what the audience says of it; undefined: nothing */
export function guardOf(given: 'off' | GuardEntry | undefined, otherwise: GuardPolicy | null): GuardPolicy | null {
  if (given === 'off') return null;
  return given === undefined ? otherwise : policyOf(given, otherwise ?? DEFAULT_GUARD);
}

/** For people. Shares as per cent. */
export const showWatching = ({ guard, sizesEveryMs, prices }: Watching): object => ({ guard: showGuard(guard), sizes: { every: formatDuration(sizesEveryMs) }, ...(prices ? { prices } : {}) });

const percent = (value: number | null): string => (value === null ? 'off' : `${String(Math.round(value * 10_000) / 100)}%`);
const showGuard = (guard: GuardPolicy | null): unknown =>
  guard && { removals: percent(guard.removals), adds: percent(guard.adds), within: formatDuration(guard.withinMs), least: guard.least, singles: guard.singlesPerMinute, removals_wait: formatDuration(guard.letGoAfterMs) };
