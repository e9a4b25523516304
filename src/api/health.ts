/** `/healthz`: this process lives. `/readyz`: it can take events. `/metrics`: what Prometheus scrapes. */
import { Router } from 'express';
import type { Ledger } from '../ledger/index.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import type { Watchdog } from './watchdog.ts';

export function healthRoutes(watchdog: Watchdog): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', (_request, response) => {
    const { ledger, temporal, problems } = watchdog.view;
    response.status(ledger || temporal ? 200 : 503).json({ status: ledger && temporal ? 'ok' : ledger || temporal ? 'degraded' : 'unavailable', ledger, temporal, problems });
  });
  return router;
}

export function metricsRoutes(metrics: Metrics, ledger: Ledger): Router {
  const router = Router();
  router.get('/metrics', async (_request, response) => {
    if (ledger.connection.isUp) await readGauges(metrics, ledger).catch(() => undefined);
    response.set('Content-Type', metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  return router;
}

async function readGauges(metrics: Metrics, ledger: Ledger): Promise<void> {
  const age = (since: number | null): number => (since === null ? 0 : Math.max(0, (Date.now() - since) / 1_000));
  const outbox = await ledger.outboxLag();
  metrics.outboxWaiting.set(outbox.waiting);
  metrics.outboxLagSeconds.set(age(outbox.oldestAt));
  metrics.quarantined.set(await ledger.countQuarantined());
  metrics.pending.reset();
  metrics.pendingAgeSeconds.reset();
  for (const row of await ledger.countPending()) {
    const labels = { destination: row.destination, audience: row.audience_key, wanted: row.wanted };
    metrics.pending.set(labels, row.pending);
    metrics.pendingAgeSeconds.set(labels, age(row.oldest.getTime()));
  }
  metrics.blocked.reset();
  for (const row of await ledger.countBlocked()) metrics.blocked.set({ destination: row.destination, audience: row.audience_key }, row.blocked);
  metrics.syncState.reset();
  for (const target of await ledger.listTargets()) {
    metrics.syncState.set({ destination: target.destination, audience: target.audienceKey, state: target.state }, 1);
  }
}
