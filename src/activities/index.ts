/**
 * Steps that reach outside a workflow, one a file, built from injected parts. An activity may run twice, so each of them may.
 * It must never decide anything that domain/ can decide. Start reading at push.ts.
 */
import { createActionStanding } from './action-standing.ts';
import { createApplyLifeboat } from './apply-lifeboat.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { createErase } from './erase.ts';
import { createExportRows } from './export-rows.ts';
import { createExportStanding } from './export-standing.ts';
import { createExpire } from './expire.ts';
import { createFillTarget } from './fill-target.ts';
import { createFollowUp } from './follow-up.ts';
import { createMonitor } from './monitor.ts';
import { createPush } from './push.ts';
import { createReadBack } from './read-back.ts';
import { createReadSizes } from './read-sizes.ts';
import { createReconcile } from './reconcile.ts';
import { createResync } from './resync.ts';
import { createRetire } from './retire.ts';
import { createRewindow } from './rewindow.ts';
import { createSendForwards } from './send-forwards.ts';
import { createSettleForward } from './settle-forward.ts';
import { createSettle } from './settle.ts';
import { createTargetStanding } from './target-standing.ts';
import { createWriteAudit } from './write-audit.ts';

export { noticeRestore } from './notice-restore.ts';
export type { ActivityDependencies } from './dependencies.ts';

export function createActivities(dependencies: ActivityDependencies) {
  return {
    ...createSettle(dependencies),
    ...createExpire(dependencies),
    ...createApplyLifeboat(dependencies),
    ...createPush(dependencies),
    ...createFollowUp(dependencies),
    ...createTargetStanding(dependencies),
    ...createReadBack(dependencies),
    ...createReconcile(dependencies),
    ...createResync(dependencies),
    ...createReadSizes(dependencies),
    ...createFillTarget(dependencies),
    ...createRetire(dependencies),
    ...createRewindow(dependencies),
    ...createErase(dependencies),
    ...createExportRows(dependencies),
    ...createExportStanding(dependencies),
    ...createMonitor(dependencies),
    ...createSettleForward(dependencies),
    ...createSendForwards(dependencies),
    ...createActionStanding(dependencies),
    ...createWriteAudit(dependencies),
  };
}

/** For workflows, which import this type only. */
export type Activities = ReturnType<typeof createActivities>;
