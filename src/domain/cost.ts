/** What an audience costs at its targets: counts, and money as far as `prices` of headgate.yaml say what things cost. Pure. */
import type { BuiltInEventName, EventName } from './event.ts';

/** Each null: not given, so it is not estimated. */
export interface Prices {
  currency: string;
  perMillionActions: number | null;
  perThousandCalls: number | null;
  perGigabyte: number | null;
}

/**
 * Temporal's billed actions of each event's workflow, without retries: its start, and one for the local activity that settles it; an add with a window has its
 * timer besides, and one more for its end or for being told that it was replaced; a forward
 * is told what came back, and its share of the queue's own step. https://docs.temporal.io/cloud/actions (read 2026-11).
 */
const ACTIONS_OF_EVENT: Readonly<Record<BuiltInEventName, number>> & Readonly<Record<string, number | undefined>> = { 'cio.audience_add': 4, 'cio.audience_remove': 2, 'cio.exposure': 2, 'cio.report': 2, 'cio.forward': 4 };
/** What the workflow of a type does besides is its own; its start is the least. */
export const actionsOfEvent = (name: EventName): number => ACTIONS_OF_EVENT[name] ?? 1;
/** A turn of pushes is at most this for each call: the signal that wakes the sync, and the activity. A turn of many calls takes less. */
export const ACTIONS_OF_CALL = 2;
/** BigQuery counts each streamed row as at least 1 KB: https://cloud.google.com/bigquery/pricing (read 2026-11). Other warehouses take less. */
export const BYTES_OF_ROW = 1_024;

const MONTH_MS = 30 * 86_400_000;

/** What was counted of one audience. Times in milliseconds. */
export interface Counted {
  events: Readonly<Record<EventName, number>>;
  /** Rows of the warehouse: one for each event, and what decisions brought about besides. */
  rows: number;
  /** Since when events and rows are counted; since when calls are. */
  countedMs: number;
  targets: readonly { destination: string; calls: number; members: number; countedMs: number }[];
}

export interface Money {
  currency: string;
  temporal: number | null;
  platform: number | null;
  warehouse: number | null;
  /** Of what is known. */
  total: number;
}

export interface AudienceCost {
  /** Of the audience's events, wherever they go. */
  events: { events: number; actions: number; rows: number; days: number };
  targets: { destination: string; calls: number; members: number; actions: number; days: number; monthly: Money | null }[];
  /** Estimated for 30 days like these; null without prices. */
  monthly: Money | null;
}

/** What an audience cost, and what a month like this costs. Where less than an hour was counted nothing is foretold. */
export function costOf(counted: Counted, prices: Prices | null): AudienceCost {
  const events = Object.entries(counted.events);
  const actions = events.reduce((sum, [name, count]) => sum + count * actionsOfEvent(name), 0);
  const targets = counted.targets.map(({ destination, calls, members, countedMs }) => {
    const own = { actions: calls * ACTIONS_OF_CALL, calls, bytes: 0 };
    return { destination, calls, members, actions: own.actions, days: daysOf(countedMs), monthly: moneyOf(own, countedMs, prices) };
  });
  const own = moneyOf({ actions, calls: 0, bytes: counted.rows * BYTES_OF_ROW }, counted.countedMs, prices);
  return {
    events: { events: events.reduce((sum, [, count]) => sum + count, 0), actions, rows: counted.rows, days: daysOf(counted.countedMs) },
    targets,
    monthly: own && targets.reduce((sum, { monthly }) => (monthly ? add(sum, monthly) : sum), own),
  };
}

const daysOf = (ms: number): number => Math.round((ms / 86_400_000) * 10) / 10;
const cents = (value: number): number => Math.round(value * 100) / 100;

function moneyOf({ actions, calls, bytes }: { actions: number; calls: number; bytes: number }, countedMs: number, prices: Prices | null): Money | null {
  if (!prices || countedMs < 3_600_000) return null;
  const monthly = (amount: number, price: number | null, per: number): number | null => (price === null ? null : cents(((amount * MONTH_MS) / countedMs / per) * price));
  const [temporal, platform, warehouse] = [monthly(actions, prices.perMillionActions, 1e6), monthly(calls, prices.perThousandCalls, 1e3), monthly(bytes, prices.perGigabyte, 2 ** 30)];
  return { currency: prices.currency, temporal, platform, warehouse, total: cents((temporal ?? 0) + (platform ?? 0) + (warehouse ?? 0)) };
}

const both = (a: number | null, b: number | null): number | null => (a === null && b === null ? null : cents((a ?? 0) + (b ?? 0)));
const add = (a: Money, b: Money): Money => ({
  currency: a.currency, temporal: both(a.temporal, b.temporal), platform: both(a.platform, b.platform), warehouse: both(a.warehouse, b.warehouse), total: cents(a.total + b.total),
});
