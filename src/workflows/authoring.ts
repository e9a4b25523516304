/**
 * `headgate/workflow`: what the workflow of a type is written with (docs/new-workflow-type.md). Runs in Temporal's sandbox. What
 * Temporal itself offers comes from here too, so that a type imports from one place.
 */
import { proxyActivities, sleep, type ActivityInterfaceFor, type ActivityOptions } from '@temporalio/workflow';
import { msToNumber, type Duration } from '@temporalio/common/lib/time.js';
import { QUEUES } from './contract.ts';
import type { About, Emit, EmitInput, Emitted, EventsInput, FoundEvent, TellEntityInput, Told } from './type-contract.ts';

// A type's patches are its own; Headgate's stand in patches.ts.
 
export { deprecatePatch, patched } from '@temporalio/workflow';
export {
  allHandlersFinished, condition, continueAsNew, defineQuery, defineSignal, defineUpdate, isCancellation, log, makeContinueAsNewFunc,
  setCurrentDetails, setHandler, sleep, upsertSearchAttributes, uuid4, workflowInfo, ApplicationFailure, CancellationScope,
} from '@temporalio/workflow';
export type { Duration } from '@temporalio/common/lib/time.js';
export type { About, Emit, Emitted, EventInput, FoundEvent, StartingEvent, Told } from './type-contract.ts';

/** The steps that Headgate gives every type, besides a type's own. */
interface OwnSteps {
  emit: (input: EmitInput) => Promise<Emitted>;
  countEvents: (input: EventsInput) => Promise<number>;
  lastEvent: (input: EventsInput) => Promise<FoundEvent | null>;
  listEvents: (input: EventsInput) => Promise<FoundEvent[]>;
  tellEntity: (input: TellEntityInput) => Promise<Told>;
}

/** Tried again for as long as it takes, at a civil pace; a worker that was killed is noticed by its silence. */
const PATIENTLY: ActivityOptions = { taskQueue: QUEUES.steps, startToCloseTimeout: '1m', heartbeatTimeout: '15s', retry: { initialInterval: '1s', maximumInterval: '5m' } };

const own = proxyActivities<OwnSteps>(PATIENTLY);

/**
 * The type's own activities: `const { lookUpOrder } = steps<Activities>();`. Each is tried again until it succeeds, unless it throws
 * `ApplicationFailure.nonRetryable`. @param options as Temporal's own, where these do not suit, such as `{ startToCloseTimeout: '10m' }`
 */
export function steps<Activities extends object>(options: ActivityOptions = {}): ActivityInterfaceFor<Activities> {
  return proxyActivities<Activities>({ ...PATIENTLY, ...options });
}

/**
 * Decides a further event about the same person, as if a webhook had brought it: this is how a type acts. A `cio.forward` reaches a tool of
 * headgate.yaml with all the patience of Headgate. It happens once for each `suffix` of the event (or, by `oncePer`, of the person).
 */
export const emit = ({ event, personId }: About, what: Emit): Promise<Emitted> =>
  own.emit({ event, personId, emit: { ...what, occurredAt: what.occurredAt ?? Date.now() } });

/** A rolling window: `within` back from `until`, which is by default the time of the event that started the workflow. */
export interface Window {
  /** The name of the events: `shop.refund`. */
  event: string;
  /** Of `cio.forward`: only those to this action. */
  action?: string;
  /** `60 days`, or milliseconds. */
  within: Duration;
  /** Milliseconds since the epoch; itself part of the window. */
  until?: number;
}

/** How many events of a name the person had in a window: from the ledger, so those count too that came before the type existed. */
export const countEvents = (about: About, window: Window): Promise<number> => own.countEvents(eventsIn(about, window));

/** The newest event of a name in a window, or null. */
export const lastEvent = (about: About, window: Window): Promise<FoundEvent | null> => own.lastEvent(eventsIn(about, window));

/** The events of a name in a window, newest first: a thousand at most. */
export const listEvents = (about: About, window: Window): Promise<FoundEvent[]> => own.listEvents(eventsIn(about, window));

function eventsIn({ event: { occurredAt }, personId }: About, { event, action, within, until = occurredAt }: Window): EventsInput {
  return { personId, event, ...(action === undefined ? {} : { action }), from: until - msToNumber(within), until };
}

/**
 * Signals an entity workflow, one for each person (or `key`), which lives for weeks and is told what happens. With `start` it is started where none runs.
 * After a failure it may be told twice.
 */
export const tellEntity = ({ personId }: About, what: Omit<TellEntityInput, 'personId'>): Promise<Told> => own.tellEntity({ ...what, personId });

/** Sleeps until a time (milliseconds since the epoch); returns at once when it is over. @param summary for the Temporal UI */
export async function sleepUntil(at: number, summary?: string): Promise<void> {
  const ms = at - Date.now();
  if (ms > 0) await sleep(ms, summary === undefined ? undefined : { summary });
}
