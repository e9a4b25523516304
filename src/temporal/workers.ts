/** The workers of a process: event workflows, syncs, steps that wait for the ledger, calls to actions, and workflow types, each on a queue of its own. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { DataConverter } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import type { Tracing } from '../monitoring/tracing.ts';
import { QUEUES } from '../workflows/contract.ts';
import { bundleTypes, type WorkflowModule } from './bundle-types.ts';
import { silent } from './silent.ts';
import { traceActivities } from './trace-activities.ts';
import { versionedAs, type WorkerDeployment } from './versioning.ts';

export interface WorkersOptions {
  connection: NativeConnection;
  namespace: string;
  dataConverter: DataConverter;
  activities: Activities;
  /** Workflow types, with their steps. Absent: there are none, and nobody looks at their queue. */
  types?: { modules: readonly WorkflowModule[]; activities: object } | undefined;
  tracer?: Tracing;
  /** Which version of which deployment these workers are; absent: they are not versioned, and take whatever there is. */
  deployment?: WorkerDeployment | undefined;
}

export interface RunningWorkers {
  /** Rejects when a worker fails for good. */
  failed: Promise<never>;
  /** Takes no new work, lets what is under way end, and resolves when it has. */
  stop: () => Promise<void>;
}

const GRACE = '10s';
/** Workflows that sleep for days are evicted and read again when they wake, so memory does not grow with open windows. */
const CACHED_WORKFLOWS = 300;
/** Steps that wait for the ledger in this process. */
const PATIENT_SLOTS = 20;
/** Turns of actions in this process; each action has one at a time. */
const FORWARD_SLOTS = 30;
/** Steps of workflow types in this process: a tool that hangs there holds up nothing else. */
const STEP_SLOTS = 30;
/** Local activities at once; each wants a connection of the ledger's pool for a moment. */
const LEDGER_SLOTS = 20;

/** Starts the workers; resolves when they poll. */
export async function runWorkers({ connection, namespace, dataConverter, activities, types, tracer, deployment }: WorkersOptions): Promise<RunningWorkers> {
  const { failureConverterPath } = dataConverter;
  const [workflowBundle, bundleOfTypes] = await Promise.all([
    bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL(`../workflows/index${extname(import.meta.filename)}`, import.meta.url)),
      logger: silent,
      ...(failureConverterPath === undefined ? {} : { failureConverterPath }),
    }),
    types && bundleTypes(types.modules, { failureConverterPath }),
  ]);
  const common: Partial<WorkerOptions> = {
    connection,
    namespace,
    dataConverter,
    shutdownGraceTime: GRACE,
    shutdownForceTime: '20s',
    ...(tracer ? { interceptors: { activity: [traceActivities(tracer)] } } : {}),
    ...(deployment ? { workerDeploymentOptions: versionedAs(deployment) } : {}),
  };
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: QUEUES.events,
      workflowBundle,
      activities,
      enableNonLocalActivities: false,
      maxCachedWorkflows: CACHED_WORKFLOWS,
      maxConcurrentLocalActivityExecutions: LEDGER_SLOTS,
      // Most event workflows have one task, or sleep between two for days: they are rarely found in this worker's cache.
      nonStickyToStickyPollRatio: 0.8,
    }),
    Worker.create({ ...common, taskQueue: QUEUES.sync, workflowBundle, activities, maxCachedWorkflows: CACHED_WORKFLOWS }),
    Worker.create({ ...common, taskQueue: QUEUES.patient, activities, maxConcurrentActivityTaskExecutions: PATIENT_SLOTS }),
    Worker.create({ ...common, taskQueue: QUEUES.forward, activities, maxConcurrentActivityTaskExecutions: FORWARD_SLOTS }),
    ...(types && bundleOfTypes
      ? [Worker.create({ ...common, taskQueue: QUEUES.steps, workflowBundle: bundleOfTypes, activities: types.activities, maxCachedWorkflows: CACHED_WORKFLOWS, maxConcurrentActivityTaskExecutions: STEP_SLOTS })]
      : []),
  ]);
  const runs = workers.map((worker) => worker.run());
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  Promise.all(runs).catch(failed.reject);
  return {
    failed: failed.promise,
    stop: async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(runs);
    },
  };
}
