/** `/v1/alerts`: what is wrong, what was, and who looks after it. */
import { json, Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { ruleOf, titleOf } from '../domain/alert-rules.ts';
import type { AlertView, Ledger } from '../ledger/index.ts';
import { audited, auditedOf, shortText, type AuditLog } from './audit.ts';
import { authorise, type GuardOptions } from './authorise.ts';
import { isoOrNull } from './iso-time.ts';

export interface AlertOptions extends GuardOptions {
  ledger: Ledger;
  audit: AuditLog;
  /** Sends a message to an owner, or to all, by every channel they have; says how each went. */
  testAlerts: (owner: string | undefined) => Promise<{ owner: string; channel: string | null; problem: string | null }[]>;
}

const MOST = 500;
const by = z.string('must say who').trim().min(1, 'must say who').max(100);
export const acknowledgeSchema = z.strictObject({ by });
export const muteSchema = z.strictObject({ rule: z.string().refine((name) => ruleOf(name) !== undefined, 'is not a rule'), subject: z.string().min(1).default('*'), minutes: z.number().min(0).max(30 * 24 * 60), by });
export const testSchema = z.strictObject({ owner: z.string().optional() });

/** Looking; to be mounted behind the guard of all reading. */
export function alertReading({ ledger }: Pick<AlertOptions, 'ledger'>): Router {
  const router = Router();
  router.get('/v1/alerts', async (request, response) => {
    const { state = 'open', limit = '100' } = request.query;
    if (state !== 'open' && state !== 'over' && state !== 'all') {
      response.status(400).json({ problem: 'state is open, over or all' });
      return;
    }
    const alerts = await ledger.listAlerts({ ...(state === 'all' ? {} : { open: state === 'open' }), limit: Math.min(MOST, Math.max(1, Math.trunc(Number(limit)) || 1)) });
    response.json({ alerts: alerts.map(describeAlert) });
  });
  return router;
}

/** Acknowledging, muting and testing, behind a guard of their own. */
export function alertOperating(options: AlertOptions): Router {
  const { ledger, testAlerts, audit } = options;
  const field = ({ body }: Request, name: string): string => shortText((body as Record<string, unknown> | undefined)?.[name], 200);
  const router = Router();
  const guard = [authorise('operating', options), json({ limit: '10kb' })];
  router.post('/v1/alerts/test', guard, audited(audit, 'alert.test', (request) => ({ subject: field(request, 'owner') || 'every owner' })), async (request: Request, response: Response) => {
    const given = read(testSchema, request, response);
    if (!given) return;
    const results = await auditedOf(response).while(() => testAlerts(given.owner), (sent) => ({ messages: sent.length, failed: sent.filter(({ problem }) => problem !== null).length }));
    if (results.length === 0) response.status(404).json({ problem: `there is no owner ${given.owner ?? ''} in headgate.yaml` });
    else response.json({ results });
  });
  router.post('/v1/alerts/mute', guard, audited(audit, 'alert.mute', (request) => ({ subject: `${field(request, 'rule')} ${field(request, 'subject') || '*'}`, detail: { minutes: Number((request.body as { minutes?: unknown } | undefined)?.minutes) || 0 } })), async (request: Request, response: Response) => {
    const given = read(muteSchema, request, response);
    if (!given) return;
    await ledger.muteAlerts({ rule: given.rule, subject: given.subject, ms: given.minutes * 60_000, by: given.by }, () => [auditedOf(response).done()]);
    response.json({ status: 'ok' });
  });
  router.post('/v1/alerts/:id/acknowledge', guard, audited(audit, 'alert.acknowledge', ({ params }) => ({ subject: `alert ${shortText(params['id'], 20)}` })), async (request: Request, response: Response) => {
    const given = read(acknowledgeSchema, request, response);
    if (!given) return;
    const id = String(request.params['id']);
    if (/^\d{1,15}$/.test(id) && (await ledger.acknowledgeAlert(Number(id), given.by, () => [auditedOf(response).done()]))) response.json({ status: 'ok' });
    else response.status(404).json({ problem: `there is no open alert ${id.slice(0, 20)}` });
  });
  return router;
}

function read<T>(schema: z.ZodType<T>, request: Request, response: Response): T | undefined {
  const parsed = schema.safeParse(request.body ?? {});
  if (parsed.success) return parsed.data;
  response.status(400).json({ problem: parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter((part) => part !== '').join(' ')).join('; ') });
  return undefined;
}

/** An alert as the API tells it. */
export const describeAlert = ({ alertId, rule, subject, level, finding, owners, raisedAt, recoveredAt, acknowledgedAt, acknowledgedBy, escalatedAt, messages }: AlertView): object => ({
  alert_id: alertId,
  rule,
  title: titleOf(rule),
  subject,
  level,
  destination: finding.destination ?? null,
  audience_key: finding.audienceKey ?? null,
  source: finding.source ?? null,
  what: finding.what,
  since: isoOrNull(finding.since),
  still_targeted: finding.stillTargeted,
  what_to_do: finding.cure,
  command: finding.command ?? null,
  owners,
  raised_at: isoOrNull(raisedAt),
  recovered_at: isoOrNull(recoveredAt),
  acknowledged_at: isoOrNull(acknowledgedAt),
  acknowledged_by: acknowledgedBy,
  escalated_at: isoOrNull(escalatedAt),
  messages: messages.map((message) => ({
    owner: message.owner,
    channel: message.channel,
    change: message.change,
    due_at: isoOrNull(message.dueAt),
    sent_at: isoOrNull(message.sentAt),
    dropped_at: isoOrNull(message.droppedAt),
    attempts: message.attempts,
    last_error: message.lastError,
  })),
});
