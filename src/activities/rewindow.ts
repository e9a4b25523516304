import { formatDuration } from '../domain/registry.ts';
import type { WindowChange } from '../ledger/index.ts';
import type { RewindowInput, Walked } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { keepUp } from './upkeep.ts';
import { walk } from './walk.ts';

/** Steps of giving present members the window that the registry has now. */
export function createRewindow(dependencies: ActivityDependencies) {
  const { ledger, policies } = dependencies;

  /** The window that counts is this worker's; while processes are replaced it may be another one. */
  function assertOwnWindow({ audienceKey, windowMs }: RewindowInput): void {
    const own = policies.audiences.get(audienceKey);
    const shown = (ms: number | null): string => (ms === null ? 'no window' : formatDuration(ms));
    if (!own) throw new Error(`this worker's headgate.yaml has no audience ${audienceKey}; tried again, also by other workers`);
    if (own.windowMs !== windowMs) throw new Error(`this worker's headgate.yaml has ${shown(own.windowMs)} for ${audienceKey}, and the command said ${shown(windowMs)}: restart Headgate with the same headgate.yaml`);
  }

  return {
    async countWindowChange(input: RewindowInput): Promise<WindowChange> {
      assertOwnWindow(input);
      return ledger.countWindowChange(input.audienceKey, input.windowMs);
    },
    async rewindowNext(input: RewindowInput, after: string): Promise<Walked> {
      assertOwnWindow(input);
      const { audienceKey, windowMs } = input;
      return walk(
        dependencies,
        after,
        (from) => ledger.nextToRewindow(audienceKey, windowMs, from),
        (found) => keepUp(dependencies, found.map(({ personId, eventId }) => ({ kind: 'rewindow', personId, audienceKey, eventId, at: Date.now() }))),
      );
    },
  };
}
