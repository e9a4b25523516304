import { continueAsNew, defineQuery, proxyActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { TargetRef } from '../domain/registry.ts';
import { RESYNC_QUERY, type ResyncInput, type ResyncTarget, type SizeReport } from './contract.ts';
import { describeResync } from './describe-resync.ts';
import { failureReportOf } from './failure-report.ts';

const { countForResync, markForResync } = proxyActivities<Activities>({ summary: 'marks members to be pushed again', startToCloseTimeout: '1m', retry: { maximumInterval: '1m' } });
const { readSize } = proxyActivities<Activities>({ summary: 'asks the platform for the size', startToCloseTimeout: '1m', retry: { maximumAttempts: 5 } });
const { awaitPushed } = proxyActivities<Activities>({ summary: 'waits until they have been pushed', startToCloseTimeout: '10m', heartbeatTimeout: '30s', retry: { maximumInterval: '1m' } });

const progress = defineQuery<ResyncTarget[]>(RESYNC_QUERY);
/** Members that are marked in one step. */
const CHUNK = 2_000;
/** How long the details may be old while pushes go on: at first, and once it lasts. Milliseconds. */
const LOOK_EVERY_MS = 10_000;
const LOOK_LATER_EVERY_MS = 300_000;
const LOOKS_AT_FIRST = 30;

/**
 * Makes every member of an audience pending again at some or all of its targets, waits until they have been pushed, and asks the
 * platforms for the audience's size when told to. The syncs do the pushing, removals first as always; so a resync may be cancelled at any time, and goes on where it was after any crash.
 */
export async function resync(input: ResyncInput): Promise<ResyncTarget[]> {
  const { audienceKey, withFormer } = input;
  const targets = input.targets.map((target) => ({ ...target }));
  setHandler(progress, () => targets, { description: 'How far the resync is, for each target.' });
  const show = (): void => {
    setCurrentDetails(describeResync(audienceKey, targets));
  };
  const refOf = ({ destination }: ResyncTarget): TargetRef => ({ destination, audienceKey });

  const mark = async (target: ResyncTarget): Promise<void> => {
    target.members ??= await countForResync({ ...refOf(target), withFormer });
    show();
    while (target.after !== null) {
      const { marked, last, at } = await markForResync({ ...refOf(target), withFormer, after: target.after, limit: CHUNK });
      Object.assign(target, { marked: target.marked + marked, after: last, markedAt: at });
      show();
    }
  };
  const untilPushed = async (target: ResyncTarget): Promise<void> => {
    for (let looks = 0; target.pending !== 0 && !workflowInfo().continueAsNewSuggested; looks++) {
      target.pending = await awaitPushed({ ...refOf(target), markedAt: target.markedAt ?? 0, forMs: looks < LOOKS_AT_FIRST ? LOOK_EVERY_MS : LOOK_LATER_EVERY_MS });
      show();
    }
  };

  const verify = async (target: ResyncTarget): Promise<void> => {
    target.size = await readSize(refOf(target)).catch((error: unknown): SizeReport => {
      const { cause, cure } = failureReportOf(error);
      return { verdict: 'untold', message: `does not answer: ${cause}. ${cure}`.trim(), takenIn: 0, told: null };
    });
    show();
  };

  for (const target of targets) await mark(target);
  await Promise.all(targets.map(untilPushed));
  if (targets.some(({ pending }) => pending !== 0)) await continueAsNew<typeof resync>({ ...input, targets });
  if (input.verify) await Promise.all(targets.map(verify));
  return targets;
}
