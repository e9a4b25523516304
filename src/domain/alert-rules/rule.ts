/** What an alert rule is, and the words that all of them use. Pure. */
import type { AlertFacts } from '../alert-facts.ts';
import type { Finding, Level } from '../alerts.ts';

/** What the numbers of a rule are: a share 0…1, a count, or milliseconds. */
export type Unit = 'share' | 'count' | 'duration';

/** From what value on a rule finds something. `least`: how much there must be of it for the rule to look at all. */
export interface Threshold {
  warning: number;
  critical: number;
  least: number;
}

export interface AlertRule {
  /** What it watches over, for people. */
  title: string;
  /** Of warning and critical; `null`: the rule has no numbers to set. */
  unit: Unit | null;
  defaults: Threshold;
  /** Believed at once, because it is a state and no count. */
  atOnce: boolean;
  find: (facts: AlertFacts, threshold: Threshold) => Finding[];
}

/** Of rules about states, which have no numbers to set. */
export const NO_NUMBERS: Threshold = { warning: 0, critical: 0, least: 0 };

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export const levelOf = (value: number, { warning, critical }: Threshold): Level | null => (value >= critical ? 'critical' : value >= warning ? 'warning' : null);

export const people = (count: number): string => (count === 1 ? '1 person' : `${count.toLocaleString('en')} people`);
export const many = (count: number, one: string, more = `${one}s`): string => `${count.toLocaleString('en')} ${count === 1 ? one : more}`;
export const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`;
export const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, count) => all + count, 0);

export function span(ms: number): string {
  if (ms < 2 * MINUTE) return `${String(Math.max(1, Math.round(ms / 1_000)))} s`;
  if (ms < 2 * HOUR) return `${String(Math.round(ms / MINUTE))} min`;
  return ms < 48 * HOUR ? `${String(Math.round(ms / HOUR))} h` : `${String(Math.round(ms / (24 * HOUR)))} days`;
}
