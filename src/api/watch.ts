/** What watches over targets, for readers: waves that are held, the two clocks, what the platform tells of the size, and what an audience costs. */
import { costOf, type AudienceCost, type Money, type Prices } from '../domain/cost.ts';
import { judgeDrift, tooSmallToServe, type Drift, type SizeReading } from '../domain/drift.ts';
import { clocksOf } from '../domain/platform-clocks.ts';
import { targetKey, type Audience, type Policies, type TargetRef } from '../domain/registry.ts';
import type { Ledger } from '../ledger/index.ts';
import { describeGuardHold, type GuardHoldView } from './guard.ts';
import { isoOrNull } from './iso-time.ts';

/** What the registry says of watching. */
export interface Watched {
  sizesEveryMs: number;
  prices: Prices | null;
}

/** Counted over so long, in milliseconds. */
const COST_MS = 30 * 86_400_000;

/** What is told of one target. Times in ISO 8601. */
export interface TargetWatch {
  guard: GuardHoldView[];
  clocks: { accepted_until: string | null; last_success_at: string | null; adds_effective_by: string | null; removals_effective_by: string | null; read_back_at: string | null; source: string | null };
  size: SizeView | null;
  drift: { verdict: Drift['verdict']; since: string | null; readings: number; message: string } | null;
  /** Why the platform does not serve it; null: it does, or nobody knows. */
  too_small: string | null;
}

export interface SizeView {
  read_at: string | null;
  at_least: number | null;
  at_most: number | null;
  taken_in: number;
  entering: number;
  leaving: number;
  verdict: SizeReading['verdict'];
  message: string;
  failure: string | null;
}

/** Each amount null where it has no price. */
export type MoneyView = Money;

export interface CostView {
  events: { events: number; temporal_actions: number; rows: number; days: number };
  targets: { destination: string; calls: number; members: number; temporal_actions: number; days: number; monthly: MoneyView | null }[];
  monthly: MoneyView | null;
}

export type WatchOfTarget = (target: TargetRef, now: { oldestPendingAt: number | null; lastSuccessAt: number | null }) => TargetWatch;

/** Reads all at once; the returned function says it of one target. @param audienceKey only this audience is asked about */
export async function readWatch(ledger: Ledger, policies: Policies, { sizesEveryMs }: Watched, audienceKey?: string): Promise<WatchOfTarget> {
  const [holds, sizes] = await Promise.all([ledger.listGuardHolds(audienceKey), ledger.listSizes(audienceKey === undefined ? {} : { audienceKey })]);
  const readingsOf = new Map(sizes.flatMap((readings) => (readings[0] ? [[targetKey(readings[0]), readings] as const] : [])));
  return (target, { oldestPendingAt, lastSuccessAt }) => {
    const now = Date.now();
    const own = holds.filter((hold) => targetKey(hold) === targetKey(target));
    const platform = policies.destinations.get(target.destination)?.clocks;
    const heldSince = own.length === 0 ? [] : [Math.min(...own.map(({ since }) => since))];
    const oldest = [...heldSince, ...(oldestPendingAt === null ? [] : [oldestPendingAt])];
    const clocks = clocksOf({ now, oldestPendingAt: oldest.length === 0 ? null : Math.min(...oldest), lastSuccessAt }, platform);
    const readings = readingsOf.get(targetKey(target)) ?? [];
    const drift = judgeDrift(readings, { now, everyMs: sizesEveryMs });
    return {
      guard: own.map(describeGuardHold),
      clocks: {
        accepted_until: isoOrNull(clocks.acceptedUntil), last_success_at: isoOrNull(clocks.lastSuccessAt), adds_effective_by: isoOrNull(clocks.addsEffectiveBy), removals_effective_by: isoOrNull(clocks.removalsEffectiveBy),
        read_back_at: isoOrNull(readings.find(({ verdict }) => verdict !== 'unread')?.readAt ?? null), source: clocks.source,
      },
      size: readings[0] ? describeReading(readings[0]) : null,
      drift: drift && { verdict: drift.verdict, since: isoOrNull(drift.since), readings: drift.readings, message: drift.message },
      too_small: tooSmallToServe(readings.find(({ verdict }) => verdict !== 'unread'), platform?.leastToServe ?? null),
    };
  };
}

export const describeReading = ({ readAt, told, takenIn, entering, leaving, verdict, message, failure }: SizeReading): SizeView => ({
  read_at: isoOrNull(readAt), at_least: told?.atLeast ?? null, at_most: told?.atMost ?? null, taken_in: takenIn, entering, leaving, verdict, message, failure,
});

/** What an audience cost in the last 30 days, or since it is counted. */
export async function readCost(ledger: Ledger, { key, targets }: Audience, { prices }: Pick<Watched, 'prices'>): Promise<CostView> {
  const [counted, traffic] = await Promise.all([ledger.countEvents(key, COST_MS), ledger.readTraffic(key, targets.map(({ destination }) => destination), COST_MS)]);
  const now = Date.now();
  const counts = targets.map(({ destination }) => {
    const own = traffic.filter((one) => one.destination === destination);
    const sum = (pick: (one: (typeof own)[number]) => number): number => own.reduce((total, one) => total + pick(one), 0);
    return { destination, calls: sum(({ calls }) => calls), members: sum(({ members }) => members), countedMs: own.length === 0 ? 0 : now - Math.min(...own.map(({ since }) => since)) };
  });
  return describeCost(costOf({ events: counted.events, rows: counted.rows, countedMs: counted.countedMs, targets: counts }, prices));
}

const describeCost = ({ events, targets, monthly }: AudienceCost): CostView => ({
  events: { events: events.events, temporal_actions: events.actions, rows: events.rows, days: events.days },
  targets: targets.map(({ destination, calls, members, actions, days, monthly: own }) => ({ destination, calls, members, temporal_actions: actions, days, monthly: describeMoney(own) })),
  monthly: describeMoney(monthly),
});

const describeMoney = (money: Money | null): MoneyView | null => money && { currency: money.currency, temporal: money.temporal, platform: money.platform, warehouse: money.warehouse, total: money.total };
