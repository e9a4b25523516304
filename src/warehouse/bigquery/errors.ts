/**
 * BigQuery's errors in Headgate's vocabulary: by reason first, then by status.
 * https://docs.cloud.google.com/bigquery/docs/error-messages (the project's facts of 2026-11)
 */
import { z } from 'zod';
import type { FailureKind, FailureReport } from '../../domain/failures.ts';

const envelope = z.object({
  error: z.object({
    code: z.number(),
    message: z.string().default(''),
    status: z.string().default(''),
    errors: z.array(z.object({ reason: z.string().default(''), message: z.string().default('') })).default([]),
  }),
});

export interface BigQueryError {
  code: number;
  /** BigQuery's own word, such as `rateLimitExceeded`; empty when it gives none. */
  reason: string;
  message: string;
}

/** Undefined when the answer is no error of Google's. */
export function readBigQueryError(json: unknown): BigQueryError | undefined {
  const parsed = envelope.safeParse(json);
  if (!parsed.success) return undefined;
  const { code, message, status, errors } = parsed.data.error;
  return { code, reason: errors[0]?.reason ?? status, message: message === '' ? (errors[0]?.message ?? '') : message };
}

/** A quota of a day, or of a project that has used up what it may: asked again slowly. Milliseconds. */
const QUOTA_REST_MS = 5 * 60_000;

const PERMISSIONS = 'roles/bigquery.dataEditor on the dataset (or bigquery.tables.updateData, tables.get, tables.create, tables.update and datasets.get; bigquery.datasets.create on the project when the dataset is not there yet)';
const GRANT = `Give the service account ${PERMISSIONS}. docs/bigquery.md has the commands.`;
const BILLING = 'Switch billing on for the project: Google takes streamed rows from no project without it.';

interface Rule {
  kind: FailureKind;
  cure: string;
  /** At the least, in milliseconds. */
  retryAfterMs?: number;
}

const RULES: Readonly<Record<string, Rule>> = {
  backendError: { kind: 'unavailable', cure: '' },
  internalError: { kind: 'unavailable', cure: '' },
  tableUnavailable: { kind: 'unavailable', cure: '' },
  timeout: { kind: 'timed_out', cure: '' },
  rateLimitExceeded: { kind: 'rate_limited', cure: '' },
  quotaExceeded: { kind: 'rate_limited', cure: "If it lasts, ask Google for more of the project's quota for streaming (IAM & Admin > Quotas).", retryAfterMs: QUOTA_REST_MS },
  accessDenied: { kind: 'unauthorised', cure: GRANT },
  authError: { kind: 'unauthorised', cure: 'Look at the credentials: credentials_file in headgate.yaml, or Application Default Credentials.' },
  billingNotEnabled: { kind: 'needs_person', cure: BILLING },
  blocked: { kind: 'needs_person', cure: 'Google has blocked the project: ask its support.' },
  notFound: { kind: 'misconfigured', cure: 'Look at project and dataset of the exporter in headgate.yaml.' },
  invalidUser: { kind: 'unauthorised', cure: GRANT },
};

/** The free tier says no by `accessDenied`. */
const FREE_TIER = /free tier|billing/i;

export function failureOf({ code, reason, message }: BigQueryError, retryAfterMs?: number): FailureReport {
  const cause = `${message.replace(/\s+/g, ' ').slice(0, 300)} (${[`HTTP ${String(code)}`, reason].filter((text) => text !== '').join(', ')})`;
  const rule: Rule = code === 403 && FREE_TIER.test(message) ? { kind: 'needs_person', cure: BILLING } : (RULES[reason] ?? byStatus(code));
  const rest = Math.max(retryAfterMs ?? 0, rule.retryAfterMs ?? 0);
  return { kind: rule.kind, cure: rule.cure, cause, ...(rest > 0 ? { retryAfterMs: rest } : {}) };
}

function byStatus(code: number): Rule {
  if (code === 401) return { kind: 'unauthorised', cure: 'Look at the credentials: credentials_file in headgate.yaml, or Application Default Credentials.' };
  if (code === 403) return { kind: 'unauthorised', cure: GRANT };
  if (code === 404) return { kind: 'misconfigured', cure: 'Look at project and dataset of the exporter in headgate.yaml.' };
  // A row that cannot be read refuses the call without being named; and so does a call that is too large.
  if (code === 400 || code === 413) return { kind: 'invalid_row', cure: 'Google refuses the call as it is: report this as a bug.' };
  if (code === 429) return { kind: 'rate_limited', cure: '' };
  if (code === 409 || code === 412) return { kind: 'unavailable', cure: '' };
  return code >= 500 ? { kind: 'unavailable', cure: '' } : { kind: 'rejected_request', cure: 'Google refuses the call as it is: report this as a bug.' };
}
