/** What the registry asks of members, decided by the ledger in the same transaction as events are. */
import type { Applicable } from '../ledger/index.ts';
import { targetKey, targetOf, type Policies, type Target, type TargetRef } from '../domain/registry.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** Returns how many of the items changed something. */
export async function keepUp({ ledger, wake }: ActivityDependencies, items: readonly Applicable[]): Promise<number> {
  const { outcomes, wakes } = await ledger.applyEvents(items);
  wake(wakes);
  return outcomes.filter((outcome) => outcome.kind === 'decided' && outcome.decision.status !== 'superseded').length;
}

/** Throws when this worker's registry has no such target: while processes are replaced, another worker may have it. */
export function ownTarget(policies: Policies, ref: TargetRef): Target {
  const target = targetOf(policies, ref);
  if (!target) throw new Error(`this worker's headgate.yaml has no target ${targetKey(ref)}; tried again, also by other workers`);
  return target;
}
