/** What goes first, wherever things queue: in the outbox and on Temporal's task queues. 1 is first; Temporal knows 1 to 5. */
import type { BuiltInEventName, EventName } from './event.ts';

export const PRIORITY = { sync: 1, remove: 2, add: 3, exposure: 4, end: 5 } as const;

const PRIORITY_OF_EVENT: Readonly<Record<BuiltInEventName, number>> & Readonly<Record<string, number | undefined>> = {
  'cio.audience_remove': PRIORITY.remove,
  'cio.audience_add': PRIORITY.add,
  'cio.exposure': PRIORITY.exposure,
  'cio.forward': PRIORITY.exposure,
  'cio.report': PRIORITY.exposure,
};

/** Events of workflow types go with the exposures: nobody waits for them at a platform. */
export const priorityOfEvent = (name: EventName): number => PRIORITY_OF_EVENT[name] ?? PRIORITY.exposure;
