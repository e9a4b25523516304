/** What watches over an audience, in words: waves that are held, the two clocks, sizes, cost. As the api tells it. */
import { table } from './table.ts';
import { time } from './time.ts';

export interface WatchAnswer {
  guard: { since: string; because: string; let_go_at: string | null; release: string }[];
  clocks: { accepted_until: string; last_success_at: string | null; adds_effective_by: string | null; removals_effective_by: string | null; read_back_at: string | null; source: string | null };
  size: { read_at: string; message: string } | null;
  drift: { since: string; readings: number; message: string } | null;
  too_small: string | null;
}

interface Money {
  currency: string;
  temporal: number | null;
  platform: number | null;
  warehouse: number | null;
  total: number;
}

export interface CostAnswer {
  events: { events: number; temporal_actions: number; rows: number; days: number };
  targets: { destination: string; calls: number; members: number; temporal_actions: number; days: number; monthly: Money | null }[];
  monthly: Money | null;
}

export function describeWatch(destination: string, { guard, clocks, size, drift, too_small: small }: WatchAnswer): string[] {
  const lines: string[] = [];
  for (const hold of guard) {
    lines.push(`${destination}, held by the guard since ${time(hold.since)}: ${hold.because}.`);
    lines.push(`  What to do: if it is meant, ${hold.release}; if not, correct it by events${hold.let_go_at === null ? '' : ` before ${time(hold.let_go_at)}, when they go by themselves`}.`);
  }
  if (clocks.last_success_at !== null) {
    const latest = [clocks.adds_effective_by, clocks.removals_effective_by].filter((at) => at !== null).sort().at(-1);
    lines.push(`${destination}: what was decided until ${time(clocks.accepted_until)} is with the platform${latest === undefined ? '' : `, and in effect there by ${time(latest)} at the latest, by its own words`}.`);
  }
  if (size) lines.push(`${destination} ${size.message} (${time(size.read_at)}).`);
  if (drift) lines.push(`${destination} has drifted since ${time(drift.since)}, by ${String(drift.readings)} readings in a row. \`npx headgate check\` looks at the audience; \`npx headgate resync\` pushes every member again.`);
  if (small !== null) lines.push(`${destination}: too small to serve: ${small}.`);
  return lines;
}

/** Amounts only as far as `prices` of headgate.yaml say what things cost. */
export function describeCost({ events, targets, monthly }: CostAnswer): string {
  const money = (own: number | null | undefined): string => (own === null || own === undefined ? '' : own.toFixed(2));
  const rows = [
    ['events', `over ${String(events.days)} days`, events.events, events.temporal_actions, '', events.rows, ''],
    ...targets.map((target) => [target.destination, `over ${String(target.days)} days`, target.members, target.temporal_actions, target.calls, '', money(target.monthly?.total)]),
  ];
  const cost = table(['cost', 'counted', 'events or members', 'Temporal actions', 'calls', 'rows', `a month${monthly ? ` (${monthly.currency})` : ''}`], rows);
  if (!monthly) return cost;
  const parts = (['temporal', 'platform', 'warehouse'] as const).flatMap((part) => (monthly[part] === null ? [] : [`${part === 'temporal' ? 'Temporal' : part} ${money(monthly[part])}`]));
  return `${cost}\nA month like these: ${money(monthly.total)} ${monthly.currency}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}, events included.`;
}
