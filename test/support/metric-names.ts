/** What may be asked of Prometheus: every series that Headgate, Temporal's SDK and Prometheus itself tell, with its labels. */
import { createMetrics } from '../../src/monitoring/metrics.ts';

export interface Told {
  type: 'counter' | 'gauge' | 'histogram';
  labels: readonly string[];
}

/** Those of Temporal's SDK that docs/metrics.md, the rules and the dashboard speak of. The ones that a well worker has at once are looked for in a real one. */
export const TEMPORAL_METRICS: Readonly<Record<string, Told & { atOnce: boolean }>> = {
  temporal_workflow_task_schedule_to_start_latency_seconds: { type: 'histogram', labels: ['task_queue'], atOnce: true },
  temporal_activity_schedule_to_start_latency_seconds: { type: 'histogram', labels: ['task_queue'], atOnce: true },
  temporal_worker_task_slots_available: { type: 'gauge', labels: ['task_queue', 'worker_type'], atOnce: true },
  temporal_worker_task_slots_used: { type: 'gauge', labels: ['task_queue', 'worker_type'], atOnce: true },
  temporal_workflow_task_execution_failed_total: { type: 'counter', labels: ['workflow_type', 'task_queue', 'failure_reason'], atOnce: false },
  temporal_request_total: { type: 'counter', labels: ['operation'], atOnce: true },
  temporal_request_failure_total: { type: 'counter', labels: ['operation', 'status_code'], atOnce: false },
  temporal_sticky_cache_size: { type: 'gauge', labels: ['task_queue'], atOnce: true },
  temporal_num_pollers: { type: 'gauge', labels: ['task_queue', 'poller_type'], atOnce: true },
};

/** Those of a process of Headgate. */
export function ownMetrics(): Map<string, Told> {
  // The types of prom-client do not show the labels that its metrics have.
  const all = createMetrics().registry.getMetricsAsArray() as unknown as { name: string; type: Told['type']; labelNames?: string[] }[];
  return new Map(all.map(({ name, type, labelNames = [] }) => [name, { type, labels: labelNames }]));
}

/** Every name that a query may use, with the labels that it has besides `job` and `instance`. */
export function seriesNames(): Map<string, readonly string[]> {
  const series = new Map<string, readonly string[]>([['up', []]]);
  for (const [name, { type, labels }] of [...ownMetrics(), ...Object.entries(TEMPORAL_METRICS)]) {
    if (type !== 'histogram') series.set(name, labels);
    else for (const [suffix, more] of [['_bucket', ['le']], ['_sum', []], ['_count', []]] as const) series.set(name + suffix, [...labels, ...more]);
  }
  return series;
}
