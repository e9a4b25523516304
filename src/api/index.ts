/**
 * The api: webhooks in (the door), status out. It verifies, validates, hashes and commits.
 * It must never call a platform. Start reading at webhooks.ts, then group-commit.ts.
 */
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { saysUnstorable, type Ledger } from '../ledger/index.ts';
import { alertOperating, alertReading, type AlertOptions } from './alerts.ts';
import type { AuditLog } from './audit.ts';
import { auditReading } from './audit-log.ts';
import { authorise, MOST_WRONG_TOKENS, type GuardOptions as AccessOptions } from './authorise.ts';
import { erasureRoutes, type ErasureOptions } from './erasures.ts';
import { exposureOperating, exposureReading, type ExposureOptions } from './exposures.ts';
import { guardRoutes, type GuardOptions } from './guard.ts';
import { healthRoutes, metricsRoutes } from './health.ts';
import { descriptionRoutes } from './openapi/routes.ts';
import { quarantineOperating, quarantineReading, type QuarantineOptions } from './quarantine.ts';
import { readingRoutes, type ReadingOptions } from './reading.ts';
import type { Watchdog } from './watchdog.ts';
import { webhookRoutes, type DoorOptions } from './webhooks.ts';
import { WrongTokens } from './wrong-tokens.ts';

export { listen, type Listener } from './http-listener.ts';
export { DoorCounter } from './door-counter.ts';
export { GroupCommit } from './group-commit.ts';
export { AuditLog, auditedBy, auditedOf, shortText, type Audited, type Described } from './audit.ts';
export { describeAudit, type AuditView } from './audit-log.ts';
export { authorise, isLoopback, isOpen, type GuardOptions as AccessOptions } from './authorise.ts';
export { callerAddress } from './caller-address.ts';
export { credentialOf, tokenOf, type NamedToken } from './operator-tokens.ts';
export { WrongTokens } from './wrong-tokens.ts';
export { eventFromBody, withoutEmail, type EventContext, type Identify, type Understood } from './event-from-body.ts';
export { describeKept, type Correction } from './event-from-kept.ts';
export { readActions, type ActionView } from './actions.ts';
export { releaseWaves, type GuardHoldView } from './guard.ts';
export { holdsOf } from './holds.ts';
export { redactText } from './redact.ts';
export { namesFor } from './registry-names.ts';
export { discardQuarantined, replayQuarantined, tryReplay, understandEntry, type ReplayOptions } from './replay.ts';
export { sameText, sign } from './verify-signature.ts';
export { readCost, readWatch, type CostView, type TargetWatch, type Watched } from './watch.ts';
export { Watchdog } from './watchdog.ts';
export { workflowUrl } from './workflow-url.ts';
export { createWorkerApp } from './worker-app.ts';
export type { ImportedLine } from './exposures.ts';
export type { QuarantineEntryDetails, QuarantineEntryView } from './quarantine.ts';
export type { EntryResult } from './replay.ts';
export type { DoorSource } from './webhooks.ts';

export interface AppOptions extends DoorOptions, ReadingOptions, QuarantineOptions, ExposureOptions, ErasureOptions, AlertOptions, GuardOptions, AccessOptions {
  ledger: Ledger;
  watchdog: Watchdog;
  audit: AuditLog;
  /** The pages for people, with guards of their own (src/console). */
  console?: RequestHandler;
  /** The process has been asked to stop and answers only what still comes. */
  isDraining: () => boolean;
}

/** Puts the routes together; listens nowhere yet. */
export function createApp(given: AppOptions): Express {
  const options: AppOptions = { ...given, wrongTokens: new WrongTokens(MOST_WRONG_TOKENS) };
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_request, response, next) => {
    // Whoever keeps a connection open opens the next one elsewhere.
    if (options.isDraining()) response.set('Connection', 'close');
    next();
  });
  app.use(webhookRoutes(options));
  app.use(healthRoutes(options.watchdog, options.isDraining));
  if (options.console) {
    app.get('/', (_request, response) => {
      response.redirect('/console');
    });
    // The address in the messages of alerts; browsers keep what stands behind the #.
    app.get('/runbook', (_request, response) => {
      response.redirect('/console/runbook');
    });
    app.use('/console', options.console);
  }
  app.use(descriptionRoutes(options.policies.types));
  app.use(quarantineOperating(options));
  app.use(erasureRoutes(options));
  app.use(guardRoutes(options));
  app.use(exposureOperating(options));
  app.use(alertOperating(options));
  app.use(auditReading(options));
  app.use(authorise('reading', options));
  app.use(readingRoutes(options));
  app.use(quarantineReading(options));
  app.use(exposureReading(options));
  app.use(alertReading(options));
  app.use(metricsRoutes(options.metrics, options.ledger, options.policies));
  app.use((request, response) => {
    response.status(404).json({ problem: `there is no ${request.method} ${request.path.slice(0, 200)}` });
  });
  app.use(answerErrors(options));
  return app;
}

const UNSTORABLE = 'the request holds a value that cannot be stored or looked for: a NUL character, or a number or day that does not exist';

/** Errors of the body reader carry a status of their own; what the ledger cannot take is the sender's to mend; everything else is a 503 for whoever may try again, and a log line. */
function answerErrors({ logger }: AppOptions): ErrorRequestHandler {
  return (error: Error & { status?: number; type?: string }, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const unstorable = saysUnstorable(error);
    const status = unstorable ? 400 : error.status !== undefined && error.status >= 400 && error.status < 500 ? error.status : 503;
    if (unstorable) logger.warn({ err: error, path: request.path }, 'A request holds a value that the ledger cannot take.');
    if (status === 503) logger.error({ err: error, path: request.path }, 'A request failed.');
    // The parser quotes the place of the mistake, which may be a person's.
    const problem = error.type === 'entity.parse.failed' ? 'the body is not JSON' : error.type === 'entity.too.large' ? 'the body is too large (at most 256 KiB)' : status === 503 ? 'not available right now: try again' : unstorable ? UNSTORABLE : error.message;
    if (status === 503) response.set('Retry-After', '5');
    response.status(status).json({ status: status === 503 ? 'unavailable' : 'invalid', problem });
  };
}
