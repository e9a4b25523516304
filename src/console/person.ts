/** Finding a person or an event, and why a person is where they are. */
import { Router, urlencoded } from 'express';
import { holdsOf, workflowUrl, withoutEmail } from '../api/index.ts';
import { shownStatus } from '../domain/holding.ts';
import type { DeliveryView, MembershipView, PersonView, TimelineRow } from '../ledger/index.ts';
import type { Desk } from './desk.ts';
import { html, linkTo, type Content, type Html } from './html.ts';
import { notFound } from './not-found.ts';
import type { ConsoleOptions } from './options.ts';
import { form, type Page } from './page.ts';
import { facts, table, type Column } from './table.ts';
import type { Visit } from './visit.ts';
import { audienceLink, BASE, deliveryStatus, eventLink, eventName, eventPath, nothing, personPath, state, time } from './words.ts';

const KINDS = { customer_id: 'Customer id', email: 'E-mail', cio_id: 'Customer.io id', event_id: 'Event id', person_id: "Headgate's person id" } as const;
type Kind = keyof typeof KINDS;
const NEWEST = 200;

export function personRoutes(options: ConsoleOptions, desk: Desk): Router {
  const { ledger } = options;
  const router = Router();
  router.get('/people', desk.page('reader', (_request, visit): Page => ({ title: 'Find a person or an event', at: `${BASE}/people`, body: search(visit, 'customer_id') })));
  // By a form that is posted: no e-mail address stands in an address, a history or a log.
  router.post('/people', desk.require('reader'), urlencoded({ extended: false, limit: '10kb' }), desk.checkForm, async (request, response) => {
    const given = request.body as Partial<Record<'kind' | 'value', unknown>>;
    const kind = Object.hasOwn(KINDS, String(given.kind)) ? (given.kind as Kind) : 'customer_id';
    const value = typeof given.value === 'string' ? given.value.trim() : '';
    const found = await find(options, kind, value);
    const [only, another] = found;
    if (only !== undefined && another === undefined) {
      response.redirect(303, only);
      return;
    }
    const visit = desk.visit(response);
    const what = found.length === 0 ? html`<p class="notice bad" role="alert">${whyNobody(options, kind, value)}</p>` : html`<p>More than one person goes by this ${KINDS[kind]}, because sources are kept apart:</p><ul>${found.map((path) => html`<li><a href="${path}">${path.slice(path.lastIndexOf('/') + 1)}</a></li>`)}</ul>`;
    desk.send(response, { title: 'Find a person or an event', at: `${BASE}/people`, status: found.length === 0 ? 404 : 200, body: html`${what}${search(visit, kind)}` });
  });
  router.get('/people/:person_id', desk.page('reader', async (request, visit): Promise<Page> => {
    const [person] = await ledger.readPersons({ kind: 'person_id', value: String(request.params['person_id']) }, 0);
    if (!person) return notFound('Nobody has this id', html`<p>They may have been erased. <a href="${BASE}/people">Find somebody</a></p>`);
    const [timeline, goesBy, standings] = await Promise.all([ledger.readTimeline(person.person_id, NEWEST), ledger.readGoesBy(person.person_id), ledger.listTargets()]);
    const holds = holdsOf(standings, options.policies);
    const deliveries = person.deliveries.map((delivery) => ({ ...delivery, status: shownStatus(delivery, holds({ destination: delivery.destination, audienceKey: delivery.audience_key }), goesBy) }));
    return { title: `Person ${person.customer_id ?? person.person_id}`, refreshSeconds: 5, body: personBody(options, visit, { ...person, deliveries }, timeline) };
  }));
  return router;
}

/** Paths of what goes by this name. */
async function find({ ledger, emailHash }: ConsoleOptions, kind: Kind, value: string): Promise<string[]> {
  if (value === '') return [];
  if (kind === 'event_id') return (await ledger.readEvent(value)) ? [eventPath(value)] : [];
  const known = kind === 'email' ? emailHash(value) : withoutEmail(value);
  if (known === undefined) return [];
  return (await ledger.readPersons({ kind, value: known }, 0)).map(({ person_id: id }) => personPath(id));
}

function whyNobody({ emailHash }: ConsoleOptions, kind: Kind, value: string): string {
  if (value === '') return 'Say whom to look for.';
  if (kind === 'event_id') return 'The ledger knows no event of this id. It may be in quarantine, or wait in a lifeboat.';
  if (kind === 'email' && emailHash(value) === undefined) return 'This is not an e-mail address.';
  return `Nobody goes by this ${KINDS[kind]}. An event about them may be in quarantine.`;
}

