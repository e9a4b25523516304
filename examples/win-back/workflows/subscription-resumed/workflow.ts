/** Tells the person's entity workflow (../win-back/workflow.ts), where one runs, that they are back. */
import { tellEntity, type EventInput, type Told } from 'headgate/workflow';
import type { Resumed } from './schema.ts';

export async function subscriptionResumed(input: EventInput<Resumed>): Promise<Told> {
  return tellEntity(input, { workflow: 'winBack', signal: 'resumed', payload: { occurredAt: input.event.occurredAt } });
}
