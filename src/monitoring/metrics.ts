/** Prometheus metrics of one process. Labels have few values: sources, events, audiences, destinations; never persons or ids. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Makes the metrics of a process. Counters grow where things happen; gauges are set when they are scraped. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    answers: new Counter({ name: 'headgate_webhook_answers_total', help: 'Webhooks by source and answer.', labelNames: ['source', 'status'], registers }),
    answerSeconds: new Histogram({
      name: 'headgate_webhook_answer_seconds',
      help: 'From the last byte of a webhook to its answer.',
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4],
      registers,
    }),
    commitEvents: new Histogram({ name: 'headgate_commit_events', help: 'Events of one group commit.', buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500], registers }),
    commitSeconds: new Histogram({ name: 'headgate_commit_seconds', help: 'Duration of one group commit.', buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1], registers }),
    lifeboatEvents: new Counter({ name: 'headgate_lifeboat_events_total', help: 'Events that went to the lifeboat because the ledger did not answer.', registers }),
    relayed: new Counter({ name: 'headgate_relay_total', help: 'Outbox entries carried to Temporal.', labelNames: ['action', 'result'], registers }),
    wakes: new Counter({ name: 'headgate_wakes_total', help: 'Wake signals sent to syncs.', labelNames: ['result'], registers }),
    swept: new Counter({ name: 'headgate_sweep_expired_total', help: 'Windows ended by the sweep instead of by their workflow.', registers }),
    pushes: new Counter({ name: 'headgate_pushes_total', help: 'Calls to platforms.', labelNames: ['destination', 'operation', 'outcome'], registers }),
    pushedMembers: new Counter({ name: 'headgate_pushed_members_total', help: 'Members by what the platform said of them.', labelNames: ['destination', 'operation', 'outcome'], registers }),
    pushSeconds: new Histogram({ name: 'headgate_push_seconds', help: 'Duration of calls to platforms.', labelNames: ['destination'], buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20], registers }),
    outboxWaiting: new Gauge({ name: 'headgate_outbox_waiting', help: 'Events whose workflow has yet to be started.', registers }),
    outboxLagSeconds: new Gauge({ name: 'headgate_outbox_lag_seconds', help: 'Age of the oldest of them.', registers }),
    pending: new Gauge({ name: 'headgate_pending_deliveries', help: 'Deliveries that a platform has yet to accept.', labelNames: ['destination', 'audience', 'wanted'], registers }),
    pendingAgeSeconds: new Gauge({ name: 'headgate_pending_oldest_seconds', help: 'Age of the oldest of them.', labelNames: ['destination', 'audience', 'wanted'], registers }),
    blocked: new Gauge({ name: 'headgate_blocked_removals', help: 'Removals that a platform refuses for now.', labelNames: ['destination', 'audience'], registers }),
    syncState: new Gauge({ name: 'headgate_sync_state', help: '1 for the state that a sync is in.', labelNames: ['destination', 'audience', 'state'], registers }),
    quarantined: new Gauge({ name: 'headgate_quarantine_waiting', help: 'Quarantined bodies that wait for a person.', registers }),
    up: new Gauge({ name: 'headgate_dependency_up', help: '1 while the dependency answers.', labelNames: ['dependency'], registers }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
