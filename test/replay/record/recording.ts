/** Takes histories from Temporal while stories are told, and writes them down once all are told. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { until } from '../../support/until.ts';
import { fileNameOf, HISTORIES, type HistoryEvent } from '../histories.ts';
import { scrub } from './scrub.ts';

/** For a slow machine: recording is done by hand, once for each release. */
const PATIENCE_MS = 120_000;

export interface Kept {
  workflowId: string;
  runId?: string;
  /** What makes this path: events that must be in it, such as `TIMER_FIRED`. */
  holds?: readonly string[];
}

export class Recording {
  readonly #client: () => Client;
  readonly #kept = new Map<string, HistoryEvent[]>();

  constructor(client: () => Client) {
    this.#client = client;
  }

  /** Keeps a run's history once nothing of it is under way, as `<workflow>-<path>.json`. Throws when the run did not take the path. */
  async keep(path: string, { workflowId, runId, holds = [] }: Kept): Promise<void> {
    const read = (): Promise<HistoryEvent[]> => this.#read(workflowId, runId);
    const events = await until(read, (found) => isQuiet(found) && holds.every((type) => has(found, type)), PATIENCE_MS).catch(async (error: unknown) => {
      const types = (await read()).map(({ eventType }) => shortType(eventType));
      throw new Error(`${workflowId} did not take the path "${path}"${holds.length === 0 ? '' : `, which has ${holds.join(', ')}`}: ${types.join(' ')}`, { cause: error });
    });
    const workflow = events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name ?? '';
    this.#kept.set(`${fileNameOf(workflow)}-${path}`, scrub(events));
  }

  /** How often something is in a run's history so far. */
  async count(workflowId: string, type: string): Promise<number> {
    return (await this.#read(workflowId)).filter(({ eventType }) => shortType(eventType) === type).length;
  }

  async #read(workflowId: string, runId?: string): Promise<HistoryEvent[]> {
    const history = await this.#client().workflow.getHandle(workflowId, runId).fetchHistory();
    return (JSON.parse(historyToJSON(history)) as { events: HistoryEvent[] }).events;
  }

  /** Replaces what was there of this version. @returns how many files it wrote */
  async write(version: string): Promise<number> {
    const folder = new URL(`${version}/`, HISTORIES);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    // A line for each event, so that a changed one is seen in a diff.
    for (const [name, events] of this.#kept) await writeFile(new URL(`${name}.json`, folder), `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`);
    return this.#kept.size;
  }
}

const shortType = (type: string): string => type.replace(/^EVENT_TYPE_/, '');
const has = (events: readonly HistoryEvent[], type: string): boolean => events.some(({ eventType }) => shortType(eventType) === type);

interface OfActivity {
  scheduledEventId?: string;
}

/** No step and no activity is under way. */
function isQuiet(events: readonly HistoryEvent[]): boolean {
  if (/WORKFLOW_TASK_(SCHEDULED|STARTED|FAILED|TIMED_OUT)$/.test(events.at(-1)?.eventType ?? '')) return false;
  const open = new Set<string>();
  for (const event of events) {
    if (event.eventType.endsWith('ACTIVITY_TASK_SCHEDULED')) open.add(String(event['eventId']));
    const ended = /ACTIVITY_TASK_(COMPLETED|FAILED|TIMED_OUT|CANCELED)$/.test(event.eventType) && Object.values(event).find((value): value is OfActivity => typeof value === 'object' && value !== null && 'scheduledEventId' in value);
    if (ended) open.delete(String(ended.scheduledEventId));
  }
  return open.size === 0 || /WORKFLOW_EXECUTION_(COMPLETED|CONTINUED_AS_NEW|FAILED)$/.test(events.at(-1)?.eventType ?? '');
}
