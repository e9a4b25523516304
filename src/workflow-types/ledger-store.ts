import type { TargetRef } from '../domain/registry.ts';
import type { Ledger } from '../ledger/index.ts';
import type { TypeStore } from './type-store.ts';

/** Of one answer: what a step returns stays in the workflow's history. */
const MOST_LISTED = 1_000;

/** The port over the ledger. @param wake tells syncs that something is pending */
export const ledgerStore = (ledger: Ledger, wake: (targets: readonly TargetRef[]) => void): TypeStore => ({
  apply: async (event) => {
    const { outcomes, wakes } = await ledger.applyEvents([{ kind: 'event', event }]);
    wake(wakes);
    const [outcome] = outcomes;
    if (!outcome) throw new Error('the ledger gave no outcome for an event');
    return outcome;
  },
  count: (which) => ledger.countEventsOf(which),
  last: async (which) => (await ledger.listEventsOf(which, 1))[0] ?? null,
  list: (which) => ledger.listEventsOf(which, MOST_LISTED),
  known: (eventIds) => ledger.findKnown(eventIds),
  personsOf: (personId) => ledger.personsOf(personId),
});
