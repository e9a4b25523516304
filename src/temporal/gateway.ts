/** Everything that Headgate asks of Temporal from outside a workflow: starting, signalling, asking whether it is there. */
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { describeEvent } from '../domain/describe.ts';
import type { Decision, HeadgateEvent } from '../domain/event.ts';
import { PRIORITY, PRIORITY_OF_EVENT } from '../domain/priority.ts';
import { targetKey, type TargetRef } from '../domain/registry.ts';
import {
  lifeboatWorkflowId,
  QUEUES,
  SUPERSEDED_SIGNAL,
  SYNC_SIGNALS,
  SYNC_UPDATES,
  syncWorkflowId,
  WORKFLOW_OF_EVENT,
  type EventWorkflowInput,
  type LifeboatInput,
  type SearchAttributeName,
  type SyncInput,
} from '../workflows/contract.ts';

export interface TemporalGatewayOptions {
  client: Client;
  /** Start event workflows in this process at once; needs a worker of the same connection in it. */
  eager: boolean;
}

/** No call waits longer for Temporal, in milliseconds. */
const DEADLINE_MS = 10_000;
/** The door waits for the lifeboat, and Customer.io for the door. */
const LIFEBOAT_DEADLINE_MS = 2_000;

function attributes(values: Partial<Record<SearchAttributeName, string | null | undefined>>): SearchAttributePair[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value ? [{ key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value }] : [],
  );
}

export class TemporalGateway {
  readonly #client: Client;
  readonly #eager: boolean;

  constructor({ client, eager }: TemporalGatewayOptions) {
    this.#client = client;
    this.#eager = eager;
  }

  /** Starts the event's workflow, whose id is the event id. One that exists already counts as started. */
  async startEvent(event: HeadgateEvent, decision: Decision): Promise<'started' | 'already started'> {
    const input: EventWorkflowInput = { event, decision };
    try {
      await this.#within(DEADLINE_MS, () =>
        this.#client.workflow.start(WORKFLOW_OF_EVENT[event.name], {
          workflowId: event.eventId,
          taskQueue: QUEUES.events,
          args: [input],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
          requestEagerStart: this.#eager,
          priority: { priorityKey: PRIORITY_OF_EVENT[event.name] },
          staticSummary: describeEvent(event, decision),
          typedSearchAttributes: attributes({
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
  async wakeSync(target: TargetRef, callTimeoutMs: number, signal: keyof typeof SYNC_SIGNALS = 'wake'): Promise<void> {
    const input: SyncInput = { destination: target.destination, audienceKey: target.audienceKey, callTimeoutMs };
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

  /** Asks the sync of a target to try rejected and blocked members again. Throws when there is no such sync, or nobody works for it. */
  async retryTarget(target: TargetRef, who: string | undefined): Promise<string> {
    const sync = this.#client.workflow.getHandle(syncWorkflowId(target.destination, target.audienceKey));
    try {
      return await this.#within(DEADLINE_MS, () => sync.executeUpdate<string, [who: string | null]>(SYNC_UPDATES.retry, { args: [who ?? null] }));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw new Error(`There is no sync of ${targetKey(target)} yet: is Headgate running, and on this Temporal?`, { cause: error });
      throw error;
    }
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
    answer.catch(() => undefined);
    try {
      return await Promise.race([answer, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
