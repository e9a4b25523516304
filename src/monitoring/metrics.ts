/** Prometheus metrics of one process. Labels have few values: sources, events, audiences, destinations; never persons or ids. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * Makes the metrics of a process. Counters grow where things happen; gauges are set when they are scraped. Each stands in docs/metrics.md, and a test compares.
 * @param others tell metrics of parts that count for themselves, in the text format of Prometheus
 */
export function createMetrics(others: readonly (() => Promise<string>)[] = []) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    /** What Prometheus reads, with its content type. */
    contentType: registry.contentType,
    text: async (): Promise<string> => (await Promise.all([registry.metrics(), ...others.map((other) => other())])).filter((text) => text !== '').join('\n'),
    answers: new Counter({ name: 'headgate_webhook_answers_total', help: 'Webhooks by source and answer.', labelNames: ['source', 'status'], registers }),
    answerSeconds: new Histogram({
      name: 'headgate_webhook_answer_seconds',
      help: 'From the last byte of a webhook to its answer.',
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4],
      registers,
    }),
    shed: new Counter({ name: 'headgate_shed_total', help: 'Webhooks that were answered 503 because the door is full: `memory` (bodies under way), `slow` (cut off: a body that took its time while others needed its room), `waiting` (events that wait for a commit), `stores` (neither the ledger nor Temporal answers).', labelNames: ['reason'], registers }),
    bodyBytes: new Gauge({ name: 'headgate_webhook_body_bytes', help: 'Bytes of webhooks that are being read or decided.', registers }),
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
    held: new Gauge({ name: 'headgate_held_deliveries', help: 'Deliveries that are not pushed for now, because of a mode or because their target is given up.', labelNames: ['destination', 'audience', 'wanted'], registers }),
    guardHeld: new Gauge({ name: 'headgate_guard_held', help: 'Deliveries of a wave that the guard holds until somebody releases it.', labelNames: ['destination', 'audience', 'operation'], registers }),
    audienceSize: new Gauge({ name: 'headgate_audience_size', help: 'Members that Headgate has at a platform (ours) and what the platform last told (theirs_least, theirs_most).', labelNames: ['destination', 'audience', 'whose'], registers }),
    blocked: new Gauge({ name: 'headgate_blocked_removals', help: 'Removals that a platform refuses for now.', labelNames: ['destination', 'audience'], registers }),
    syncState: new Gauge({ name: 'headgate_sync_state', help: '1 for the state that a sync is in.', labelNames: ['destination', 'audience', 'state'], registers }),
    monitorRounds: new Counter({ name: 'headgate_monitor_rounds_total', help: 'Looks of the monitor in this process.', registers }),
    alertChanges: new Counter({ name: 'headgate_alert_changes_total', help: 'Alerts that were raised, got worse, were escalated or recovered, seen by this process.', labelNames: ['rule', 'change'], registers }),
    alertMessages: new Counter({ name: 'headgate_alert_messages_total', help: 'Messages to owners by channel: `sent` or `failed` (and tried again).', labelNames: ['channel', 'result'], registers }),
    alertsOpen: new Gauge({ name: 'headgate_alerts_open', help: 'Alerts that are raised and not over.', labelNames: ['rule', 'level'], registers }),
    exportedRows: new Counter({ name: 'headgate_exported_rows_total', help: 'Exposures that a warehouse has taken from this process.', labelNames: ['exporter'], registers }),
    exportUnsent: new Gauge({ name: 'headgate_export_unsent_rows', help: 'Exposures that a warehouse has not got; more than 10,000 are counted as 10,000.', labelNames: ['exporter'], registers }),
    exportLagSeconds: new Gauge({ name: 'headgate_export_lag_seconds', help: 'Age of the oldest of them, since it was received.', labelNames: ['exporter'], registers }),
    exportFreshnessSeconds: new Gauge({ name: 'headgate_export_freshness_seconds', help: 'Since when a warehouse was last seen to have everything.', labelNames: ['exporter'], registers }),
    exportParked: new Gauge({ name: 'headgate_export_parked_rows', help: 'Exposures that a warehouse refuses, kept with its reason.', labelNames: ['exporter'], registers }),
    exportState: new Gauge({ name: 'headgate_export_state', help: '1 for the state that an export is in.', labelNames: ['exporter', 'state'], registers }),
    forwards: new Counter({ name: 'headgate_forwards_total', help: 'Calls to actions, by what the tool said: `sent`, `refused`, or how it failed.', labelNames: ['action', 'outcome'], registers }),
    forwardSeconds: new Histogram({ name: 'headgate_forward_seconds', help: 'Duration of calls to actions.', labelNames: ['action'], buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20], registers }),
    forwardsWaiting: new Gauge({ name: 'headgate_forwards_waiting', help: 'Events that an action has yet to take.', labelNames: ['action'], registers }),
    forwardsWaitingSeconds: new Gauge({ name: 'headgate_forwards_waiting_oldest_seconds', help: 'Age of the oldest of them.', labelNames: ['action'], registers }),
    forwardsRefused: new Gauge({ name: 'headgate_forwards_refused', help: 'Events that a tool refused, kept with its reason for 30 days.', labelNames: ['action'], registers }),
    actionState: new Gauge({ name: 'headgate_action_state', help: '1 for the state that an action is in.', labelNames: ['action', 'state'], registers }),
    typeStarts: new Counter({ name: 'headgate_type_workflows_started_total', help: 'Workflows of workflow types that this process has started.', labelNames: ['workflow'], registers }),
    typeSteps: new Counter({ name: 'headgate_type_steps_total', help: 'Attempts at steps of workflow types: `done` or `failed` (and tried again).', labelNames: ['workflow', 'step', 'outcome'], registers }),
    quarantined: new Gauge({ name: 'headgate_quarantine_waiting', help: 'Quarantined bodies that wait for a person.', registers }),
    quarantineResolved: new Counter({ name: 'headgate_quarantine_resolved_total', help: 'Quarantined bodies that were replayed or discarded.', labelNames: ['resolution'], registers }),
    overdueWindows: new Gauge({ name: 'headgate_overdue_windows', help: 'Windows that are over while the person is still in; more than 10,000 are counted as 10,000.', registers }),
    overdueSeconds: new Gauge({ name: 'headgate_overdue_oldest_seconds', help: 'For how long the first of them has been over.', registers }),
    sweptAt: new Gauge({ name: 'headgate_sweep_timestamp_seconds', help: 'When this process last finished a sweep. Processes take turns, so the greatest one counts.', registers }),
    processInfo: new Gauge({ name: 'headgate_process_info', help: 'Always 1. `role` is what the process does, `registry` a hash of its headgate.yaml, `version` that of Headgate.', labelNames: ['role', 'registry', 'version'], registers }),
    up: new Gauge({ name: 'headgate_dependency_up', help: '1 while the dependency answers.', labelNames: ['dependency'], registers }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
