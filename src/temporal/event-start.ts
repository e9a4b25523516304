/** What an event's workflow is called, where it runs, and what it is given. */
import type { Decision, HeadgateEvent, JsonObject } from '../domain/event.ts';
import { QUEUES, WORKFLOW_OF_EVENT, type EventWorkflowInput } from '../workflows/contract.ts';
import type { EventInput } from '../workflows/type-contract.ts';

export interface EventStart {
  workflow: string;
  taskQueue: string;
  input: EventWorkflowInput | EventInput<unknown>;
}

/** The event of a workflow type says itself what it starts, so this process need not have the type. */
export function eventStart(event: HeadgateEvent, decision: Decision): EventStart {
  if (!event.type) return { workflow: WORKFLOW_OF_EVENT[event.name as keyof typeof WORKFLOW_OF_EVENT], taskQueue: QUEUES.events, input: { event, decision } };
  const { type, attributes, ...starting } = event;
  return { workflow: type.workflow, taskQueue: QUEUES.steps, input: { event: starting, data: attributes, personId: decision.personId ?? '' } };
}

/** The event and whose it was, of what a workflow was started with; undefined when that is no event's: another workflow on the same queue, or a later run under another input. */
export function eventOfStart(eventId: string, workflow: string, input: unknown): { event: HeadgateEvent; personId: string | null } | undefined {
  const { event, decision, data, personId } = (input ?? {}) as Partial<EventWorkflowInput & EventInput<JsonObject>>;
  if (event?.eventId !== eventId) return undefined;
  if (decision) return { event, personId: decision.personId };
  return data === undefined ? undefined : { event: { ...event, attributes: data, type: { workflow } }, personId: personId === '' ? null : (personId ?? null) };
}
