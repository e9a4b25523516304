import type { SettledEvent } from '../ledger/index.ts';
import type { HeadgateEvent } from '../domain/event.ts';
import { holdOf, shownStatus } from '../domain/holding.ts';
import type { Policies } from '../domain/registry.ts';
import type { PlatformProgress, Settled } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { whileBeating } from './while-beating.ts';

/** How long a patient step waits in its process for the ledger to answer, below its own timeout. Milliseconds. */
const PATIENCE_MS = 50_000;

/** How events were decided and how far each platform is. */
export function createSettle({ ledger, policies, wake }: ActivityDependencies) {
  /** Null when the ledger does not know the event. Takes no more than the id, because every event pays for this call. */
  async function settle(eventId: string): Promise<Settled | null> {
    const known = await ledger.readSettled(eventId);
    return known ? describe(known, eventId, policies) : null;
  }
  /** Decides an event that the ledger does not know: a workflow started by hand, a ledger restored from an older backup. */
  async function decide(event: HeadgateEvent): Promise<Settled> {
    const { wakes } = await ledger.applyEvents([{ kind: 'event', event }]);
    wake(wakes);
    const settled = await settle(event.eventId);
    if (!settled) throw new Error(`event ${event.eventId} cannot be decided: its audience ${event.audienceKey ?? ''} is not in headgate.yaml`);
    return settled;
  }
  /** `settle` and, where needed, `decide`, as one step that can wait for the ledger. */
  async function settleWhenLedgerIsUp(event: HeadgateEvent): Promise<Settled> {
    return whileBeating(async () => {
      await ledger.connection.whenUp(PATIENCE_MS);
      return (await settle(event.eventId)) ?? decide(event);
    });
  }
  return { settle, decide, settleWhenLedgerIsUp };
}

/** For the result of a workflow. `until` only while the person is in because of this event. */
export function describe({ decision, audienceKey, personId, goesBy, membership, platforms }: SettledEvent, eventId: string, policies: Policies): Settled {
  const settled: Settled = { status: decision.status, personId, platforms: platforms.map((platform) => describePlatform(platform, audienceKey ?? '', goesBy, policies)) };
  const state = membership?.state ?? decision.audience;
  if (state) settled.audience = state;
  if (membership) settled.because = membership.decidedBy === eventId ? membership.reason : `${membership.reason} by ${membership.decidedBy}`;
  if (membership?.state === 'in' && membership.decidedBy === eventId && membership.expiresAt !== null) {
    settled.until = new Date(membership.expiresAt).toISOString();
  }
  return settled;
}

function describePlatform({ destination, wanted, status, reason, life }: SettledEvent['platforms'][number], audienceKey: string, goesBy: readonly string[], policies: Policies): PlatformProgress {
  const shown = shownStatus({ status, wanted }, holdOf(policies, { destination, audienceKey }, life), goesBy);
  return { destination, wanted, status: shown, ...(reason === null ? {} : { reason }) };
}
