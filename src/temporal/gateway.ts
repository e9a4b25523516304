/** Everything that Headgate asks of Temporal from outside a workflow: starting, signalling, asking whether it is there. */
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { AuditEntry } from '../domain/audit.ts';
import { describeEvent } from '../domain/describe.ts';
import type { Decision, HeadgateEvent } from '../domain/event.ts';
import { PRIORITY, priorityOfEvent } from '../domain/priority.ts';
import { targetKey, type TargetRef } from '../domain/registry.ts';
import type { Entities } from '../workflow-types/entities.ts';
import { createEntities } from './entities.ts';
import { eventStart } from './event-start.ts';
import {
  ACTION_UPDATES,
  auditWorkflowId,
  actionWorkflowId,
  eraseWorkflowId,
  EXPORT_UPDATES,
  exportWorkflowId,
  fillWorkflowId,
  jobWorkflowId,
  lifeboatWorkflowId,
  MONITOR_SCHEDULE,
  QUEUES,
  RESYNC_QUERY,
  resyncWorkflowId,
  sizesWorkflowId,
  SUPERSEDED_SIGNAL,
  SYNC_SIGNALS,
  SYNC_UPDATES,
  syncWorkflowId,
  type ActionQueueInput,
  type AuditInput,
  type EraseInput,
  type ExportInput,
  type JobResult,
  type LifeboatInput,
  type ReadSizesInput,
  type RegistryJob,
  type ResyncInput,
  type ResyncTarget,
  type SearchAttributeName,
  type SizesRead,
  type SyncInput,
} from '../workflows/contract.ts';
import { messageOf } from './failure-text.ts';
import { reconcileWorkflowId, type ReconcileInput, type ReconcileResult } from '../workflows/contract-reconcile.ts';
import { TemporalRecords } from './records.ts';

export interface TemporalGatewayOptions {
  client: Client;
  /** Start event workflows in this process at once; needs a worker of the same connection in it. */
  eager: boolean;
  /** Temporal refused what a call says (gRPC INVALID_ARGUMENT): it may have been set up anew, without Headgate's search attributes. */
  onRefused?: () => void;
}

/** gRPC INVALID_ARGUMENT. */
const REFUSED = 3;

/** A job that was asked for, as the terminal follows it. It goes on without. */
export interface FollowedJob<Result = JobResult> {
  workflowId: string;
  /** Resolves when it has ended. */
  result: () => Promise<Result>;
  /** How far it is, in words. Throws when no worker answers. */
  progress: () => Promise<string>;
}

/** No call waits longer for Temporal, in milliseconds. */
const DEADLINE_MS = 10_000;
/** The door waits for the lifeboat, and Customer.io for the door. */
const LIFEBOAT_DEADLINE_MS = 2_000;

/** What gRPC says of a message that is larger than Temporal reads: by its code it would be an outage. */
const TOO_LARGE = /message.* larger than max/;

/** The client wraps what gRPC says in an error of its own. */
export function isRefused(error: unknown): boolean {
  const { code, cause, message } = error as { code?: unknown; cause?: { code?: unknown; message?: unknown }; message?: unknown };
  return code === REFUSED || cause?.code === REFUSED || [message, cause?.message].some((text) => typeof text === 'string' && TOO_LARGE.test(text));
}

function attributes(values: Partial<Record<SearchAttributeName, string | null | undefined>> & Record<string, string | null | undefined>): SearchAttributePair[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value ? [{ key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value }] : [],
  );
}

export class TemporalGateway {
  /** For the steps of workflow types. */
  readonly entities: Entities;
  readonly #client: Client;
  readonly #eager: boolean;
  readonly #onRefused: () => void;
  /** What Temporal remembers of what was started. */
  readonly records: TemporalRecords;

  constructor({ client, eager, onRefused = () => undefined }: TemporalGatewayOptions) {
    this.#client = client;
    this.entities = createEntities(client);
    this.#eager = eager;
    this.#onRefused = onRefused;
    this.records = new TemporalRecords(client);
  }

