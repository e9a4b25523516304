import type { ExpireInput, Settled } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { describe } from './settle.ts';
import { whileBeating } from './while-beating.ts';

const PATIENCE_MS = 50_000;

/** Ends the window of an add. Does nothing when a newer decision has replaced it, so it may run any number of times. */
export function createExpire({ ledger, policies, wake }: ActivityDependencies) {
  async function expire({ event, personId, audienceKey, endedAt }: ExpireInput): Promise<Settled> {
    const { outcomes, wakes } = await ledger.applyEvents([{ kind: 'expire', personId, audienceKey, eventId: event.eventId, at: endedAt }]);
    wake(wakes);
    const [outcome] = outcomes;
    // The members of an audience that was given up are taken out by the sweep.
    if (outcome?.kind === 'unknown_audience' && !(await ledger.isAudienceOver(audienceKey))) throw new Error(`audience ${audienceKey} is not in headgate.yaml, so its members cannot leave it`);
    const settled = await ledger.readSettled(event.eventId);
    if (!settled) throw new Error(`the ledger does not know event ${event.eventId}`);
    return describe(settled, event.eventId, policies);
  }
  async function expireWhenLedgerIsUp(input: ExpireInput): Promise<Settled> {
    return whileBeating(async () => {
      await ledger.connection.whenUp(PATIENCE_MS);
      return expire(input);
    });
  }
  return { expire, expireWhenLedgerIsUp };
}
