/** What each target holds: by the registry's modes, and by what was given up. */
import { holdOf, type Hold } from '../domain/holding.ts';
import { targetKey, type Policies, type TargetRef } from '../domain/registry.ts';
import type { Ledger, TargetStanding } from '../ledger/index.ts';

type Holds = (target: TargetRef) => Hold;

export function holdsOf(standings: readonly TargetStanding[], policies: Policies): Holds {
  const lives = new Map(standings.map((standing) => [targetKey(standing), standing.life]));
  return (target) => holdOf(policies, target, lives.get(targetKey(target)) ?? 'active');
}

/** For whoever has not read how the targets stand. */
export const readHolds = async (ledger: Ledger, policies: Policies): Promise<Holds> => holdsOf(await ledger.listTargets(), policies);
