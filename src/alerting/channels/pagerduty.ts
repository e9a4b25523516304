/**
 * PagerDuty Events API v2: one incident per alert, which an alert that is over resolves.
 * https://developer.pagerduty.com/docs/events-api-v2-overview, read 2026-11-30: 202 when taken in; `dedup_key` at most 255 characters, `summary` 1,024.
 */
import { createHash } from 'node:crypto';
import type { Message } from '../message.ts';
import { post, type Channel } from './channel.ts';

export function pagerdutyChannel({ routingKey, url }: { routingKey: string; url: string }): Channel {
  return {
    name: 'pagerduty',
    async deliver(message, signal) {
      for (const item of message.items) await post('PagerDuty', url, { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ routing_key: routingKey, ...eventOf(item) }), signal });
    },
  };
}

function eventOf({ change, level, finding, headline, lines, link, runbook }: Message['items'][number]): object {
  const dedup_key = dedupKey(`headgate/${finding.rule}/${finding.subject}`);
  if (change === 'recovered') return { event_action: 'resolve', dedup_key };
  return {
    event_action: 'trigger',
    dedup_key,
    payload: {
      summary: headline.slice(0, 1_024),
      source: finding.subject,
      severity: level,
      component: finding.destination ?? finding.source ?? 'headgate',
      class: finding.rule,
      ...(finding.since === null ? {} : { timestamp: new Date(finding.since).toISOString() }),
      custom_details: { what_to_do: finding.cure, command: finding.command, still_targeted: finding.stillTargeted, details: lines },
    },
    links: [link, runbook].flatMap((href) => (href === undefined ? [] : [{ href, text: href === runbook ? 'Runbook' : 'Headgate' }])),
  };
}

const LONGEST_KEY = 255;
const dedupKey = (text: string): string => (text.length <= LONGEST_KEY ? text : `${text.slice(0, LONGEST_KEY - 17)}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`);
