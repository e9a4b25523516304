import type { SettledEvent } from '../ledger/index.ts';
import type { EventWorkflowInput, Settled } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** How long a patient step waits in its process for the ledger to answer, below its own timeout. Milliseconds. */
const PATIENCE_MS = 50_000;

/**
 * How an event was decided and how far each platform is. An event that the ledger does not know (a workflow started by hand,
 * a ledger restored from an older backup) is decided here.
 */
export function createSettle({ ledger, wake }: ActivityDependencies) {
  async function settle({ event }: EventWorkflowInput): Promise<Settled> {
    const known = await ledger.readSettled(event.eventId);
    if (known) return describe(known, event.eventId);
    const { wakes } = await ledger.applyEvents([{ kind: 'event', event }]);
    wake(wakes);
    const settled = await ledger.readSettled(event.eventId);
    if (!settled) throw new Error(`event ${event.eventId} cannot be decided: its audience ${event.audienceKey ?? ''} is not in headgate.yaml`);
    return describe(settled, event.eventId);
  }
  async function settleWhenLedgerIsUp(input: EventWorkflowInput): Promise<Settled> {
    await ledger.connection.whenUp(PATIENCE_MS);
    return settle(input);
  }
  return { settle, settleWhenLedgerIsUp };
}

/** For the result of a workflow. `until` only while the person is in because of this event. */
export function describe({ decision, personId, membership, platforms }: SettledEvent, eventId: string): Settled {
  const settled: Settled = { status: decision.status, personId, platforms: platforms.map(withoutNull) };
  const state = membership?.state ?? decision.audience;
  if (state) settled.audience = state;
  if (membership) settled.because = membership.decidedBy === eventId ? membership.reason : `${membership.reason} by ${membership.decidedBy}`;
  if (membership?.state === 'in' && membership.decidedBy === eventId && membership.expiresAt !== null) {
    settled.until = new Date(membership.expiresAt).toISOString();
  }
  return settled;
}

const withoutNull = ({ reason, ...platform }: SettledEvent['platforms'][number]): Settled['platforms'][number] =>
  reason === null ? platform : { ...platform, reason };
