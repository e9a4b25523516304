import { setTimeout as wait } from 'node:timers/promises';
import { cancellationSignal } from '@temporalio/activity';
import type { Destination } from '../destinations/destination.ts';
import { isOver } from '../domain/holding.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { Ledger } from '../ledger/index.ts';
import type { PushInput, PushResult } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { destinationOf } from './destination-of.ts';
import { createPushOnce, type PushedOnce } from './push-once.ts';
import { whileBeating } from './while-beating.ts';
import { withPatience } from './with-patience.ts';

/** How long a turn may last before its last call begins: each turn costs Temporal a few transactions, and the queue of a busy server is long. Milliseconds. */
const TURN_MS = 60_000;
/** How long a turn goes on looking after nothing is left, and how often. Milliseconds. */
const LINGER_MS = 2_000;
const LOOK_EVERY_MS = 50;
/** For how long a look counts as attention, in milliseconds: a lost worker's target is woken again after it. */
const ATTENTION_MS = 5_000;
/** A rest this short is waited for within the turn; for longer ones the workflow waits. Milliseconds. */
const SHORT_REST_MS = 500;

interface Turn {
  accepted: number;
  rejected: number;
  last: PushedOnce;
}

/**
 * A turn of pushes to one target: call after call, removals first, until nothing is pending, something is not as it should be, or
 * the turn is over. What is decided meanwhile is found without waking the sync. Fails with the platform's failure; whatever was
 * pending stays pending.
 */
export function createPush(dependencies: ActivityDependencies) {
  const { ledger, stopping } = dependencies;
  const pushOnce = createPushOnce(dependencies);

  async function push({ single = false, ...input }: PushInput): Promise<PushResult> {
    const target: TargetRef = { destination: input.destination, audienceKey: input.audienceKey };
    return whileBeating(() => withPatience(dependencies, async () => {
      // Before the registry is asked, which may have the target no more.
      if (isOver((await ledger.readTargetRest(target)).life)) return GIVEN_UP;
      const { destination } = destinationOf(dependencies, target);
      return resultOf(target, destination, single ? sum(undefined, await pushOnce(input)) : await takeTurn(target, destination, input));
    }));
  }

  async function resultOf(target: TargetRef, destination: Destination, { accepted, rejected, last }: Turn): Promise<PushResult> {
    const { paused, hold, resting, call } = last;
    return {
      accepted, rejected, paused, resting,
      restMs: Math.max(last.restMs, last.gatherMs),
      // After the turn has said that it is over: what was decided in between was told to nobody.
      more: !paused && (await ledger.hasPending(target, { hold })),
      backlog: await ledger.readBacklog(target, hold),
      nextCheckMs: destination.followUp ? await ledger.readNextCheck(target) : null,
      paceMs: call ? destination.paceMs : 0,
    };
  }

  async function takeTurn(target: TargetRef, { paceMs }: Destination, input: PushInput): Promise<Turn> {
    const attention = new Attention(ledger, target);
    const ends = performance.now() + TURN_MS;
    try {
      let turn = sum(undefined, await pushOnce(input));
      while (performance.now() < ends && !isEnding()) {
        const { found, paused, hold, call, gatherMs, restMs } = turn.last;
        if (paused || hold.because !== null || restMs > SHORT_REST_MS) break;
        if (call && (call.accepted === 0 || paceMs > 0 || call.restMs > 0)) break;
        if (gatherMs > 0) await wait(Math.min(gatherMs, LOOK_EVERY_MS));
        else if (!found && (turn.accepted === 0 || !(await untilPending(attention, Math.min(ends, performance.now() + LINGER_MS))))) break;
        if (restMs > 0) await wait(restMs);
        await attention.keep();
        // A person's word that a rest does not count is good for one call.
        turn = sum(turn, await pushOnce({ ...input, now: false }));
      }
      return turn;
    } finally {
      await attention.end();
    }
  }

  /** False when nothing has become pending by then. */
  async function untilPending(attention: Attention, ends: number): Promise<boolean> {
    while (performance.now() < ends && !isEnding()) {
      await attention.keep();
      await wait(LOOK_EVERY_MS);
      if (await ledger.hasPending(attention.target)) return true;
    }
    return false;
  }

  const isEnding = (): boolean => stopping.aborted || cancellationSignal().aborted;

  return { push };
}

/** What a push does for a target that is retired or kept: nothing, ever. */
const GIVEN_UP: PushResult = {
  accepted: 0, rejected: 0, more: false, paused: false, nextCheckMs: null, restMs: 0, resting: false, paceMs: 0, givenUp: true,
  backlog: { adds: 0, removes: 0, oldestPendingAt: null, held: null, blocked: 0, blockedReason: null, processing: 0 },
};

/** Keeps wakes of a target back while a turn looks after it. Said anew only when it is about to run out. */
class Attention {
  readonly target: TargetRef;
  readonly #ledger: Ledger;
  #saidAt: number | undefined;

  constructor(ledger: Ledger, target: TargetRef) {
    this.#ledger = ledger;
    this.target = target;
  }

  async keep(): Promise<void> {
    if (this.#saidAt !== undefined && performance.now() - this.#saidAt < ATTENTION_MS / 2) return;
    this.#saidAt = performance.now();
    await this.#ledger.attendTarget(this.target, ATTENTION_MS);
  }

  /** What cannot be said, because the ledger is away, runs out by itself. */
  async end(): Promise<void> {
    if (this.#saidAt !== undefined) await this.#ledger.attendTarget(this.target, null).catch(() => undefined);
  }
}

const sum = (turn: Turn | undefined, last: PushedOnce): Turn => ({
  accepted: (turn?.accepted ?? 0) + (last.call?.accepted ?? 0),
  rejected: (turn?.rejected ?? 0) + (last.call?.rejected ?? 0),
  last,
});
