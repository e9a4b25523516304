/**
 * Every change of a workflow that may be asleep somewhere, behind `patched()`: only here, so that one page says what old runs still do.
 *
 * A run that began before such a change goes the old way to its end, a newer one the new way; both stand in the code until the old way may go. The
 * replay test (test/replay/replay.test.ts) fails when a change should have been here. To add one: an entry in PATCHES, a predicate below it, and in the
 * workflow `if (itIsSo()) newWay(); else oldWay();`. Asking costs two events of a run's history, once; in a loop that runs for ever ask once for each run
 * and keep the answer, because a run keeps the first one for good. docs/releasing.md says more, and how an entry goes.
 */
import { patched } from '@temporalio/workflow';

export interface Patch {
  /** Stands in histories: never changed, never used again. */
  id: string;
  /** The day of the change, and the first version that has it. */
  since: string;
  version: string;
  /** Which workflow does what since then, and what it did before. */
  changed: string;
  /** The day from which on no run can be left that began before the change, and why not. Then the old way goes and the entry with it. */
  mayGoOn: string;
  because: string;
}

export const PATCHES = {
  pauseStaysShown: {
    id: 'a-pause-stays-shown',
    since: '2026-11-30',
    version: '0.1.0',
    changed: 'audienceSync: what a push comes to no longer ends a pause that was asked for while it was under way. Before, the sync showed and reported what the push came to.',
    mayGoOn: '2027-12-01',
    because: 'a sync hands over to a new run after 250 events, which takes months where hardly anybody enters or leaves',
  },
} as const satisfies Record<string, Patch>;

/** Whether a pause outlasts what the push that was under way comes to. */
export const pauseStaysShown = (): boolean => patched(PATCHES.pauseStaysShown.id);
