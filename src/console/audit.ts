/** What operators did: the newest first, by whom and to what. For operators. */
import { Router } from 'express';
import { describeAudit, type AuditView } from '../api/index.ts';
import type { Desk } from './desk.ts';
import { html, type Content, type Html } from './html.ts';
import type { ConsoleOptions } from './options.ts';
import type { Page } from './page.ts';
import { table, type Column } from './table.ts';
import { BASE, nothing, state, time } from './words.ts';

const HERE = `${BASE}/audit`;
const ON_A_PAGE = 100;

const text = (value: unknown): string => (typeof value === 'string' ? value.trim().slice(0, 200) : '');

export function auditRoutes({ ledger }: ConsoleOptions, desk: Desk): Router {
  const router = Router();
  router.get('/audit', desk.page('operator', async (request): Promise<Page> => {
    const [who, on, before] = [text(request.query['who']), text(request.query['on']), Number(request.query['before'])];
    const rows = await ledger.listAudit({ who: who || undefined, on: on || undefined, before: Number.isSafeInteger(before) && before > 0 ? before : undefined, limit: ON_A_PAGE });
    return { title: 'Audit log', at: HERE, body: auditBody({ who, on }, rows.map(describeAudit)) };
  }));
  return router;
}

/** Begun, and nothing has come of it: still under way, or broken off. */
const result = ({ outcome }: AuditView): Html => (outcome === 'begun' ? html`${state('pending')} <span class="quiet">begun, and no result yet</span>` : state(outcome));

const details = ({ detail }: AuditView): Content => {
  const known = Object.entries(detail).filter(([, value]) => value !== '' && value !== null);
  return known.length === 0 ? nothing : known.map(([name, value]) => html`<span class="quiet">${name.replaceAll('_', ' ')}</span> ${typeof value === 'string' ? value : JSON.stringify(value)} `);
};

const COLUMNS: Column<AuditView>[] = [
  { title: 'When', cell: ({ at }) => time(new Date(at)) },
  { title: 'Who', cell: ({ who, credential }) => html`${who}<br><span class="quiet">${credential}</span>` },
  { title: 'What', cell: ({ what }) => what },
  { title: 'On', cell: ({ on }) => on, kind: 'wide' },
  { title: 'Result', cell: result },
  { title: 'Details', cell: details, kind: 'wide' },
  { title: 'From', cell: ({ via, address }) => html`${via}${address !== null && html`<br><span class="quiet">${address}</span>`}` },
];

function auditBody({ who, on }: { who: string; on: string }, rows: readonly AuditView[]): Content {
  const older = new URLSearchParams({ who, on, before: String(rows.at(-1)?.audit_id ?? 0) });
  return html`<form class="card row" method="get" action="${HERE}" aria-label="Filter">
<label>Who <input name="who" value="${who}" maxlength="200"></label><label>On <input name="on" value="${on}" maxlength="200"></label><button>Filter</button></form>
${table('What operators did, the newest first', COLUMNS, rows, html`<p>Nothing matches.</p>`)}
${rows.length === ON_A_PAGE && html`<p><a href="${HERE}?${older.toString()}">Older ones</a></p>`}
<p class="hint">Rows are only ever added, and kept for two years. <code>npx headgate audit --json</code> gives them to programs.</p>`;
}
