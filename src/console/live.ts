/** Webhooks as they come, out of the ledger: so it shows what every api process has taken. */
import { Router } from 'express';
import type { StoredEntry } from '../domain/quarantine.ts';
import type { ArrivedEvent } from '../ledger/index.ts';
import type { Desk } from './desk.ts';
import { html, type Content } from './html.ts';
import type { ConsoleOptions } from './options.ts';
import { firstEvent } from './overview.ts';
import type { Page } from './page.ts';
import { select } from './quarantine.ts';
import { remembered } from './remembered.ts';
import { table, type Column } from './table.ts';
import { audienceLink, BASE, eventLink, eventName, nothing, number, personPath, quarantinePath, state, time } from './words.ts';

/** As far back as the filters look, and as many as are shown. */
const NEWEST = 2_000;
const NEWEST_QUARANTINED = 200;
const SHOWN = 100;
const READ_AT_MOST_EACH_MS = 1_000;

/** A webhook that was decided, or that is kept in quarantine. */
export interface Arrival {
  key: string;
  receivedAt: number;
  source: string;
  event: string;
  audienceKey: string | null;
  personId: string | null;
  /** What was decided, or why it is in quarantine. */
  status: string;
  outcome: string | null;
  eventId: string | null;
  quarantineId: number | null;
  problem: string | null;
}

export const STATUSES = ['', 'applied', 'superseded', 'held_out', 'expired', 'test', 'invalid', 'conflict'] as const;

export interface Filters {
  source: string;
  event: string;
  audience: string;
  status: string;
}

const arrivalOf = (row: ArrivedEvent): Arrival => ({
  key: row.event_id, receivedAt: row.received_at.getTime(), source: row.source, event: eventName(row), audienceKey: row.audience_key, personId: row.person_id,
  status: row.status, outcome: row.outcome, eventId: row.event_id, quarantineId: null, problem: null,
});

const arrivalOfEntry = ({ id, receivedAt, source, eventName: event, audienceKey, reason, problems: [first] }: StoredEntry): Arrival => ({
  key: `quarantine/${String(id)}`, receivedAt, source, event: event ?? '', audienceKey: audienceKey ?? null, personId: null,
  status: reason, outcome: null, eventId: null, quarantineId: id, problem: first ? `${first.path} ${first.message}`.trim() : null,
});

/** The newest first. What is asked for of `event` may stand anywhere in its name. */
export function choose(arrivals: readonly Arrival[], { source, event, audience, status }: Filters, most: number): Arrival[] {
  const wanted = event.toLowerCase();
  return arrivals
    .filter((one) => (source === '' || one.source === source) && one.event.toLowerCase().includes(wanted) && (audience === '' || one.audienceKey === audience) && (status === '' || one.status === status))
    .sort((one, other) => other.receivedAt - one.receivedAt || (one.key < other.key ? -1 : 1))
    .slice(0, most);
}

export function liveRoutes(options: ConsoleOptions, desk: Desk): Router {
  const { ledger } = options;
  const everything = { reason: undefined, source: undefined, since: undefined, until: undefined, eventName: undefined, audienceKey: undefined, problem: undefined };
  const readNewest = remembered(READ_AT_MOST_EACH_MS, async (): Promise<Arrival[]> => {
    const [events, entries] = await Promise.all([ledger.listArrivedEvents(NEWEST), ledger.listQuarantined('all', everything, undefined, NEWEST_QUARANTINED)]);
    return [...events.map(arrivalOf), ...entries.map(arrivalOfEntry)];
  });
  const router = Router();
  router.get('/live', desk.page('reader', async (request): Promise<Page> => {
    const text = (name: keyof Filters): string => (typeof request.query[name] === 'string' ? request.query[name].trim().slice(0, 200) : '');
    const filters: Filters = { source: text('source'), event: text('event'), audience: text('audience'), status: text('status') };
    const arrivals = await readNewest();
    return { title: 'Live', at: `${BASE}/live`, refreshSeconds: 2, body: liveBody(options, filters, choose(arrivals, filters, SHOWN), arrivals.length === 0) };
  }));
  return router;
}

function liveBody({ sources, policies }: ConsoleOptions, filters: Filters, arrivals: readonly Arrival[], isNew: boolean): Content {
  return html`<form class="card row" method="get" action="${BASE}/live" aria-label="Filter">
${select('source', 'Source', ['', ...sources.keys()], filters.source)}
<label>Event contains <input name="event" value="${filters.event}" maxlength="100"></label>
${select('audience', 'Audience', ['', ...policies.audiences.keys()], filters.audience)}${select('status', 'Status', STATUSES, filters.status)}
<button>Filter</button></form>
${isNew ? firstEvent(policies.audiences.keys().next().value) : table('Webhooks, the newest first', COLUMNS, arrivals, html`<p>None of the newest ${number(NEWEST)} webhooks matches. <a href="${BASE}/live">Show all</a></p>`, ({ key }) => key)}
<p class="hint">The newest ${number(SHOWN)} that match, of the newest ${number(NEWEST)} events and ${number(NEWEST_QUARANTINED)} entries of the quarantine. A repetition of a known event, and a request with a wrong signature, leave nothing to show here: <code>/metrics</code> counts them.</p>`;
}

const COLUMNS: Column<Arrival>[] = [
  { title: 'Received', cell: ({ receivedAt }) => time(receivedAt) },
  { title: 'Source', cell: ({ source }) => source },
  { title: 'Event', cell: ({ event }) => (event === '' ? nothing : event) },
  { title: 'Audience', cell: ({ audienceKey, quarantineId }) => (quarantineId === null ? audienceLink(audienceKey) : (audienceKey ?? nothing)), kind: 'wide' },
  { title: 'Status', cell: ({ status, outcome }) => html`${state(status)}${outcome !== null && outcome !== status && html` <span class="quiet">${outcome.replaceAll('_', ' ')}</span>`}` },
  { title: 'Person', cell: ({ personId }) => (personId === null ? nothing : html`<a class="id" href="${personPath(personId)}" title="${personId}" aria-label="Person ${personId}">…${personId.slice(-8)}</a>`) },
  { title: 'Event or entry', cell: ({ eventId, quarantineId, problem }) => (quarantineId === null ? eventLink(eventId ?? '') : html`<a href="${quarantinePath(quarantineId)}">quarantine ${String(quarantineId)}</a> ${problem}`), kind: 'wide' },
];
