/** "Try a webhook": what the door would make of a body, told while it is typed; and a test event, as Customer.io's test sends make one. */
import { Router, urlencoded } from 'express';
import { auditedOf, eventFromBody, namesFor, shortText, type DoorSource } from '../api/index.ts';
import { conflictsWith, UNSENT, type HeadgateEvent, type JsonObject } from '../domain/event.ts';
import type { Problem } from '../domain/quarantine.ts';
import type { Desk } from './desk.ts';
import { html, type Content, type Html } from './html.ts';
import type { ConsoleOptions } from './options.ts';
import { form, type Page } from './page.ts';
import { facts } from './table.ts';
import type { Visit } from './visit.ts';
import { audienceLink, BASE, eventLink, nothing, state, time } from './words.ts';

const HERE = `${BASE}/try`;
/** A webhook's body is at most 256 KiB; a form carries three characters for many a byte. */
const LARGEST_FORM = '1mb';
const LARGEST_BODY = 256 * 1024;

interface Tried {
  source: string;
  body: string;
}

export function tryRoutes(options: ConsoleOptions, desk: Desk): Router {
  const router = Router();
  const read = [urlencoded({ extended: false, limit: LARGEST_FORM }), desk.checkForm];
  const tried = (given: unknown): Tried => {
    const { source, body } = given as Partial<Record<'source' | 'body', unknown>>;
    return { source: typeof source === 'string' ? source : '', body: typeof body === 'string' ? body : '' };
  };
  const page = (visit: Visit, given: Tried, verdict: Content): Page => ({ title: 'Try a webhook', at: HERE, body: tryBody(options, visit, given, verdict) });
  router.get('/try', desk.page('reader', (_request, visit) => page(visit, { source: '', body: example(options) }, html`<p class="quiet">Change the body, or check it.</p>`)));
  router.post('/try', desk.require('reader'), ...read, async (request, response) => {
    const given = tried(request.body);
    desk.send(response, page(desk.visit(response), given, await judge(options, given)));
  });
  // For the page's script: the verdict alone.
  router.post('/try/check', desk.require('reader'), ...read, async (request, response) => {
    response.type('html').send((await judge(options, tried(request.body))).text);
  });
  router.post('/try/send', desk.require('operator'), ...read, desk.audited('event.test', ({ body }) => ({ subject: `source ${shortText((body as { source?: unknown } | undefined)?.source, 100)}` })), async (request, response) => {
    const given = tried(request.body);
    desk.send(response, page(desk.visit(response), given, await auditedOf(response).while(() => sendTest(options, given))));
  });
  return router;
}

type Read = { event: HeadgateEvent } | { problems: Problem[] };

/** The door's own validation, of a body that has just come. */
function understand({ sources, policies, identify }: ConsoleOptions, { source: name, body }: Tried): Read {
  const source: DoorSource | undefined = sources.get(name);
  if (!source) return { problems: [{ path: '', message: 'there is no such source in headgate.yaml' }] };
  if (Buffer.byteLength(body) > LARGEST_BODY) return { problems: [{ path: '', message: 'the body is too large (at most 256 KiB)' }] };
  return eventFromBody(body, { source: source.name, people: source.people, phoneCountry: source.phoneCountry, receivedAt: Date.now(), ...namesFor(policies, source.name), identify });
}

async function judge(options: ConsoleOptions, given: Tried): Promise<Html> {
  const read = understand(options, given);
  if ('problems' in read) return refusal(read.problems);
  const { event } = read;
  const known = event.test ? undefined : (await options.ledger.findKnownEvents([event.eventId])).get(event.eventId);
  const answer = known === undefined ? html`${state('applied')} It would be taken${event.test && ' as a test: nothing is decided'}.`
    : conflictsWith(known, event) ? html`${state('conflict')} Its <code>event_id</code> was already used for another event: the answer would be 409, and it would be kept in quarantine.`
      : html`${state('duplicate')} This event is known already: it would change nothing. ${eventLink(event.eventId)}`;
  return html`<p>${answer}</p>${describe(options, event)}`;
}

const refusal = (problems: readonly Problem[]): Html =>
  html`<p>${state('invalid')} The answer would be 422, and the body would be kept in quarantine:</p><ul class="problems">${problems.map(({ path, message }) => html`<li>${path !== '' && html`<code>${path}</code> `}${message}</li>`)}</ul>`;

