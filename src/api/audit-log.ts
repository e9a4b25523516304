/** `GET /v1/audit`: what operators did. For operators. */
import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { AUDITED, type AuditAction } from '../domain/audit.ts';
import type { AuditRow, Ledger } from '../ledger/index.ts';
import { authorise, type GuardOptions } from './authorise.ts';

export interface AuditReadingOptions extends GuardOptions {
  ledger: Ledger;
}

const MOST = 1_000;
const time = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-01T00:00:00Z' });
export const auditQuery = z.strictObject({
  since: time.optional(),
  until: time.optional(),
  who: z.string().max(200).optional(),
  on: z.string().max(200).optional(),
  action: z.enum(Object.keys(AUDITED) as [AuditAction, ...AuditAction[]], 'is no action that is written down').optional(),
  before: z.coerce.number('must be a whole number').int().min(1).optional(),
  limit: z.coerce.number('must be a whole number').int('must be a whole number').min(1).max(MOST).default(100),
});

export function auditReading(options: AuditReadingOptions): Router {
  const router = Router();
  router.get('/v1/audit', authorise('operating', options), async (request: Request, response: Response) => {
    const parsed = auditQuery.safeParse(request.query);
    if (!parsed.success) {
      response.status(400).json({ status: 'invalid', problem: parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; ') });
      return;
    }
    const { since, until, limit, ...filter } = parsed.data;
    const rows = await options.ledger.listAudit({ ...filter, limit, since: since === undefined ? undefined : new Date(since), until: until === undefined ? undefined : new Date(until) });
    response.json({ audit: rows.map(describeAudit), next: rows.length < limit ? null : (rows.at(-1)?.auditId ?? null) });
  });
  return router;
}

/** A row as the api tells it. */
export const describeAudit = ({ auditId, at, begunAt, via, who, credential, address, action, subject, outcome, detail }: AuditRow) => ({
  audit_id: auditId,
  at: at.toISOString(),
  begun_at: begunAt.toISOString(),
  via, who, credential, address, action,
  what: AUDITED[action],
  on: subject,
  outcome, detail,
});
export type AuditView = ReturnType<typeof describeAudit>;
