/** What stories are told with: the whole service, people who are made up, and the recording. */
import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { FaultName } from '../../../src/sandbox/faults.ts';
import { sha256 } from '../../../src/destinations/user-data.ts';
import { startWiredService, type TestService, type WiredService } from '../../support/service.ts';
import type { Somebody } from '../../support/somebody.ts';
import { until } from '../../support/until.ts';
import { Recording } from './recording.ts';
import { CART, registryOf, type Changes } from './registry.ts';

const SYNC_STATE = defineSearchAttributeKey('SyncState', SearchAttributeType.KEYWORD);
/** For a slow machine. */
export const PATIENCE_MS = 120_000;
export const DAY_S = 86_400;
export const seconds = (): number => Date.now() / 1_000;

export class World {
  readonly #wired: WiredService;
  readonly #taken = new Map<string, number>();
  readonly recording: Recording;
  registry: string;

  private constructor(wired: WiredService, registry: string) {
    this.#wired = wired;
    this.registry = registry;
    this.recording = new Recording(() => wired.service.client);
  }

  /** With everything that a changed registry will have, in the stand-ins. */
  static async start(): Promise<World> {
    const registry = registryOf();
    return new World(await startWiredService({ registry, standIns: registryOf({ more: true }) }), registry);
  }

  get service(): TestService {
    return this.#wired.service;
  }

  stop(): Promise<void> {
    return this.#wired.stop();
  }

  async restart(changes: Changes): Promise<void> {
    this.registry = registryOf(changes);
    await this.service.stopHeadgate();
    await this.service.startHeadgate(this.registry);
  }

  /** `name`, and when a story is told once more `name-2`. */
  #nth(name: string): string {
    const count = (this.#taken.get(name) ?? 0) + 1;
    this.#taken.set(name, count);
    return count === 1 ? name : `${name}-${String(count)}`;
  }

  person(name: string): Somebody {
    const own = this.#nth(name);
    return { person: { email: `${own}@example.com`, customer_id: `c_${own}` }, hash: sha256(`${own}@example.com`) };
  }

  /** Posts an event, to the cart audience if nothing else is said. @returns its id, which the event's workflow has too */
  async post(id: string, body: Record<string, unknown>): Promise<string> {
    const eventId = this.#nth(id);
    const { status, body: answer } = await this.service.post({ event_id: eventId, audience_key: CART, ...body });
    if (status >= 300) throw new Error(`${eventId} was answered ${String(status)}: ${JSON.stringify(answer)}`);
    return eventId;
  }

  handle(workflowId: string): WorkflowHandle {
    return this.service.client.workflow.getHandle(workflowId);
  }

  /** Until a workflow shows a state, as people see it. */
  async shows(workflowId: string, state: string): Promise<void> {
    await until(async () => (await this.handle(workflowId).describe()).typedSearchAttributes.get(SYNC_STATE), (shown) => shown === state, PATIENCE_MS);
  }

  async runs(workflowId: string): Promise<void> {
    await until(() => this.handle(workflowId).describe(), ({ status }) => status.name === 'RUNNING', PATIENCE_MS);
  }

  /** Until something has come about so often in a run. */
  async happened(workflowId: string, type: string, times = 1): Promise<void> {
    await until(() => this.recording.count(workflowId, type), (count) => count >= times, PATIENCE_MS);
  }

  fault(name: string, fault: FaultName | null, { calls, ...more }: { ms?: number; values?: string[]; calls?: number } = {}): void {
    this.service.sandbox.faults.set(name, fault === null ? null : { fault, ms: more.ms ?? 0, values: more.values }, calls);
  }

  /** Until a person's deliveries of an audience have this status. */
  async settled({ person }: Somebody, audienceKey: string, status = 'accepted', wanted = 'in'): Promise<void> {
    await until(
      () => this.service.database.query<{ status: string; wanted: string }>('select status, wanted from deliveries join persons using (person_id) where customer_id = $1 and audience_key = $2', [person.customer_id, audienceKey]),
      (rows) => rows.length > 0 && rows.every((row) => row.status === status && row.wanted === wanted),
      PATIENCE_MS,
    );
  }

  /** The ledger is away while something happens. */
  async withoutLedger(happens: () => Promise<void>): Promise<void> {
    this.#wired.wire.cut();
    try {
      await happens();
    } finally {
      this.#wired.wire.mend();
      await until(() => this.service.parts.ledger.connection.isUp, Boolean, PATIENCE_MS);
    }
  }

  /** Signals that one worker takes in at once: a history grows long without taking long. */
  async signalOften(workflowId: string, signal: string): Promise<void> {
    const many = 260;
    const handle = this.handle(workflowId);
    for (let sent = 0; sent < many; sent += 20) await Promise.all(Array.from({ length: 20 }, () => handle.signal(signal)));
  }

  async runIdOf(workflowId: string): Promise<string> {
    return (await this.handle(workflowId).describe()).runId;
  }

  /** The run that has handed over, and the one that has taken over. */
  async keepBothRuns(workflowId: string, before: string): Promise<void> {
    await until(() => this.runIdOf(workflowId), (runId) => runId !== before, PATIENCE_MS);
    await this.recording.keep('handed-over', { workflowId, runId: before, holds: ['WORKFLOW_EXECUTION_CONTINUED_AS_NEW'] });
    await this.recording.keep('taken-over', { workflowId });
  }
}

/** A path's name in a file: `paused_meanwhile` → `paused-meanwhile`. */
export const pathOf = (name: string): string => name.replaceAll('_', '-');
