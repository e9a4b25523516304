import type { Applied } from '../ledger/index.ts';
import type { HeadgateEvent } from '../domain/event.ts';
import { entryOfEvent, type QuarantineEntry } from '../domain/quarantine.ts';
import type { LifeboatInput } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { whileBeating } from './while-beating.ts';

const PATIENCE_MS = 50_000;

/** Applies a group of events that the ledger could not take when they came. What contradicts the ledger goes to quarantine. */
export function createApplyLifeboat({ ledger, wake, logger }: ActivityDependencies) {
  async function apply({ events, quarantined }: LifeboatInput): Promise<{ applied: number; duplicates: number; conflicts: number }> {
    await ledger.connection.whenUp(PATIENCE_MS);
    const { outcomes, wakes } = await ledger.applyEvents(events.map((event) => ({ kind: 'event', event })));
    const contradicting = events.flatMap((event, index) => {
      const entry = entryFor(event, outcomes[index]);
      return entry ? [entry] : [];
    });
    await ledger.quarantine([...quarantined, ...contradicting]);
    wake(wakes);
    logger.info({ events: events.length, quarantined: contradicting.length }, 'A lifeboat was applied.');
    const count = (kind: string): number => outcomes.filter((outcome) => outcome.kind === kind).length;
    return { applied: count('decided'), duplicates: count('duplicate'), conflicts: contradicting.length };
  }
  return { applyLifeboat: (batch: LifeboatInput) => whileBeating(() => apply(batch)) };
}

/** What goes to quarantine of an event that could not be decided; undefined when it was. */
export function entryFor(event: HeadgateEvent, outcome: Applied['outcomes'][number] | undefined): QuarantineEntry | undefined {
  if (outcome === undefined || outcome.kind === 'decided' || outcome.kind === 'duplicate') return undefined;
  const message = {
    conflict: 'this event_id was already used for another event or audience, or by another source',
    unknown_audience: `there is no audience ${event.audienceKey ?? ''} in headgate.yaml`,
    refused: outcome.kind === 'refused' ? outcome.problem : '',
  }[outcome.kind];
  const path = { conflict: 'event_id', unknown_audience: 'audience_key', refused: '' }[outcome.kind];
  return entryOfEvent(event, outcome.kind === 'conflict' ? 'conflict' : 'invalid', { path, message });
}
