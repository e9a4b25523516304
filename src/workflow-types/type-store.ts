import type { HeadgateEvent } from '../domain/event.ts';
import type { ItemOutcome } from '../domain/fold-batch.ts';
import type { EventsInput, FoundEvent } from '../workflows/type-contract.ts';

/** What the steps of workflow types need of the ledger. The testing kit keeps the same in memory. */
export interface TypeStore {
  /** Decides an event as the door does. `refused`: the data itself cannot be stored. */
  apply: (event: HeadgateEvent) => Promise<ItemOutcome | { kind: 'refused'; problem: string }>;
  /** Counts events of the person, and of whoever was merged into them. */
  count: (which: EventsInput) => Promise<number>;
  /** The newest one of them. */
  last: (which: EventsInput) => Promise<FoundEvent | null>;
  /** They themselves, newest first; a thousand at most. */
  list: (which: EventsInput) => Promise<FoundEvent[]>;
  /** One of these events that is decided already; null when none is. */
  known: (eventIds: readonly string[]) => Promise<string | null>;
  /** The person as merges left them, first, and all who were merged into them. */
  personsOf: (personId: string) => Promise<string[]>;
}