  /** Starts the event's workflow, whose id is the event id. One that exists already counts as started. */
  async startEvent(event: HeadgateEvent, decision: Decision): Promise<'started' | 'already started'> {
    const { workflow, taskQueue, input } = eventStart(event, decision);
    try {
      await this.#within(DEADLINE_MS, () =>
        this.#client.workflow.start(workflow, {
          workflowId: event.eventId,
          taskQueue,
          args: [input],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
          requestEagerStart: this.#eager,
          priority: { priorityKey: priorityOfEvent(event.name) },
          staticSummary: describeEvent(event, decision),
          typedSearchAttributes: attributes({
            ...event.type?.attributes,
            EventName: event.name,
            AudienceKey: event.audienceKey,
            PersonId: decision.personId,
            Source: event.source,
          }),
        }),
      );
      return 'started';
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return 'already started';
      throw error;
    }
  }

  /** Tells the workflow of an add that a newer decision has replaced it. One that has ended already is fine. */
  async endEvent(eventId: string): Promise<void> {
    try {
      await this.#within(DEADLINE_MS, () => this.#client.workflow.getHandle(eventId).signal(SUPERSEDED_SIGNAL));
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  /** Wakes the sync of a target, and starts it when there is none. */
  async wakeSync(target: TargetRef, signal: keyof typeof SYNC_SIGNALS = 'wake'): Promise<void> {
    const input: SyncInput = { destination: target.destination, audienceKey: target.audienceKey };
    await this.#within(DEADLINE_MS, () =>
      this.#client.workflow.signalWithStart('audienceSync', {
        workflowId: syncWorkflowId(target.destination, target.audienceKey),
        taskQueue: QUEUES.sync,
        args: [input],
        signal: SYNC_SIGNALS[signal],
        priority: { priorityKey: PRIORITY.sync },
        staticSummary: `keeps ${targetKey(target)} equal to the ledger`,
        typedSearchAttributes: attributes({ AudienceKey: target.audienceKey, Destination: target.destination, SyncState: 'ok' }),
      }),
    );
  }

  /** Makes sure that an action's queue runs, and looks. */
  async wakeAction(action: string, signal: keyof typeof SYNC_SIGNALS = 'wake'): Promise<void> {
    const input: ActionQueueInput = { action };
    await this.#within(DEADLINE_MS, () =>
      this.#client.workflow.signalWithStart('actionQueue', {
        workflowId: actionWorkflowId(action),
        taskQueue: QUEUES.sync,
        args: [input],
        signal: SYNC_SIGNALS[signal],
        priority: { priorityKey: PRIORITY.add },
        staticSummary: `sends events to ${action}`,
        typedSearchAttributes: attributes({ Destination: action, SyncState: 'ok' }),
      }),
    );
  }

  /** Asks an action's queue to do something a person wants. Throws when there is none, or nobody works for it. */
  async updateAction(action: string, update: keyof typeof ACTION_UPDATES): Promise<string> {
    return this.#update(actionWorkflowId(action), ACTION_UPDATES[update], `queue of the action ${action}`);
  }

  /** Asks the sync of a target to do something a person wants. Throws when there is no such sync, or nobody works for it. */
  async updateSync(target: TargetRef, update: keyof typeof SYNC_UPDATES, argument?: unknown): Promise<string> {
    return this.#update(syncWorkflowId(target.destination, target.audienceKey), SYNC_UPDATES[update], `sync of ${targetKey(target)}`, argument);
  }

  /** Starts a resync of an audience at some of its destinations; returns its workflow's id. */
  async startResync(audienceKey: string, destinations: readonly string[], { withFormer = false, verify = false }: Partial<Pick<ResyncInput, 'withFormer' | 'verify'>> = {}): Promise<string> {
    const targets = destinations.map((destination): ResyncTarget => ({ destination, members: null, marked: 0, after: '', markedAt: null, pending: null }));
    const input: ResyncInput = { audienceKey, withFormer, verify, targets };
    const workflowId = resyncWorkflowId(audienceKey, new Date());
    await this.#within(DEADLINE_MS, () =>
      this.#client.workflow.start('resync', {
        workflowId,
        taskQueue: QUEUES.sync,
        args: [input],
        staticSummary: `pushes every member of ${audienceKey} again to ${destinations.join(', ')}`,
        typedSearchAttributes: attributes({ AudienceKey: audienceKey }),
      }),
    );
    return workflowId;
  }

  /** How far a resync is, and whether it still runs. */
  async readResync(workflowId: string): Promise<{ targets: ResyncTarget[]; status: string }> {
    const handle = this.#client.workflow.getHandle(workflowId);
    const [{ status }, targets] = await this.#within(DEADLINE_MS, () => Promise.all([handle.describe(), handle.query<ResyncTarget[]>(RESYNC_QUERY)]));
    return { targets, status: status.name };
  }

  /** Has a target filled with the present members of its audience, unless that is under way. */
  async startFill(target: TargetRef): Promise<void> {
    await this.#within(DEADLINE_MS, () =>
      this.#client.workflow.start('fillTarget', {
        workflowId: fillWorkflowId(target),
        taskQueue: QUEUES.sync,
        args: [target],
        workflowIdConflictPolicy: 'USE_EXISTING',
        priority: { priorityKey: PRIORITY.exposure },
        staticSummary: `prepares the present members of ${target.audienceKey} for ${target.destination}`,
        typedSearchAttributes: attributes({ AudienceKey: target.audienceKey, Destination: target.destination }),
      }),
    );
  }

  /** Has platforms asked for the sizes of audiences, unless that is under way; resolves with a way to wait for the end. */
  async startSizes(input: ReadSizesInput = {}): Promise<() => Promise<SizesRead>> {
    const handle = await this.#within(DEADLINE_MS, () =>
      this.#client.workflow.start('readSizes', {
        workflowId: sizesWorkflowId(input),
        taskQueue: QUEUES.sync,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        priority: { priorityKey: PRIORITY.exposure },
        staticSummary: `asks platforms for the size of ${input.audienceKey ?? 'the audiences whose turn it is'}`,
        typedSearchAttributes: attributes({ AudienceKey: input.audienceKey }),
      }),
    );
    return () => handle.result() as Promise<SizesRead>;
  }

  /** Makes sure that an export runs. */
  async startExport(exporter: string): Promise<void> {
    const input: ExportInput = { exporter };
    await this.#within(DEADLINE_MS, () =>
      this.#client.workflow.start('exposureExport', {
        workflowId: exportWorkflowId(exporter),
        taskQueue: QUEUES.sync,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        priority: { priorityKey: PRIORITY.exposure },
        staticSummary: `sends exposures to ${exporter}`,
        typedSearchAttributes: attributes({ Destination: exporter, SyncState: 'ok' }),
      }),
    );
  }

  /** Asks an export to do something a person wants. Throws when there is none, or nobody works for it. */
  async updateExport(exporter: string, update: keyof typeof EXPORT_UPDATES): Promise<string> {
    return this.#update(exportWorkflowId(exporter), EXPORT_UPDATES[update], `export to ${exporter}`);
  }

  /** @param what of the workflow, for people */
  async #update(workflowId: string, update: string, what: string, argument?: unknown): Promise<string> {
    const handle = this.#client.workflow.getHandle(workflowId);
    try {
      return await this.#within(DEADLINE_MS, () => handle.executeUpdate<string, [unknown]>(update, { args: [argument] }));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw new Error(`There is no ${what} yet: is Headgate running, and on this Temporal?`, { cause: error });
      throw error;
    }
  }

  /** Starts what a person asks for because the registry changed; what is under way already is followed. */
  async startJob(job: RegistryJob): Promise<FollowedJob> {
    const workflowId = jobWorkflowId(job);
    const handle = await this.#within(DEADLINE_MS, () =>
      this.#client.workflow.start(job.kind, {
        workflowId,
        taskQueue: QUEUES.sync,
        args: [job.input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        priority: { priorityKey: PRIORITY.remove },
        typedSearchAttributes: attributes({ AudienceKey: job.input.audienceKey }),
      }),
    );
    return {
      workflowId,
      result: () => handle.result() as Promise<JobResult>,
      progress: () => this.#within(DEADLINE_MS, () => this.#progressOf(workflowId)),
    };
  }

  /** Starts bringing the ledger and Temporal together after a restore, or follows what is under way. */
  async startReconcile(input: ReconcileInput): Promise<FollowedJob<ReconcileResult>> {
    const workflowId = reconcileWorkflowId(input);
    const handle = await this.#within(DEADLINE_MS, () =>
      this.#client.workflow.start('reconcile', {
        workflowId,
        taskQueue: QUEUES.sync,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        priority: { priorityKey: PRIORITY.sync },
        staticSummary: `brings the ledger and Temporal together after a restore${input.dryRun ? ' (only counts)' : ''}`,
      }),
    );
    return {
      workflowId,
      result: () => handle.result() as Promise<ReconcileResult>,
      progress: () => this.#within(DEADLINE_MS, () => this.#progressOf(workflowId)),
    };
  }

  /** The newest sign of life of a ledger that Temporal knows. */
  newestBeat(): ReturnType<TemporalRecords['newestBeat']> {
    return this.#within(DEADLINE_MS, () => this.records.newestBeat());
  }

  /** A step that fails and is tried again says more than the workflow, which waits for it. */
  async #progressOf(workflowId: string): Promise<string> {
    const handle = this.#client.workflow.getHandle(workflowId);
    const { raw } = await handle.describe();
    const trouble = raw.pendingActivities?.find(({ lastFailure }) => lastFailure)?.lastFailure;
    if (trouble) return messageOf(this.#client, trouble);
    const { currentDetails } = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    return currentDetails ?? '';
  }

  /**
   * Starts erasing a person. One that runs already goes on; with `anyway` one that does not wait takes its place.
   * @param personIds for a ledger that is restored from before: they stand for nobody afterwards
   */
  async startErasure({ personIds, ...input }: EraseInput & { personIds?: string[] }): Promise<void> {
    await this.#within(DEADLINE_MS, () =>
      this.#client.workflow.start('erase', {
        workflowId: eraseWorkflowId(input.erasureId),
        taskQueue: QUEUES.sync,
        args: [input],
        ...(personIds ? { memo: { personIds } } : {}),
        workflowIdConflictPolicy: input.anyway ? 'TERMINATE_EXISTING' : 'USE_EXISTING',
        priority: { priorityKey: PRIORITY.remove },
        staticSummary: 'erases a person',
      }),
    );
  }

  /** Has an entry of the audit log written by a worker, for commands that have no ledger. Temporal keeps it until then. */
  async writeAudit(entry: AuditEntry & { key: string }): Promise<void> {
    const input: AuditInput = { entries: [entry] };
    await this.#within(DEADLINE_MS, () =>
      this.#client.workflow.start('audit', {
        workflowId: auditWorkflowId(entry.key),
        taskQueue: QUEUES.sync,
        args: [input],
        priority: { priorityKey: PRIORITY.exposure },
        staticSummary: `${entry.who}: ${entry.action} ${entry.subject} (${entry.outcome})`.slice(0, 180),
      }),
    );
  }

  /** How far an erasure is, in words. Throws when no worker answers. */
  readErasureProgress(erasureId: string): Promise<string> {
    return this.#within(DEADLINE_MS, () => this.#progressOf(eraseWorkflowId(erasureId)));
  }

  /** Makes sure that the monitor looks each minute. What was missed while Temporal was away is not made up for. */
  async scheduleMonitor(): Promise<void> {
    await this.#within(DEADLINE_MS, async () => {
      try {
        await this.#client.schedule.create({
          scheduleId: MONITOR_SCHEDULE,
          spec: { intervals: [{ every: '1m' }] },
          policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '2m' },
          action: { type: 'startWorkflow', workflowType: 'monitor', workflowId: MONITOR_SCHEDULE, taskQueue: QUEUES.sync, args: [], workflowRunTimeout: '2m', staticSummary: 'looks for what is wrong and tells owners' },
        });
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      }
    });
  }

  /** Starts one durable workflow with a batch that the ledger could not take. */
  async launchLifeboat(batch: LifeboatInput): Promise<void> {
    await this.#within(LIFEBOAT_DEADLINE_MS, () =>
      this.#client.workflow.start('lifeboat', {
        workflowId: lifeboatWorkflowId(crypto.randomUUID()),
        taskQueue: QUEUES.events,
        args: [batch],
        priority: { priorityKey: PRIORITY.sync },
        staticSummary: `${String(batch.events.length)} events that the ledger could not take`,
      }),
    );
  }

  /** Resolves when Temporal answers. */
  async ask(): Promise<void> {
    await this.#within(DEADLINE_MS, () => this.#client.workflowService.getSystemInfo({}));
  }

  /** The native connection goes on retrying for a while after a deadline, so the deadline is kept here too. */
  async #within<T>(ms: number, call: () => Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new Error(`Temporal did not answer within ${String(ms)} ms`));
    }, ms);
    const answer = this.#client.withDeadline(Date.now() + ms, call);
    answer.catch((error: unknown) => {
      if (isRefused(error)) this.#onRefused();
    });
    try {
      return await Promise.race([answer, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
