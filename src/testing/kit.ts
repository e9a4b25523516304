/**
 * Runs workflow types as production does, on a real Temporal server that skips time: the door's own reading of events, the real workflows in the
 * real sandbox, the same steps. In memory are the ledger, and the tools that events are forwarded to.
 */
import { writeFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { msToNumber, type Duration } from '@temporalio/common/lib/time.js';
import { eventFromBody } from '../api/event-from-body.ts';
import { identifyPerson } from '../destinations/identify-person.ts';
import type { Decision, HeadgateEvent, JsonObject } from '../domain/event.ts';
import type { Problem } from '../domain/quarantine.ts';
import { entityWorkflowId } from '../workflows/type-contract.ts';
import { awaitResult } from './await-result.ts';
import { openTestEnvironment, type TestEnvironment } from './environment.ts';
import type { FailedAttempt, FailingSteps } from './failing-steps.ts';
import type { DecidedEvent, MemoryStore } from './memory-store.ts';
import { replay, writeHistory, type History } from './replay.ts';
import { WebhookFactory, type WebhookOptions } from './webhooks.ts';
import { runTypes, type RunningTypes, type TypesUnderTest } from './run-types.ts';

export type TestKitOptions = TypesUnderTest;

/** The door did not take an event: what it would have answered. */
export class NotAccepted extends Error {
  override readonly name = 'NotAccepted';
  readonly problems: readonly Problem[];

  constructor(event: string, problems: readonly Problem[]) {
    super(`The door does not accept ${event}: ${problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')}`);
    this.problems = problems;
  }
}

/** One event that was sent, and its workflow. */
export interface Run {
  eventId: string;
  /** As the door answers: `applied`, `duplicate`, `test`, …. */
  status: string;
  personId: string;
  /** Of the event's workflow: for signals and queries. */
  handle: WorkflowHandle;
  /** What the workflow returned. Time is skipped while it is waited for; throws what the workflow failed with, and when a step of it goes on failing. */
  result: <T = unknown>() => Promise<T>;
  history: () => Promise<History>;
}

/** A further event that a workflow decided. */
export interface EmittedEvent {
  eventId: string;
  /** The event whose workflow decided it. */
  emittedBy: string;
  event: string;
  action?: string;
  audienceKey?: string;
  personId: string | null;
  customerId?: string;
  occurredAt: Date;
  attributes: JsonObject;
  context: JsonObject;
}

const NAP_MS = 20;
/** Where time does not skip, a test may sleep this long. */
const LONGEST_REAL_SLEEP_MS = 10_000;
const PATIENCE_MS = 30_000;

export class TestKit {
  readonly #server: TestEnvironment;
  readonly #types: RunningTypes;
  readonly #store: MemoryStore;
  readonly #failing: FailingSteps;
  readonly #closing = new AbortController();
  /** Makes the bodies that `send` sends, and people. */
  readonly webhooks = new WebhookFactory();

  private constructor(server: TestEnvironment, types: RunningTypes) {
    this.#server = server;
    this.#types = types;
    this.#store = types.store;
    this.#failing = types.failing;
  }

  /** See `createTestKit`. */
  static async create(options: TestKitOptions): Promise<TestKit> {
    const server = await openTestEnvironment((line) => void process.stderr.write(`${line}\n`));
    try {
      return new TestKit(server, await runTypes(server.environment, options));
    } catch (error) {
      await server.environment.teardown();
      throw error;
    }
  }

  /** Why time does not skip on this machine, and what to install; undefined where it does. */
  get whyNoSkipping(): string | undefined {
    return this.#server.whyNoSkipping;
  }

  /** At the beginning of a test that sleeps: skips it, and says why, where time does not skip. @param context what Vitest (or `node:test`) gives each test */
  needsTimeSkipping(context: { skip: (note?: string) => void }): void {
    if (this.whyNoSkipping !== undefined) context.skip(`time cannot be skipped here. ${this.whyNoSkipping}`);
  }

  /** What time the server has: that of the machine, and all that was skipped. */
  async now(): Promise<Date> {
    return new Date(await this.#server.environment.currentTimeMs());
  }

  /**
   * Sends an event as a webhook would bring it, and starts its workflow. Throws NotAccepted with every mistake in it. An event that is known already starts
   * nothing: its `status` is `duplicate`.
   */
  async send(event: string, options: WebhookOptions = {}): Promise<Run> {
    const { decided, status } = await this.#decide(event, options, true);
    return this.#run(decided.event, status, decided.decision);
  }

  /** Puts an event into the ledger and starts nothing: as if its workflow had not come to it yet, or its signal had been lost. */
  async remember(event: string, options: WebhookOptions = {}): Promise<void> {
    await this.#decide(event, options, false);
  }

  async #decide(event: string, options: WebhookOptions, starts: boolean): Promise<{ decided: DecidedEvent; status: string }> {
    const now = await this.#server.environment.currentTimeMs();
    const body = this.webhooks.body(event, options, now);
    const { policies } = this.#types;
    const understood = eventFromBody(JSON.stringify(body), {
      source: 'test', people: 'test', receivedAt: now,
      hasAudience: (key) => policies.audiences.has(key),
      hasAction: (name) => policies.actions?.has(name) ?? false,
      types: policies.types,
      identify: (person) => identifyPerson(person, []),
    });
    if ('problems' in understood) throw new NotAccepted(event, understood.problems);
    const { eventId } = understood.event;
    const outcome = await this.#store.apply(understood.event, { starts });
    if (outcome.kind === 'conflict') throw new NotAccepted(event, [{ path: 'event_id', message: `${eventId} is that of another event, ${outcome.known.name}` }]);
    if (outcome.kind === 'unknown_audience') throw new NotAccepted(event, [{ path: 'audience_key', message: `there is no ${outcome.audienceKey}` }]);
    const { decision } = outcome;
    return { decided: { event: understood.event, decision }, status: outcome.kind === 'duplicate' ? 'duplicate' : decision.status };
  }

  #run({ eventId }: HeadgateEvent, status: string, { personId }: Decision): Run {
    const handle = this.handle(eventId);
    return {
      eventId, status, personId: personId ?? '', handle,
      result: <T>() => this.resultOf<T>(handle),
      history: () => handle.fetchHistory(),
    };
  }

  /** What a workflow returned, as `result` of a run: of an entity, say. */
  async resultOf<T = unknown>(handle: WorkflowHandle): Promise<T> {
    return this.#wait(() => awaitResult(handle, this.#server) as Promise<T>);
  }

  /** Lets time pass: what is due meanwhile happens, in order. @param duration such as `60 days`, or milliseconds */
  async sleep(duration: Duration): Promise<void> {
    if (this.whyNoSkipping !== undefined && msToNumber(duration) > LONGEST_REAL_SLEEP_MS) throw new Error(`Time cannot be skipped here. ${this.whyNoSkipping} Begin the test with kit.needsTimeSkipping(context).`);
    await this.#wait(() => this.#server.environment.sleep(duration));
  }

  /** A call that is still open when the kit is closed must not be tried again on a closed connection. */
  #wait<T>(work: () => Promise<T>): Promise<T> {
    return this.#failing.unlessOneKeepsFailing(this.#types.client.withAbortSignal(this.#closing.signal, work));
  }

  /** Waits until something holds that workflows bring about, without skipping time. Throws with what was seen last. */
  async until<T>(look: () => T | Promise<T>, holds: (seen: T) => boolean = Boolean): Promise<T> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const seen = await this.#failing.unlessOneKeepsFailing(Promise.resolve(look()));
      if (holds(seen)) return seen;
      if (Date.now() > end) throw new Error(`This did not become true within ${String(PATIENCE_MS / 1_000)} s; seen last: ${JSON.stringify(seen)}`);
      await new Promise((resolve) => setTimeout(resolve, NAP_MS));
    }
  }

  /** The workflow of an id: for signals, queries and descriptions. */
  handle(workflowId: string): WorkflowHandle {
    return this.#types.client.workflow.getHandle(workflowId);
  }

  /** A person's entity workflow. @param key of `tellEntity`; by default the person's id */
  entity(workflow: string, key: string): WorkflowHandle {
    return this.handle(entityWorkflowId(workflow, key));
  }

  /** What workflows sent to tools. */
  readonly actions = {
    /** What `cio.forward` events would have carried to the action, oldest first. @param customerId only what is about them */
    calls: (action: string, customerId?: string): EmittedEvent[] =>
      this.emitted().filter((one) => one.event === 'cio.forward' && one.action === action && (customerId === undefined || one.customerId === customerId)),
  };

  /** All events that workflows decided, oldest first. */
  emitted(): EmittedEvent[] {
    return this.#store.decided.flatMap(({ event, decision }) => (event.emittedBy === undefined ? [] : [shown(event, event.emittedBy, decision)]));
  }

  /** Whether a person is in an audience by what was sent and decided. */
  isIn(personId: string, audienceKey: string): boolean {
    return this.#store.isIn(personId, audienceKey);
  }

  /** Attempts at steps that failed. */
  get failedAttempts(): readonly FailedAttempt[] {
    return this.#failing.attempts;
  }

  /** Runs saved histories again with today's workflows: see `replay` in docs/testing-workflow-types.md. Returns how many there were. */
  async replay(from: History | string): Promise<number> {
    return replay(this.#types.bundle, from);
  }

  /** Saves a run's history for `replay`, as `temporal workflow show -w ID --output json` writes it. */
  async save(run: Pick<Run, 'history'>, file: string): Promise<void> {
    await writeFile(file, writeHistory(await run.history()));
  }

  /** Ends the workers and the server. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#types.stop();
    await this.#server.environment.teardown();
  }
}

function shown(event: HeadgateEvent, emittedBy: string, { personId }: Decision): EmittedEvent {
  const { eventId, name, action, audienceKey, person, occurredAt, attributes, context } = event;
  return {
    eventId, emittedBy, event: name, personId, occurredAt: new Date(occurredAt), attributes, context,
    ...(action === undefined ? {} : { action }),
    ...(audienceKey === undefined ? {} : { audienceKey }),
    ...(person.customerId === undefined ? {} : { customerId: person.customerId }),
  };
}

/** Loads workflow types with the checks of production and runs them. Takes a second or two: one for each test file is enough; people keep tests apart. */
export const createTestKit = (options: TestKitOptions): Promise<TestKit> => TestKit.create(options);
