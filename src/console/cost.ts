/** What an audience costs: what was counted of it, and a month of it as far as `prices` of headgate.yaml say. */
import type { CostView } from '../api/index.ts';
import { html, type Content, type Html } from './html.ts';
import { table, type Column } from './table.ts';
import { nothing, number, plural } from './words.ts';

interface Line {
  what: Content;
  days: number;
  actions: number;
  calls: number | null;
  members: number | null;
  rows: number | null;
  monthly: number | null;
}

const amount = (value: number): string => value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const orNothing = (value: number | null): Content => (value === null ? nothing : number(value));

const COLUMNS: Column<Line>[] = [
  { title: 'What', cell: ({ what }) => what },
  { title: 'Counted over', cell: ({ days, actions }) => (actions === 0 ? nothing : days < 1 ? 'less than a day' : days === 1 ? '1 day' : `${String(days)} days`) },
  { title: 'Temporal actions', cell: ({ actions }) => number(actions), kind: 'number' },
  { title: 'Platform calls', cell: ({ calls }) => orNothing(calls), kind: 'number' },
  { title: 'Members sent', cell: ({ members }) => orNothing(members), kind: 'number' },
  { title: 'Warehouse rows', cell: ({ rows }) => orNothing(rows), kind: 'number' },
];

/** @param hasPrices `prices` are set in headgate.yaml */
export function costSection({ events, targets, monthly }: CostView, hasPrices: boolean): Html {
  const lines: Line[] = [
    { what: html`${plural(events.events, 'event')} with ${events.events === 1 ? 'its workflow' : 'their workflows'}`, days: events.days, actions: events.temporal_actions, calls: null, members: null, rows: events.rows, monthly: null },
    ...targets.map((one): Line => ({ what: `pushes to ${one.destination}`, days: one.days, actions: one.temporal_actions, calls: one.calls, members: one.members, rows: null, monthly: one.monthly?.total ?? null })),
  ];
  const price: Column<Line>[] = monthly ? [{ title: `A month, ${monthly.currency}`, cell: (line) => (line.monthly === null ? nothing : amount(line.monthly)), kind: 'number' }] : [];
  return html`${table('Cost', [...COLUMNS, ...price], lines, nothing)}${estimate(monthly, hasPrices)}`;
}

function estimate(monthly: CostView['monthly'], hasPrices: boolean): Html {
  if (!hasPrices) {
    return html`<p class="hint">What that costs is not known: say in <code>headgate.yaml</code> what you pay, as in <code>prices: { currency: USD, temporal_per_million_actions: 50, warehouse_per_gb: 0.05 }</code>.</p>`;
  }
  if (!monthly) return html`<p class="hint">Less than an hour was counted, which is too little to tell what a month costs.</p>`;
  const parts = ([['Temporal', monthly.temporal], ['platforms', monthly.platform], ['warehouse', monthly.warehouse]] as const).flatMap(([name, value]) => (value === null ? [] : [`${name} ${amount(value)}`]));
  return html`<p>A month like this costs about <strong>${amount(monthly.total)} ${monthly.currency}</strong>${parts.length > 0 && ` (${parts.join(', ')})`}, events included. <span class="quiet">By the <code>prices</code> of headgate.yaml; what has no price there is not in it.</span></p>`;
}
