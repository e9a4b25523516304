/** How numbers, times and states read in the console. Times are UTC. */
import type { DeliveryStatus } from '../domain/delivery.ts';
import { html, type Content, type Html } from './html.ts';

/** Everything of the console stands below this path. */
export const BASE = '/console';
/** What to do about each alert, in a section of its rule's name. */
export const RUNBOOK = `${BASE}/runbook`;

export const number = (value: number): string => value.toLocaleString('en');

/** `1,234`, or `500,000+` when no more than that were counted. */
export const counted = (value: number, most: number): string => (value > most ? `${number(most)}+` : number(value));

export const plural = (value: number, one: string, many = `${one}s`): string => `${number(value)} ${value === 1 ? one : many}`;

/** `29 Nov 14:03:11`; the whole time on hovering. Nothing for null. */
export function time(at: Date | number | null | undefined): Content {
  if (at === null || at === undefined) return html`<span class="nothing">–</span>`;
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${iso}">${shortTime(at)}</time>`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** With the year where it is another one. */
export function shortTime(at: Date | number, now = new Date()): string {
  const when = new Date(at);
  const day = `${String(when.getUTCDate())} ${MONTHS[when.getUTCMonth()] ?? ''}`;
  const year = when.getUTCFullYear() === now.getUTCFullYear() ? '' : ` ${String(when.getUTCFullYear())}`;
  return `${day}${year} ${when.toISOString().slice(11, 19)}`;
}

const UNITS = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1_000]] as const;

/** `3 min`, `2 h`, `5 d`: the largest unit, rounded down. */
export function duration(ms: number): string {
  const [unit, size] = UNITS.find(([, one]) => ms >= one) ?? ['s', 1_000];
  return `${String(Math.max(0, Math.floor(ms / size)))} ${unit}`;
}

/** How long something has lasted, with its start on hovering. */
export function since(at: number | null, now = Date.now()): Content {
  if (at === null) return html`<span class="nothing">–</span>`;
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="since ${iso}">${duration(now - at)}</time>`;
}

export type Tone = 'good' | 'plain' | 'warn' | 'bad';

/** A word in a coloured box. The word says it all: colour only helps. */
export const badge = (word: string, tone: Tone): Html => html`<span class="badge ${tone}">${word}</span>`;

const TONES: Record<string, Tone> = {
  ok: 'good', accepted: 'good', applied: 'good', entered: 'good', renewed: 'good', in: 'good', sent: 'good',
  throttled: 'warn', retrying: 'warn', paused: 'warn', processing: 'warn', pending: 'warn', held: 'warn', held_out: 'warn', waiting: 'warn', superseded: 'warn', duplicate: 'warn', retiring: 'warn',
  done: 'good', failed: 'bad', stuck: 'bad', rejected: 'bad', blocked: 'bad', invalid: 'bad', conflict: 'bad', refused: 'bad',
};

/** A state, status or outcome of the ledger as people read it. */
export const state = (word: string): Html => badge(word.replaceAll('_', ' '), TONES[word] ?? 'plain');

export const deliveryStatus = (status: DeliveryStatus): Html => state(status);

export const nothing = html`<span class="nothing">–</span>`;

/** What it is: `email opened` of a report, `cio.audience_add` of the others. */
export const eventName = ({ name, channel, metric }: { name: string; channel: string | null; metric: string | null }): string => (metric === null ? name : `${channel ?? name} ${metric}`);

export const audiencePath = (key: string): string => `${BASE}/audiences/${encodeURIComponent(key)}`;
export const personPath = (id: string): string => `${BASE}/people/${encodeURIComponent(id)}`;
export const eventPath = (id: string): string => `${BASE}/events/${encodeURIComponent(id)}`;
export const quarantinePath = (id: number): string => `${BASE}/quarantine/${String(id)}`;

export const audienceLink = (key: string | null): Content => (key === null ? nothing : html`<a href="${audiencePath(key)}">${key}</a>`);
export const personLink = (id: string | null): Content => (id === null ? nothing : html`<a href="${personPath(id)}">${id}</a>`);
export const eventLink = (id: string): Content => html`<a class="id" href="${eventPath(id)}">${id}</a>`;