function describe({ policies }: ConsoleOptions, event: HeadgateEvent): Html {
  const audience = event.audienceKey === undefined ? undefined : policies.audiences.get(event.audienceKey);
  const until = event.name === 'cio.audience_add' && audience?.windowMs ? event.occurredAt + audience.windowMs : null;
  const { customerId, cioId, emailHash, phoneHash } = event.person;
  const short = (name: string, hash: string | undefined): Content => hash !== undefined && html`${name} <span class="id">${hash.slice(0, 12)}…</span> `;
  const sent = Object.entries(event.identifiers).map(([platform, identifiers]) => html`<li>${platform}: ${identifiers.length === 0 ? html`<strong>nothing</strong>` : identifiers.map(({ type }) => type).join(', ')}</li>`);
  return facts([
    ['Event', event.name],
    ['Event id', html`<span class="id">${event.test ? 'a new one for each test' : event.eventId}</span>`],
    ['Audience', audienceLink(event.audienceKey ?? null)],
    ['Happened', html`${time(event.occurredAt)}${event.claimedAt !== undefined && html` <span class="quiet">lay too far ahead</span>`}`],
    ['Window ends', until === null ? nothing : html`${time(until)}${until <= Date.now() && html` <span class="quiet">over already: nobody would enter</span>`}`],
    ['Person', html`${customerId !== undefined && html`customer id ${customerId} `}${cioId !== undefined && html`Customer.io id ${cioId} `}${short('e-mail', emailHash)}${short('phone', phoneHash)}`],
    ['Sent to platforms', sent.length === 0 ? nothing : html`<ul>${sent}</ul>`],
  ]);
}

/** As Customer.io's test sends come: the id `unsent` makes it a test, which is kept and decides nothing. */
async function sendTest(options: ConsoleOptions, given: Tried): Promise<Html> {
  const read = understand(options, { source: given.source, body: asUnsent(given.body) });
  if ('problems' in read) return refusal(read.problems);
  try {
    const taken = await options.commit.submit(read.event);
    if (taken.kind === 'decided') return html`<p>${state('test')} Taken as a test: it stands in the ledger, and nothing was decided. ${eventLink(read.event.eventId)}</p>`;
    if (taken.kind === 'queued') return html`<p>${state('pending')} The ledger does not answer: the test waits in a lifeboat.</p>`;
    return html`<p>${state('invalid')} It was not taken: ${taken.kind === 'refused' ? taken.problem : taken.kind.replaceAll('_', ' ')}.</p>`;
  } catch {
    return html`<p>${state('invalid')} Nothing took it: neither the ledger nor Temporal answers.</p>`;
  }
}

function asUnsent(body: string): string {
  try {
    return JSON.stringify({ ...(JSON.parse(body) as JsonObject), event_id: UNSENT });
  } catch {
    return body;
  }
}

const example = ({ policies }: ConsoleOptions): string =>
  JSON.stringify({
    schema_version: 1, event_id: 'an-id-of-your-own', event: 'cio.audience_add', audience_key: policies.audiences.keys().next().value ?? 'KEY',
    timestamp: Math.floor(Date.now() / 1_000), customer_id: 'c_ada', email: 'ada@example.com', context: { campaign_name: 'Cart abandoners' },
  }, null, 2);

function tryBody({ sources }: ConsoleOptions, visit: Visit, { source, body }: Tried, verdict: Content): Content {
  const fields = html`<label>Source <select name="source">${[...sources.keys()].map((name) => html`<option value="${name}"${name === source && html` selected`}>${name}</option>`)}</select></label>
<label for="body">Body, as Customer.io sends it</label>
<textarea id="body" name="body" rows="16" spellcheck="false" aria-describedby="verdict">${body}</textarea>
<p class="buttons"><button>Check</button>${visit.role === 'operator' && html`<button class="quiet" formaction="${HERE}/send">Send as a test</button>`}</p>
<p class="hint">Checking applies and keeps nothing. ${visit.role === 'operator' ? 'A test is kept in the ledger and decides nothing, like a test send of Customer.io.' : 'Operators can also send it as a test.'}</p>`;
  return html`<div class="two"><section><h2>Webhook</h2>${form(visit, HERE, fields, { id: 'try', className: 'card', label: 'Webhook' })}</section>
<section><h2>What Headgate makes of it</h2><div id="verdict" class="card" aria-live="polite" data-check="${HERE}/check" data-form="try">${verdict}</div></section></div>`;
}
