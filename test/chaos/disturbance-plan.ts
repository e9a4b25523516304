/** What is done to the fleet during a run, planned from its seed. Times in milliseconds from the beginning of the traffic. */
import type { FaultName } from '../../src/sandbox/faults.ts';
import { DESTINATIONS, type DestinationName } from './audiences.ts';
import { Random } from './random.ts';

export type PlannedDisturbance = { at: number; ms: number } & (
  | { kind: 'kill' | 'sleep'; victim: string }
  | { kind: 'cut' | 'freeze' | 'reset'; victim: string }
  /** Killed, and started again with another clock. */
  | { kind: 'skew'; victim: string; skewMs: number }
  | { kind: 'fault'; victim: DestinationName; fault: FaultName; faultMs: number }
);
export type DisturbanceKind = PlannedDisturbance['kind'];

export interface DisturbanceOptions {
  seed: string;
  lengthMs: number;
  /** Names of the processes and servers that may be killed and put to sleep. */
  processes: readonly string[];
  /** Of these, those whose clock may be wrong. */
  clocks: readonly string[];
  wires: readonly string[];
  /** One comes after so many milliseconds, on average. */
  everyMs: number;
  /** Nothing lasts longer, in milliseconds. */
  longestMs: number;
  /** How often each kind comes; what is not named comes as often as usual. */
  weights?: Partial<Record<DisturbanceKind, number>>;
}

const WEIGHTS: Record<DisturbanceKind, number> = { kill: 25, sleep: 20, cut: 8, freeze: 8, reset: 12, skew: 7, fault: 20 };
const MOST_SKEW_MS = 45_000;

const FAULTS: readonly FaultName[] = ['http_500', 'rate_limit', 'slow_ms', 'timeout_before', 'timeout_applied', 'reset_applied', 'unauthorised', 'needs_person', 'misconfigured', 'refuse_removals'];
const MORE_FAULTS: Record<DestinationName, readonly FaultName[]> = {
  meta_main: ['malformed'],
  google_main: ['malformed', 'late_refused', 'no_status'],
  // TikTok's adapter rests for five minutes after a gateway's page.
  tiktok_main: [],
  snap_main: ['malformed'],
};

export function planDisturbances(options: DisturbanceOptions): PlannedDisturbance[] {
  const { lengthMs, processes, everyMs } = options;
  const random = new Random(options.seed).fork('disturbances');
  const weights = { ...WEIGHTS, ...options.weights };
  const count = Math.round(lengthMs / everyMs);
  // Each process dies once, as far as there is room, so that a short plan is as rough as a long one.
  const toKill = weights.kill > 0 ? shuffled(random, processes) : [];
  return Array.from({ length: count }, (_, index): PlannedDisturbance => {
    const at = ((index + random.next()) / count) * lengthMs;
    const sure = index % 2 === 0 ? toKill.pop() : undefined;
    return { at, ...(sure === undefined ? disturbance(random, random.weighted(weights), options) : kill(random, sure, options)) } as PlannedDisturbance;
  });
}

function disturbance(random: Random, kind: DisturbanceKind, options: DisturbanceOptions): object {
  const { processes, clocks, wires, longestMs } = options;
  switch (kind) {
    case 'kill':
      return kill(random, random.pick(processes), options);
    case 'sleep':
      return { kind, victim: random.pick(processes), ms: random.between(Math.min(1_000, longestMs), longestMs) };
    case 'cut':
    case 'freeze':
      return { kind, victim: random.pick(wires), ms: random.between(500, longestMs) };
    case 'reset':
      return { kind, victim: random.pick(wires), ms: 0 };
    case 'skew':
      return { kind, victim: random.pick(clocks), ms: 0, skewMs: Math.round(random.between(-MOST_SKEW_MS, MOST_SKEW_MS)) };
    case 'fault': {
      const victim = random.pick(DESTINATIONS);
      const fault = random.pick([...FAULTS, ...MORE_FAULTS[victim]]);
      const faultMs = fault === 'slow_ms' ? random.pick([700, 2_500]) : fault === 'rate_limit' ? 1_000 : 0;
      return { kind, victim, fault, faultMs, ms: random.between(1_000, longestMs) };
    }
  }
}

const kill = (random: Random, victim: string, { longestMs }: DisturbanceOptions): object => ({ kind: 'kill', victim, ms: random.chance(0.4) ? 0 : random.between(0, longestMs / 3) });

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items.map((item) => ({ item, place: random.next() })).sort((a, b) => a.place - b.place).map(({ item }) => item);
}