const search = (visit: Visit, kind: Kind): Html =>
  form(visit, `${BASE}/people`, html`<label>Look for <select name="kind">${Object.entries(KINDS).map(([name, title]) => html`<option value="${name}"${name === kind && html` selected`}>${title}</option>`)}</select></label>
<label>Value <input name="value" required autocomplete="off" spellcheck="false" maxlength="400"></label>
<button>Find</button><p class="hint">An e-mail address is hashed before anything is looked up; it stands in no address, history or log.</p>`, { className: 'card row', label: 'Find' });

function personBody(options: ConsoleOptions, _visit: Visit, person: PersonView, timeline: readonly TimelineRow[]): Content {
  return html`${facts([
    ['Customer id', person.customer_id ?? nothing],
    ['Customer.io id', person.cio_ids.length === 0 ? nothing : person.cio_ids.join(', ')],
    ['E-mail (SHA-256)', person.email_hashes.length === 0 ? nothing : person.email_hashes.map((hash) => html`<span class="id" title="${hash}">${hash.slice(0, 12)}…</span> `)],
    ['Person', html`<span class="id">${person.person_id}</span>`],
    ['Known since', time(person.created_at)],
  ])}
${table('In which audience, and why', MEMBERSHIPS, person.memberships, html`<p>Nothing was ever decided for this person in an audience.</p>`)}
${table('At each platform', deliveryColumns(true), person.deliveries, html`<p>No platform was ever to be told about this person.</p>`)}
${table('What happened, the newest first', timelineColumns(options.temporalUi), timeline, html`<p>No event is kept of this person.</p>`, ({ event_id: id }) => id)}
${timeline.length === NEWEST && html`<p class="hint">The newest ${String(NEWEST)} are shown.</p>`}`;
}

const MEMBERSHIPS: Column<MembershipView>[] = [
  { title: 'Audience', cell: (row) => audienceLink(row.audience_key) },
  { title: 'State', cell: (row) => html`${state(row.state)}${row.arm === 'holdout' && html` ${state('held_out')}`}` },
  { title: 'Because', cell: (row) => row.reason.replaceAll('_', ' ') },
  { title: 'Since', cell: (row) => time(row.occurred_at) },
  { title: 'Until', cell: (row) => (row.state === 'in' ? time(row.expires_at) : nothing) },
  { title: 'Decided by', cell: (row) => eventLink(row.event_id), kind: 'wide' },
];

/** @param withAudience for deliveries of several audiences */
export const deliveryColumns = (withAudience: boolean): Column<DeliveryView>[] => [
  { title: 'Target', cell: (row) => row.destination },
  ...(withAudience ? [{ title: 'Audience', cell: (row: DeliveryView) => audienceLink(row.audience_key) }] : []),
  { title: 'Wanted', cell: (row) => row.wanted },
  { title: 'Status', cell: (row) => deliveryStatus(row.status) },
  { title: 'Accepted', cell: (row) => row.accepted ?? nothing },
  { title: 'Pending since', cell: (row) => time(row.pending_since) },
  { title: 'Settled', cell: (row) => time(row.settled_at) },
  { title: 'Reason', cell: (row) => row.reason ?? nothing, kind: 'wide' },
];

const timelineColumns = (temporalUi: string | undefined): Column<TimelineRow>[] => [
  { title: 'When', cell: (row) => time(row.occurred_at) },
  { title: 'What', cell: (row) => html`${eventName(row)}${row.campaign_name !== null && html` <span class="quiet">${row.campaign_name}</span>`}` },
  { title: 'Audience', cell: (row) => audienceLink(row.audience_key) },
  { title: 'Outcome', cell: (row) => html`${state(row.outcome ?? row.status)}${row.arm === 'holdout' && row.outcome !== 'held_out' && html` ${state('held_out')}`}` },
  { title: 'Because', cell: (row) => row.reason?.replaceAll('_', ' ') ?? nothing },
  { title: 'Event', cell: (row) => eventLink(row.caused_by ?? row.event_id), kind: 'wide' },
  ...(temporalUi === undefined ? [] : [{ title: 'Workflow', cell: (row: TimelineRow) => workflowLink(temporalUi, row.caused_by ?? row.event_id) }]),
];

export function workflowLink(temporalUi: string | undefined, workflowId: string): Content {
  const url = workflowUrl(temporalUi, workflowId);
  return url === null ? nothing : html`<a href="${linkTo(url)}" rel="noreferrer" aria-label="Workflow ${workflowId}">workflow</a>`;
}
