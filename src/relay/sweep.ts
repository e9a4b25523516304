/**
 * The sweep: ends windows that are overdue although no workflow did, and wakes syncs that sleep on pending rows, so that
 * both happen even if Temporal's database were lost; takes people out of audiences that were given up, moves members to the arm that changed
 * shares of holdouts give them, and has new targets filled.
 * Runs in every process, each minute, one at a time.
 */
import { targetKey, type Audience, type TargetRef } from '../domain/registry.ts';
import type { FoundMember, Ledger, Slice } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';

export interface SweepOptions {
  ledger: Ledger;
  /** Those of this process' registry. */
  audiences: readonly Audience[];
  wake: (targets: readonly TargetRef[]) => void;
  /** The targets of this process' registry, and what starts to fill one with the present members of its audience. */
  filling?: { targets: readonly TargetRef[]; start: (target: TargetRef) => Promise<void> };
  /** The exporters of this process' registry, and what makes sure that one runs. */
  exporting?: { exporters: readonly string[]; start: (exporter: string) => Promise<void> };
  /** Makes sure that the monitor is scheduled. */
  scheduleMonitor?: () => Promise<void>;
  /** The targets whose sizes are read, how often (milliseconds), and what starts that. */
  sizes?: { targets: readonly TargetRef[]; everyMs: number; start: () => Promise<unknown> };
  /** The actions of this process' registry that send, and what wakes the queue of one. */
  acting?: { actions: readonly string[]; wake: (action: string) => void };
  /** Who this process is, for the list of running processes. */
  self: { processId: string; role: string; registryHash: string };
  logger: Logger;
  metrics: Metrics;
  /** Default a minute, in milliseconds. */
  everyMs?: number;
}

const BATCH = 500;
/** Finished pushes are kept this long, to look things up. Days. */
const KEEP_PUSHES_DAYS = 30;
/** What went to actions is kept so long after it was settled. Days. */
const KEEP_FORWARDS_DAYS = 30;
/** Quarantined bodies are kept this long after they were resolved. Days. */
const KEEP_RESOLVED_QUARANTINE_DAYS = 90;
/** An hour is held against the same hour of four earlier weeks. Days. */
const KEEP_DOOR_COUNTS_DAYS = 36;
const KEEP_BACKLOGS_DAYS = 7;
/** What operators did. Days. */
const KEEP_AUDIT_DAYS = 730;
/** Alerts that are over, with their messages. Days. */
const KEEP_ALERTS_DAYS = 180;
/** Removals that a platform refuses (a small audience, a flag) are tried again so often. Milliseconds. */
const RETRY_BLOCKED_MS = 15 * 60_000;
const STANDING_RETRY_MS = 2_000;
/** Sizes that platforms told are kept this long. Days. */
const KEEP_SIZES_DAYS = 90;
/** What calls carried is kept a little longer than what is asked of it. Days. */
const KEEP_FLOW_DAYS = 35;
/** So long a round moves members to other arms, so that windows are not kept waiting; the next one goes on. Milliseconds. */
const LONGEST_REARM_MS = 20_000;

