import type { HeadgateEvent } from '../domain/event.ts';
import type { Forwarded } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { createSettle } from './settle.ts';
import { whileBeating } from './while-beating.ts';

/** How long a patient step waits in its process for the ledger to answer, below its own timeout. Milliseconds. */
const PATIENCE_MS = 50_000;

/** How an event was decided and how far it is on its way to its action; makes sure that somebody sends it. */
export function createSettleForward(dependencies: ActivityDependencies) {
  const { ledger, wakeAction } = dependencies;
  const { settle, decide } = createSettle(dependencies);

  async function settleForward(event: HeadgateEvent): Promise<Forwarded> {
    const decided = (await settle(event.eventId)) ?? (await decide(event));
    const settled = { status: decided.status, personId: decided.personId };
    const action = event.action ?? '';
    const forward = await ledger.readForward(event.eventId);
    if (!forward) return { ...settled, forward: { action, state: 'forgotten', attempts: 0 } };
    const { state, attempts, status, answer, reason } = forward;
    const shown = { action: forward.action, state, attempts, ...(status === null ? {} : { status }), ...(answer === null ? {} : { answer }), ...(reason === null ? {} : { reason }) };
    if (state !== 'waiting') return { ...settled, forward: shown };
    const standing = await ledger.readActionStanding(forward.action);
    // One that rests or is paused looks by itself afterwards; wakes would only fill its history.
    if (!standing || (standing.state !== 'paused' && !standing.paused && standing.failures === 0)) wakeAction(forward.action);
    const words = standing?.paused ? 'it is paused' : standing?.cause == null ? undefined : [standing.cause, standing.cure].filter(Boolean).join(' → ');
    return { ...settled, forward: shown, ...(words === undefined ? {} : { action_state: words }) };
  }
  /** The same as a step that can wait for the ledger. */
  async function settleForwardWhenLedgerIsUp(event: HeadgateEvent): Promise<Forwarded> {
    return whileBeating(async () => {
      await ledger.connection.whenUp(PATIENCE_MS);
      return settleForward(event);
    });
  }
  return { settleForward, settleForwardWhenLedgerIsUp };
}
