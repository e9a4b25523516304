/** One event: what it said, what was decided, how far each platform is. */
import { Router } from 'express';
import { holdsOf } from '../api/index.ts';
import { shownStatus } from '../domain/holding.ts';
import type { DeliveryView, EventDetails, ForwardView } from '../ledger/index.ts';
import { forwardSection } from './actions.ts';
import type { Desk } from './desk.ts';
import { html, type Content } from './html.ts';
import { notFound } from './not-found.ts';
import type { ConsoleOptions } from './options.ts';
import type { Page } from './page.ts';
import { deliveryColumns, workflowLink } from './person.ts';
import { facts, table } from './table.ts';
import { audienceLink, BASE, eventName, nothing, personLink, state, time } from './words.ts';

export function eventRoutes(options: ConsoleOptions, desk: Desk): Router {
  const router = Router();
  router.get('/events/:event_id', desk.page('reader', async (request): Promise<Page> => {
    const event = await options.ledger.readEvent(String(request.params['event_id']));
    if (!event) return notFound('The ledger knows no such event', html`<p>It may be in <a href="${BASE}/quarantine">quarantine</a>, or have come with another id.</p>`);
    const [deliveries, forward] = await Promise.all([asShown(options, event), options.ledger.readForward(event.event_id)]);
    return { title: 'Event', refreshSeconds: 5, body: eventBody(options, event, deliveries, forward) };
  }));
  return router;
}

async function asShown({ ledger, policies }: ConsoleOptions, { person_id: personId, deliveries }: EventDetails): Promise<DeliveryView[]> {
  if (personId === null || !deliveries.some(({ status }) => status === 'pending')) return deliveries;
  const [goesBy, standings] = await Promise.all([ledger.readGoesBy(personId), ledger.listTargets()]);
  const holds = holdsOf(standings, policies);
  return deliveries.map((delivery) => ({ ...delivery, status: shownStatus(delivery, holds({ destination: delivery.destination, audienceKey: delivery.audience_key }), goesBy) }));
}

function eventBody({ temporalUi }: ConsoleOptions, event: EventDetails, deliveries: readonly DeliveryView[], forward: ForwardView | undefined): Content {
  const { membership } = event;
  return html`${facts([
    ['Event id', html`<span class="id">${event.event_id}</span>`],
    ['What', eventName(event)],
    ['Source', event.source],
    ['Audience', audienceLink(event.audience_key)],
    ['Person', personLink(event.person_id)],
    ['Happened', html`${time(event.occurred_at)}${event.claimed_at && html` <span class="quiet">the body said</span> ${time(event.claimed_at)}<span class="quiet">, too far ahead</span>`}`],
    ['Received', time(event.received_at)],
    ['Decided', html`${state(event.status)}${event.audience && html` ${event.audience}`}${event.until && html` until ${time(event.until)}`}`],
    ['Now', membership ? html`${state(membership.state)} ${membership.reason.replaceAll('_', ' ')}${membership.event_id !== event.event_id && html`, by a newer decision`}` : nothing],
    ['Workflow', event.status === 'test' ? nothing : workflowLink(temporalUi, event.event_id)],
  ])}
${forward && forwardSection(forward)}
${(!forward || deliveries.length > 0) && table('At each platform', deliveryColumns(false), deliveries, html`<p>${event.status === 'test' ? 'A test event decides nothing.' : 'No platform is to be told of this event.'}</p>`)}
${kept('Context', event.context)}${kept('Attributes', event.attributes)}`;
}

const kept = (title: string, value: object | null): Content =>
  value !== null && Object.keys(value).length > 0 && html`<section><h2>${title}</h2><pre tabindex="0" aria-label="${title}">${JSON.stringify(value, null, 2)}</pre></section>`;
