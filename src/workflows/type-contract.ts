/** What the workflow of a type (docs/new-workflow-type.md) and the steps that Headgate gives it say to each other. No import of Temporal here. */
import type { HeadgateEvent, JsonObject } from '../domain/event.ts';

/** The event that started a workflow. Its attributes are the workflow's `data`. */
export type StartingEvent = Omit<HeadgateEvent, 'attributes' | 'type'>;

/** Input of a type's workflow. @typeParam Data what its schema makes of the event's attributes */
export interface EventInput<Data> {
  event: StartingEvent;
  data: Data;
  /** Who the event is about, as the ledger knows them. */
  personId: string;
}

/** Whom a step is about: any workflow's own input will do, also what an entity workflow was started with. */
export type About = Pick<EventInput<unknown>, 'event' | 'personId'>;

/** What a workflow decides: a further event about the same person. */
export interface Emit {
  /** Tells the events of one workflow apart. The new event's id is `<event_id>~<suffix>`, so it happens once, however often the step runs. */
  suffix: string;
  /** `person`: the id is `<person id>~<suffix>`, so it happens once however many workflows of the person decide it, at once or later. Default: `event`. */
  oncePer?: 'event' | 'person';
  /** `cio.forward`, `cio.audience_add`, `cio.audience_remove`, `cio.exposure`, or the event of a workflow type. */
  event: string;
  /** Of `cio.forward`: an action of headgate.yaml. */
  action?: string;
  /** An audience of headgate.yaml; `cio.audience_add` and `cio.audience_remove` need one. */
  audienceKey?: string;
  /** Of `cio.exposure`: what you call it. */
  exposure?: string;
  attributes?: JsonObject;
  /** Campaign and journey, for forwards and for the analyst. Default: that of the event which started the workflow. */
  context?: JsonObject;
  /** Milliseconds since the epoch. Default: now. */
  occurredAt?: number;
}

/** Input of the step `emit`. */
export interface EmitInput extends About {
  emit: Emit & { occurredAt: number };
}

export interface Emitted {
  eventId: string;
  /** As the door answers: `applied`, `superseded`, `held_out`, `expired`, `duplicate`. */
  status: string;
}

/** Input of the steps that look into the ledger: events of that name about this person, after `from` and up to `until` (milliseconds). */
export interface EventsInput {
  personId: string;
  event: string;
  /** Only `cio.forward` events to this action. */
  action?: string;
  from: number;
  until: number;
}

export interface FoundEvent {
  eventId: string;
  /** Milliseconds since the epoch. */
  occurredAt: number;
}

/** Input of the step `tellEntity`. */
export interface TellEntityInput {
  personId: string;
  /** The entity workflow, as a workflow.ts exports it. */
  workflow: string;
  signal: string;
  payload?: unknown;
  /** Which one of them. Absent: the person's. */
  key?: string;
  /** What it is started with where none runs. Absent: it is told only if it runs. */
  start?: unknown;
}

export interface Told {
  /** `headgate/entity/<workflow>/<key>` */
  workflowId: string;
  /** `nobody`: none runs, and it was not to be started. */
  told: 'started or told' | 'told' | 'nobody';
}

export const entityWorkflowId = (workflow: string, key: string): string => `headgate/entity/${workflow}/${key}`;
