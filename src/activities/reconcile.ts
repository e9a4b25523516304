/** Steps of bringing the ledger and Temporal together after a restore (workflows/reconcile.ts). Each may run again anywhere. */
import { setTimeout as wait } from 'node:timers/promises';
import { cancellationSignal } from '@temporalio/activity';
import { targetsOf } from '../domain/registry.ts';
import type { OpenWorkKind } from '../ledger/index.ts';
import type { Walked } from '../workflows/contract.ts';
import type { ReconcileInput, ReconcilePlan } from '../workflows/contract-reconcile.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { noticeRestore } from './notice-restore.ts';
import { keepUp } from './upkeep.ts';
import { whileBeating } from './while-beating.ts';

/** Clocks differ, and a backup shows what was committed a little before its time. Milliseconds. */
const EARLIER_MS = 10 * 60_000;
const LONGEST_MS = 15_000;
const BATCH = 500;
/** Ids in one question to Temporal. */
const ASKED = 100;
/** The relay is not given more than this before it has started some of it. */
const MOST_QUEUED = 5_000;

export function createReconcile(dependencies: ActivityDependencies) {
  const { ledger, policies, actions, gateway, wake, wakeAction, stopping, logger } = dependencies;
  const { records } = gateway;
  const isEnding = (): boolean => stopping.aborted || cancellationSignal().aborted;

  /** Windows that ended meanwhile, so that nobody enters by what was read back only to leave with the next sweep. */
  async function endWindows(): Promise<void> {
    for (;;) {
      const overdue = await ledger.findOverdue([...policies.audiences.keys()], BATCH);
      await keepUp(dependencies, overdue.map((expiry) => ({ kind: 'expire', ...expiry })));
      if (overdue.length < BATCH) return;
    }
  }

  return {
    /** Looks once more whether something was restored, and says from when on Temporal has to be read. */
    async planReconcile({ since, resync, dryRun }: ReconcileInput): Promise<ReconcilePlan> {
      await noticeRestore(dependencies);
      if (resync && !dryRun) await ledger.noteLedgerRestored(since ?? Date.now());
      const open = await ledger.listOpenRestores();
      const ofLedger = open.find(({ what }) => what === 'ledger');
      const ofTemporal = open.find(({ what }) => what === 'temporal');
      const from = since ?? ofLedger?.since ?? null;
      const read = from === null ? null : { since: from - EARLIER_MS, from: from - EARLIER_MS, until: Date.now() };
      return { read, ownSince: since ?? ofTemporal?.since ?? null };
    },

    /** Erasures that the ledger forgot are asked for again, and such as Temporal forgot go on. */
    async takeUpErasures(since: number, dryRun: boolean): Promise<{ again: number; lost: string[] }> {
      const asked = new Map((await records.erasuresSince(since)).map(({ erasureId, personIds }) => [erasureId, personIds]));
      let again = 0;
      const lost: string[] = [];
      for (const erasureId of await ledger.unknownErasures([...asked.keys()])) {
        const personIds = asked.get(erasureId) ?? [];
        if (personIds.length === 0) lost.push(erasureId);
        else if (dryRun || (await ledger.takeUpErasure(erasureId, personIds))) {
          again++;
          if (!dryRun) await gateway.startErasure({ erasureId, anyway: false, personIds });
        }
      }
      return { again, lost };
    },

    /** Events that wait for a tool which has answered already, as Temporal knows. */
    settleForwardsAgain: (after: string, dryRun: boolean): Promise<Walked> =>
      whileBeating(async () => {
        const { eventIds, after: next } = await ledger.nextOpenWork('forwards', after, ASKED, 0);
        const settled = await records.settledForwards(eventIds);
        let changed = 0;
        for (const [eventId, { state, status = null, answer = null, reason = null }] of settled) {
          if (state === 'waiting' || state === 'forgotten') continue;
          changed++;
          if (!dryRun) await ledger.settleForward(eventId, state, { status, answer, reason });
        }
        return { after: next, changed };
      }),

    /** Workflows that have something to do and that Temporal does not know go through the outbox again. */
    startAgain: ({ kind, after, since, dryRun }: { kind: OpenWorkKind; after: string; since: number; dryRun: boolean }): Promise<Walked> =>
      whileBeating(async () => {
        const ends = performance.now() + LONGEST_MS;
        const walked: Walked = { after, changed: 0 };
        while (walked.after !== null && performance.now() < ends && !isEnding()) {
          if (!dryRun && (await ledger.outboxLag()).waiting > MOST_QUEUED) {
            await wait(1_000);
            continue;
          }
          const { eventIds, after: next } = await ledger.nextOpenWork(kind, walked.after, ASKED, since);
          const absent = await records.absentOf(eventIds);
          if (absent.length > 0) walked.changed += dryRun ? absent.length : await ledger.enqueueAgain(absent, policies.types);
          walked.after = next;
        }
        return walked;
      }),

    /** Has everything pushed again where the ledger was restored, and lets go what was held. Returns how many audiences are pushed. */
    async finishReconcile(outcome: string): Promise<number> {
      for (const erasureId of await ledger.listOpenErasures()) await gateway.startErasure({ erasureId, anyway: false });
      await endWindows();
      const wasOld = (await ledger.listOpenRestores()).some(({ what }) => what === 'ledger');
      const audiences = wasOld ? [...policies.audiences.values()].filter(({ targets }) => targets.length > 0) : [];
      for (const { key, targets } of audiences) await gateway.startResync(key, targets.map(({ destination }) => destination), { withFormer: true });
      await ledger.endRestores(outcome);
      wake(targetsOf(policies));
      for (const action of actions.keys()) wakeAction(action);
      logger.info({ outcome }, 'The ledger and Temporal are reconciled.');
      return audiences.length;
    },
  };
}
