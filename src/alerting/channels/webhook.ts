/** Signed HTTP with the headers of Standard Webhooks (https://www.standardwebhooks.com, read 2026-11-30). */
import { createHash } from 'node:crypto';
import { signedHeaders } from '../../actions/standard-webhooks.ts';
import type { Message } from '../message.ts';
import { post, type Channel } from './channel.ts';

export function webhookChannel({ url, secret }: { url: string; secret: string }): Channel {
  return {
    name: 'webhook',
    async deliver(message, signal) {
      const body = JSON.stringify(bodyOf(message));
      // The same message has the same id, so that the receiver may drop what comes twice.
      const id = `msg_${createHash('sha256').update(body).digest('hex').slice(0, 32)}`;
      await post('The webhook', url, { headers: { 'content-type': 'application/json', ...signedHeaders(id, Date.now(), body, [secret]) }, body, signal });
    },
  };
}

const bodyOf = (message: Message): object => ({
  type: 'headgate.alerts',
  owner: message.owner,
  title: message.title,
  level: message.level,
  alerts: message.items.map(({ alertId, change, level, finding, raisedAt, recoveredAt, link, runbook }) => ({
    alert_id: alertId,
    change,
    level,
    rule: finding.rule,
    subject: finding.subject,
    destination: finding.destination ?? null,
    audience: finding.audienceKey ?? null,
    source: finding.source ?? null,
    what: finding.what,
    since: finding.since === null ? null : new Date(finding.since).toISOString(),
    still_targeted: finding.stillTargeted,
    what_to_do: finding.cure,
    command: finding.command ?? null,
    raised_at: new Date(raisedAt).toISOString(),
    recovered_at: recoveredAt === null ? null : new Date(recoveredAt).toISOString(),
    link: link ?? null,
    runbook: runbook ?? null,
  })),
});
