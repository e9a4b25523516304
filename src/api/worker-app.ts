/** What a worker process tells of itself: `/healthz`, `/readyz` and `/metrics`, nothing else. */
import express, { type Express } from 'express';
import type { Metrics } from '../monitoring/metrics.ts';
import { VERSION } from '../version.ts';
import { authorise, MOST_WRONG_TOKENS } from './authorise.ts';
import { WrongTokens } from './wrong-tokens.ts';

export interface WorkerAppOptions {
  /** What it listens on. */
  host: string;
  /** Of the metrics; health needs none. */
  readToken: string | undefined;
  /** Its workers ask Temporal for work. False before that, and while the process ends. */
  isPolling: () => boolean;
  isLedgerUp: () => boolean;
  metrics: Metrics;
}

/** Puts the routes together; listens nowhere yet. */
export function createWorkerApp({ host, readToken, isPolling, isLedgerUp, metrics }: WorkerAppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok', version: VERSION });
  });
  app.get('/readyz', (_request, response) => {
    const ledger = isLedgerUp();
    // A worker waits for its ledger by itself, so that is no reason to take it away.
    response.status(isPolling() ? 200 : 503).json({ status: !isPolling() ? 'not polling' : ledger ? 'ok' : 'degraded', ledger });
  });
  app.use(authorise('reading', { host, readToken, operatorTokens: [], wrongTokens: new WrongTokens(MOST_WRONG_TOKENS) }));
  app.get('/metrics', async (_request, response) => {
    response.set('Content-Type', metrics.contentType).send(await metrics.text());
  });
  app.use((request, response) => {
    response.status(404).json({ problem: `there is no ${request.method} ${request.path.slice(0, 200)} in a worker` });
  });
  return app;
}