export class Sweep {
  readonly #options: SweepOptions;
  #timer: NodeJS.Timeout | undefined;
  #standingTimer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #othersSeen = '';

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** Sweeps now and then each minute. */
  start(): void {
    const again = async (): Promise<void> => {
      this.#running = this.sweepOnce();
      await this.#running;
      if (!this.#stopped) this.#timer = setTimeout(() => void again(), this.#options.everyMs ?? 60_000);
    };
    void again();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    clearTimeout(this.#standingTimer);
    await this.#options.ledger.retireProcess(this.#options.self.processId).catch(() => undefined);
  }

  /** One round. Never fails: what could not be done is done in the next round. */
  async sweepOnce(): Promise<void> {
    const { ledger, logger, metrics } = this.#options;
    try {
      await this.#announce();
      const swept = await ledger.underSweepLock(async () => {
        await this.#prepareExposureParts();
        await this.#expireOverdue();
        await this.#endGivenUp();
        await this.#rearm();
        await ledger.retryBlocked(RETRY_BLOCKED_MS);
        await this.#letGoWaves();
        this.#options.wake(await ledger.findTargetsToPush());
        await ledger.forgetOldPushes(KEEP_PUSHES_DAYS);
        await ledger.forgetOldForwards(KEEP_FORWARDS_DAYS);
        await ledger.forgetResolvedQuarantine(KEEP_RESOLVED_QUARANTINE_DAYS);
        await ledger.forgetOldFlow(KEEP_FLOW_DAYS);
        await ledger.forgetOldSizes(KEEP_SIZES_DAYS);
        await ledger.forgetDoorCounts(KEEP_DOOR_COUNTS_DAYS);
        await ledger.forgetOldBacklogs(KEEP_BACKLOGS_DAYS);
        await ledger.forgetOldAlerts(KEEP_ALERTS_DAYS);
        await ledger.forgetOldAudit(KEEP_AUDIT_DAYS);
      });
      if (swept) metrics.sweptAt.setToCurrentTime();
      await this.#fillTargets();
      await this.#readSizes();
      await this.#wakeActions();
    } catch (error) {
      logger.debug({ err: error }, 'The sweep could not finish; it comes again.');
    }
    await this.#startStanding();
  }

  /** The exports and the monitor; those that run go on. A Temporal that is just being set up is asked again soon. */
  async #startStanding(): Promise<void> {
    const { exporting, scheduleMonitor, logger } = this.#options;
    clearTimeout(this.#standingTimer);
    try {
      await scheduleMonitor?.();
      for (const exporter of exporting?.exporters ?? []) await exporting?.start(exporter);
    } catch (error) {
      logger.debug({ err: error }, 'An export or the monitor could not be started; trying again.');
      if (!this.#stopped) this.#standingTimer = setTimeout(() => void this.#startStanding(), STANDING_RETRY_MS);
    }
  }

  /** Rows of a month without a part are kept all the same, so nothing else waits for this. */
  async #prepareExposureParts(): Promise<void> {
    const { ledger, logger } = this.#options;
    const made = await ledger.prepareExposureParts(new Date()).catch((error: unknown) => {
      logger.warn({ err: error }, 'The next parts of the table exposures could not be made; the next sweep tries again.');
      return [];
    });
    if (made.length > 0) logger.debug({ parts: made }, 'The table exposures has got new parts.');
  }

  async #expireOverdue(): Promise<void> {
    const { ledger, audiences, wake, logger, metrics } = this.#options;
    const audienceKeys = audiences.map(({ key }) => key);
    for (;;) {
      const overdue = await ledger.findOverdue(audienceKeys, BATCH);
      if (overdue.length === 0) return;
      const { wakes } = await ledger.applyEvents(overdue.map((expiry) => ({ kind: 'expire', ...expiry })));
      wake(wakes);
      metrics.swept.inc(overdue.length);
      logger.info({ windows: overdue.length }, 'The sweep ended windows that were over.');
      if (overdue.length < BATCH || this.#stopped) return;
    }
  }

  /** Whoever entered an audience after it was given up, from a process whose registry still has it. */
  async #endGivenUp(): Promise<void> {
    const { ledger, wake, logger } = this.#options;
    for (;;) {
      const members = await ledger.findMembersGivenUp(BATCH);
      if (members.length === 0) return;
      wake((await ledger.applyEvents(members.map((member) => ({ kind: 'retire', ...member })))).wakes);
      logger.info({ members: members.length }, 'The sweep took people out of audiences that were given up.');
      if (members.length < BATCH || this.#stopped) return;
    }
  }

  /** Only audiences whose shares the newest process has as well. */
  async #rearm(): Promise<void> {
    const { ledger, audiences, wake, logger } = this.#options;
    const end = performance.now() + LONGEST_REARM_MS;
    const byKey = new Map(audiences.map((audience) => [audience.key, audience]));
    for (const { audienceKey, after } of await ledger.findToRearm(audiences)) {
      const audience = byKey.get(audienceKey);
      let moved = 0;
      for (let from: string | null = after; audience && from !== null && performance.now() < end && !this.#stopped; ) {
        const { found, last }: Slice<FoundMember> = await ledger.nextToRearm(audience, from);
        const { outcomes, wakes } = await ledger.applyEvents(found.map(({ personId }) => ({ kind: 'rearm', personId, audienceKey, at: Date.now() })));
        wake(wakes);
        moved += outcomes.filter((outcome) => outcome.kind === 'decided' && outcome.decision.status === 'applied').length;
        await ledger.noteRearmed(audience, from, last);
        from = last;
      }
      if (moved > 0) logger.info({ audience: audienceKey, members: moved }, `The sweep moved members of ${audienceKey} to the arm that its holdout gives them now.`);
    }
  }

  async #letGoWaves(): Promise<void> {
    const { ledger, logger } = this.#options;
    for (const { destination, audienceKey: audience, operation, members } of await ledger.letGoWaves()) {
      logger.warn({ destination, audience, operation, members }, `Nobody released or corrected a wave of ${String(members)} removals of ${audience} at ${destination} in time; it goes now, because buyers may be among it.`);
    }
  }

  async #readSizes(): Promise<void> {
    const { ledger, sizes } = this.#options;
    if (sizes && (await ledger.findSizesDue(sizes.targets, sizes.everyMs)).length > 0) await sizes.start();
  }

  /** The targets of this registry only; processes that have the others fill them. */
  async #fillTargets(): Promise<void> {
    const { ledger, filling } = this.#options;
    if (!filling) return;
    const own = new Set(filling.targets.map(targetKey));
    for (const target of await ledger.findTargetsToFill()) if (own.has(targetKey(target))) await filling.start(target);
  }

  /** Those of this registry only. */
  async #wakeActions(): Promise<void> {
    const { ledger, acting } = this.#options;
    if (!acting || acting.actions.length === 0) return;
    for (const action of await ledger.findActionsToSend()) if (acting.actions.includes(action)) acting.wake(action);
  }

  async #announce(): Promise<void> {
    const { ledger, self, logger } = this.#options;
    const others = (await ledger.announceProcess(self)).join(', ');
    if (others !== '' && others !== this.#othersSeen) {
      logger.error({ processes: others }, 'Other processes on this ledger have loaded another headgate.yaml: restart them all with the same one.');
    }
    this.#othersSeen = others;
  }
}
