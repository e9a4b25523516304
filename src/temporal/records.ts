/** What Temporal remembers: which event workflows were started and with what, and how forwards ended. For noticing and mending a restore. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { EVENT_ID_PATTERN, type HeadgateEvent } from '../domain/event.ts';
import { QUEUES, type Forwarded, type LifeboatInput, type MonitorResult } from '../workflows/contract.ts';
import { eventOfStart } from './event-start.ts';

/** Of the newest runs of the monitor so many are looked at: those of older versions tell no beat. */
const MOST_LOOKED_AT = 5;
/** gRPC NOT_FOUND: the history is gone. */
const NOT_FOUND = 5;

export interface StartedWorkflow {
  workflowId: string;
  runId: string;
  type: string;
  /** A batch that the ledger could not take when it came. */
  isLifeboat: boolean;
}

const LIFEBOATS = 'headgate/lifeboat/';
const ERASURES = 'headgate/erase/';

export class TemporalRecords {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** The newest beat of a ledger that Temporal was told, with the time when; undefined when it knows of none. */
  async newestBeat(): Promise<{ ledger: string; beat: number; at: number } | undefined> {
    let looked = 0;
    for await (const { workflowId, runId, startTime } of this.#list("WorkflowType = 'monitor' AND ExecutionStatus = 'Completed'", MOST_LOOKED_AT)) {
      const result = (await this.#client.workflow.getHandle(workflowId, runId).result()) as MonitorResult;
      if (result.beat) return { ...result.beat, at: startTime.getTime() };
      if (++looked >= MOST_LOOKED_AT) return undefined;
    }
    return undefined;
  }

  /** Event workflows and lifeboats that were started in [from, until), in no order. Times in milliseconds since the epoch. */
  async *startedBetween(from: number, until: number): AsyncGenerator<StartedWorkflow> {
    const range = `StartTime >= '${new Date(from).toISOString()}' AND StartTime < '${new Date(until).toISOString()}'`;
    for await (const { workflowId, runId, type } of this.#list(`TaskQueue IN (${quoted([QUEUES.events, QUEUES.steps])}) AND ${range}`)) {
      const isLifeboat = workflowId.startsWith(LIFEBOATS);
      if (isLifeboat || EVENT_ID_PATTERN.test(workflowId)) yield { workflowId, runId, type, isLifeboat };
    }
  }

  /** The event that a workflow was started for; undefined when its history is gone, or it was started for something else. */
  async eventOf(started: StartedWorkflow): Promise<{ event: HeadgateEvent; personId: string | null } | undefined> {
    return eventOfStart(started.workflowId, started.type, await this.#inputOf(started));
  }

  /** What a lifeboat holds; undefined when its history is gone. */
  async batchOf(started: StartedWorkflow): Promise<LifeboatInput | undefined> {
    return (await this.#inputOf(started)) as LifeboatInput | undefined;
  }

  async #inputOf({ workflowId, runId }: StartedWorkflow): Promise<unknown> {
    const { workflowService, options } = this.#client;
    const { payloadCodecs, payloadConverter } = options.loadedDataConverter;
    try {
      const { history } = await workflowService.getWorkflowExecutionHistory({ namespace: options.namespace, execution: { workflowId, runId }, maximumPageSize: 1 });
      let payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      // A history that is read as it is has been through no codec yet.
      for (const codec of payloadCodecs.toReversed()) payloads = await codec.decode(payloads);
      const [first] = payloads;
      return first && payloadConverter.fromPayload(first);
    } catch (error) {
      if ((error as { code?: unknown }).code === NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** Those of the events that Temporal has no workflow for, as far as it can be found by now. */
  async absentOf(eventIds: readonly string[]): Promise<string[]> {
    const found = new Set<string>();
    if (eventIds.length > 0) for await (const { workflowId } of this.#list(`WorkflowId IN (${quoted(eventIds)})`)) found.add(workflowId);
    return eventIds.filter((id) => !found.has(id));
  }

  /** What became of those of the events that went to an action, and whose workflow has ended. */
  async settledForwards(eventIds: readonly string[]): Promise<Map<string, Forwarded['forward']>> {
    const settled = new Map<string, Forwarded['forward']>();
    if (eventIds.length === 0) return settled;
    for await (const { workflowId, runId } of this.#list(`WorkflowType = 'forward' AND ExecutionStatus = 'Completed' AND WorkflowId IN (${quoted(eventIds)})`)) {
      const { forward } = (await this.#client.workflow.getHandle(workflowId, runId).result()) as Forwarded;
      settled.set(workflowId, forward);
    }
    return settled;
  }

  /** Erasures that were asked for since then, with whose they are where that was noted. */
  async erasuresSince(since: number): Promise<{ erasureId: string; personIds: string[] }[]> {
    const found = new Map<string, string[]>();
    for await (const { workflowId, memo } of this.#list(`WorkflowType = 'erase' AND StartTime >= '${new Date(since).toISOString()}'`)) {
      found.set(workflowId.slice(ERASURES.length), (memo?.['personIds'] as string[] | undefined) ?? []);
    }
    return [...found].map(([erasureId, personIds]) => ({ erasureId, personIds }));
  }

  #list(query: string, pageSize = 500): AsyncIterable<WorkflowExecutionInfo> {
    return this.#client.workflow.list({ query, pageSize });
  }
}

/** Event ids hold no quotes (EVENT_ID_PATTERN). */
const quoted = (ids: readonly string[]): string => ids.map((id) => `'${id}'`).join(', ');
