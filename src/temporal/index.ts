/**
 * Headgate's side of Temporal: the connection, what is asked of it, and the workers.
 * It must never decide anything. Start reading at gateway.ts.
 */
export { connectNative, connectLazily, readTemporalSettings, type TemporalConnection, type TemporalSettings } from './connect.ts';
export { bundleTypes, TypesUnbundled, type WorkflowModule } from './bundle-types.ts';
export { createEntities } from './entities.ts';
export { isRefused, TemporalGateway, type FollowedJob } from './gateway.ts';
export type { StartedWorkflow, TemporalRecords } from './records.ts';
export { beginAnew, makeMonitorScheduleAnew, readRunsBefore, type RunsBefore } from './open-runs.ts';
export { registerSearchAttributes } from './search-attributes.ts';
export { readRuntimeMetrics } from './runtime.ts';
export { runWorkers, type RunningWorkers } from './workers.ts';
export { currentVersionCommand, type WorkerDeployment } from './versioning.ts';
