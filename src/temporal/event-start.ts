/** What an event's workflow is called, where it runs, and what it is given. */
import type { Decision, HeadgateEvent } from '../domain/event.ts';
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
