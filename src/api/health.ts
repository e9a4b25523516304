/** `/healthz`: this process lives. `/readyz`: it can take events. `/metrics`: what Prometheus scrapes. */
import { Router } from 'express';
import { NOTHING_PENDING, type Hold, type PendingCounts } from '../domain/holding.ts';
import { targetKey, type Policies, type TargetRef } from '../domain/registry.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import { VERSION } from '../version.ts';
import { holdsOf } from './holds.ts';
import type { Watchdog } from './watchdog.ts';

/** @param isDraining the process has been asked to stop: callers shall go elsewhere */
export function healthRoutes(watchdog: Watchdog, isDraining: () => boolean): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok', version: VERSION });
  });
  router.get('/readyz', (_request, response) => {
    const { ledger, temporal, problems } = watchdog.view;
    if (isDraining()) {
      response.status(503).json({ status: 'stopping', ledger, temporal, problems });
      return;
    }
    response.status(ledger || temporal ? 200 : 503).json({ status: ledger && temporal ? 'ok' : ledger || temporal ? 'degraded' : 'unavailable', ledger, temporal, problems });
  });
  return router;
}

export function metricsRoutes(metrics: Metrics, ledger: Ledger, policies: Policies): Router {
  const router = Router();
  router.get('/metrics', async (_request, response) => {
    if (ledger.connection.isUp) await readGauges(metrics, ledger, policies).catch(() => undefined);
    response.set('Content-Type', metrics.contentType).send(await metrics.text());
  });
  return router;
}

async function readGauges(metrics: Metrics, ledger: Ledger, policies: Policies): Promise<void> {
  const age = (since: number | null): number => (since === null ? 0 : Math.max(0, (Date.now() - since) / 1_000));
  const outbox = await ledger.outboxLag();
  metrics.outboxWaiting.set(outbox.waiting);
  metrics.outboxLagSeconds.set(age(outbox.oldestAt));
  metrics.quarantined.set(await ledger.countQuarantined());
  const overdue = await ledger.countOverdue([...policies.audiences.keys()]);
  metrics.overdueWindows.set(overdue.windows);
  metrics.overdueSeconds.set(age(overdue.oldestAt));
  const standings = await ledger.listTargets();
  await readPending(metrics, ledger, holdsOf(standings, policies), age);
  metrics.alertsOpen.reset();
  for (const { rule, level, open } of await ledger.countOpenAlerts()) metrics.alertsOpen.set({ rule, level }, open);
  metrics.blocked.reset();
  for (const row of await ledger.countBlocked()) metrics.blocked.set({ destination: row.destination, audience: row.audience_key }, row.blocked);
  await readExports(metrics, ledger, age);
  await readWatch(metrics, ledger);
  await readActions(metrics, ledger, age);
  metrics.syncState.reset();
  for (const target of standings) {
    metrics.syncState.set({ destination: target.destination, audience: target.audienceKey, state: target.state }, 1);
  }
}

async function readWatch(metrics: Metrics, ledger: Ledger): Promise<void> {
  metrics.guardHeld.reset();
  for (const { destination, audienceKey, operation, held } of await ledger.listGuardHolds()) metrics.guardHeld.set({ destination, audience: audienceKey, operation }, held);
  metrics.audienceSize.reset();
  for (const [reading] of await ledger.listSizes({ perTarget: 1 })) {
    if (!reading) continue;
    const labels = { destination: reading.destination, audience: reading.audienceKey };
    metrics.audienceSize.set({ ...labels, whose: 'ours' }, reading.takenIn);
    if (!reading.told) continue;
    metrics.audienceSize.set({ ...labels, whose: 'theirs_least' }, reading.told.atLeast);
    metrics.audienceSize.set({ ...labels, whose: 'theirs_most' }, reading.told.atMost);
  }
}

async function readExports(metrics: Metrics, ledger: Ledger, age: (since: number | null) => number): Promise<void> {
  for (const gauge of [metrics.exportUnsent, metrics.exportLagSeconds, metrics.exportFreshnessSeconds, metrics.exportParked, metrics.exportState]) gauge.reset();
  for (const { exporter, state, unsent, oldestUnsentAt, caughtUpAt, parked } of await ledger.listExports()) {
    metrics.exportUnsent.set({ exporter }, unsent);
    metrics.exportLagSeconds.set({ exporter }, age(oldestUnsentAt));
    if (caughtUpAt !== null) metrics.exportFreshnessSeconds.set({ exporter }, age(caughtUpAt));
    metrics.exportParked.set({ exporter }, parked);
    metrics.exportState.set({ exporter, state }, 1);
  }
}

async function readActions(metrics: Metrics, ledger: Ledger, age: (since: number | null) => number): Promise<void> {
  for (const gauge of [metrics.forwardsWaiting, metrics.forwardsWaitingSeconds, metrics.forwardsRefused, metrics.actionState]) gauge.reset();
  for (const { action, paused, state, waiting, oldest_waiting: oldest, refused } of await ledger.listActions()) {
    metrics.forwardsWaiting.set({ action }, waiting);
    metrics.forwardsWaitingSeconds.set({ action }, age(oldest?.getTime() ?? null));
    metrics.forwardsRefused.set({ action }, refused);
    metrics.actionState.set({ action, state: paused ? 'paused' : state }, 1);
  }
}

/** What waits for its push, apart from what is held: only the former grows old. */
async function readPending(metrics: Metrics, ledger: Ledger, holds: (target: TargetRef) => Hold, age: (since: number | null) => number): Promise<void> {
  for (const gauge of [metrics.pending, metrics.pendingAgeSeconds, metrics.held]) gauge.reset();
  const targets = new Map<string, { target: TargetRef; all: PendingCounts }>();
  for (const row of await ledger.countPending()) {
    const target = { destination: row.destination, audienceKey: row.audience_key };
    const found = targets.get(targetKey(target)) ?? { target, all: { ...NOTHING_PENDING } };
    found.all[row.wanted] = { count: row.pending, oldestAt: row.oldest.getTime() };
    targets.set(targetKey(target), found);
  }
  for (const { target, all } of targets.values()) {
    const waiting = await ledger.readWaiting(target, all, holds(target));
    for (const wanted of ['in', 'out'] as const) {
      const labels = { destination: target.destination, audience: target.audienceKey, wanted };
      const held = all[wanted].count - waiting[wanted].count;
      if (waiting[wanted].count > 0) metrics.pending.set(labels, waiting[wanted].count);
      if (waiting[wanted].count > 0) metrics.pendingAgeSeconds.set(labels, age(waiting[wanted].oldestAt));
      if (held > 0) metrics.held.set(labels, held);
    }
  }
}
