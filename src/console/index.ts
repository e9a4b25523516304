/**
 * The console: pages for people, rendered here, below `/console`. It shows what the ledger says and does what the api and the command
 * line do, by the same functions. It must never call a platform or Temporal by itself. Start reading at desk.ts, then overview.ts.
 */
import { Router, type ErrorRequestHandler } from 'express';
import { saysUnstorable } from '../ledger/index.ts';
import { actionRoutes } from './actions.ts';
import { alertRoutes } from './alerts.ts';
import { serveAsset } from './assets.ts';
import { audienceRoutes } from './audience.ts';
import { auditRoutes } from './audit.ts';
import { Desk } from './desk.ts';
import { eventRoutes } from './event.ts';
import { protect } from './headers.ts';
import { html } from './html.ts';
import { liveRoutes } from './live.ts';
import { notFound } from './not-found.ts';
import type { ConsoleOptions } from './options.ts';
import { overviewRoutes } from './overview.ts';
import { personRoutes } from './person.ts';
import { quarantineRoutes } from './quarantine.ts';
import { runbookRoutes } from './runbook.ts';
import { Seal, sealingKey } from './seal.ts';
import { signInRoutes } from './sign-in.ts';
import { targetRoutes } from './targets.ts';
import { tryRoutes } from './try.ts';
import { watchRoutes } from './watch.ts';
import { BASE } from './words.ts';

export type { ConsoleOptions, TargetActions } from './options.ts';

/** To be mounted at `/console`. */
export function createConsole(options: ConsoleOptions): Router {
  const desk = new Desk(options, new Seal(sealingKey(options)));
  const router = Router();
  router.use(protect);
  router.get('/assets/:file', serveAsset);
  router.use(desk.receive);
  router.use(signInRoutes(options, desk));
  const pages = [overviewRoutes, alertRoutes, actionRoutes, audienceRoutes, personRoutes, eventRoutes, quarantineRoutes, liveRoutes, tryRoutes, runbookRoutes, auditRoutes];
  for (const routes of [...pages, watchRoutes, targetRoutes]) router.use(routes(options, desk));
  router.use(desk.page('reader', () => notFound('There is no such page', html`<p><a href="${BASE}">To the overview</a></p>`)));
  router.use(sayWhatFailed(options, desk));
  return router;
}

function sayWhatFailed({ logger, ledger }: ConsoleOptions, desk: Desk): ErrorRequestHandler {
  return (error: Error & { status?: number }, request, response, next) => {
    if (response.headersSent || response.locals['visit'] === undefined) {
      next(error);
      return;
    }
    const status = saysUnstorable(error) ? 400 : error.status !== undefined && error.status >= 400 && error.status < 500 ? error.status : 503;
    if (status === 503) logger.error({ err: error, path: request.path }, 'A page of the console could not be made.');
    const why = status === 413 ? 'What was sent is too large.' : status < 500 ? 'The request cannot be read.'
      : ledger.connection.isUp ? 'Something went wrong; the log of this process says what.' : 'The ledger (Postgres) does not answer. Events go to the lifeboat meanwhile, and nothing is lost.';
    desk.send(response, { title: status === 503 ? 'Not available right now' : 'Not done', status, body: html`<p>${why}</p><p><a href="${request.method === 'GET' ? request.originalUrl : BASE}">${request.method === 'GET' ? 'Try again' : 'To the overview'}</a></p>` });
  };
}
