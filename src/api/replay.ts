/** Replay and discard: what becomes of quarantined entries, each with a result of its own. Start reading here for `headgate quarantine replay`. */
import { conflictsWith, describeUse, type HeadgateEvent } from '../domain/event.ts';
import type { ItemOutcome, KnownEvent } from '../domain/fold-batch.ts';
import { DISCARDED, type Problem, type StoredEntry } from '../domain/quarantine.ts';
import type { Policies, TargetRef } from '../domain/registry.ts';
import type { Applicable, Applied, Ledger, Resolution, WhichQuarantined } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import type { Audited } from './audit.ts';
import type { Identify, Understood } from './event-from-body.ts';
import { eventFromKept, type Correction } from './event-from-kept.ts';
import { namesFor } from './registry-names.ts';
import type { DoorSource } from './webhooks.ts';

export interface ReplayOptions {
  ledger: Ledger;
  sources: ReadonlyMap<string, DoorSource>;
  policies: Policies;
  identify: Identify;
  /** Called after each batch, as the door does. */
  onCommitted: (wakes: readonly TargetRef[]) => void;
  logger: Logger;
  metrics: Metrics;
}

/** What became of one entry, as the api answers. `replayed` and `discarded` are done with; the others wait on. */
export type EntryResult = { id: number } & (
  | { outcome: 'replayed'; status: string; event_id: string; audience?: string; until?: string | undefined }
  /** Of a dry run: it would be replayed, as a `new` event or as a `duplicate`. */
  | { outcome: 'replayable'; status: 'new' | 'duplicate'; event_id: string }
  | { outcome: 'invalid'; problems: Problem[] }
  | { outcome: 'conflict'; event_id: string; problem: string }
  | { outcome: 'discarded' | 'discardable' }
);

export interface Signature {
  by: string;
  because: string;
}

/** Reads an entry as the registry stands now. */
export const understandEntry = ({ sources, policies, identify }: ReplayOptions, entry: StoredEntry, correct?: Correction): Understood =>
  eventFromKept(entry, { source: sources.get(entry.source), ...namesFor(policies, entry.source), identify }, correct);

/**
 * Replays the entries in one batch. Throws LedgerUnavailable when the ledger does not answer; what was applied by then is a
 * duplicate when it is replayed again.
 */
export async function replayQuarantined(options: ReplayOptions, which: WhichQuarantined, correct: Correction | undefined, signature: Signature, audit: Audited): Promise<EntryResult[]> {
  let results: EntryResult[] = [];
  let resolutions: Resolution[] = [];
  await options.ledger.resolveQuarantined(which, signature, async (entries) => {
    results = await applyEntries(options, entries, correct);
    resolutions = results.flatMap((result) =>
      result.outcome === 'replayed' ? [{ id: result.id, resolution: `replayed: ${result.status}`, replayedAs: result.event_id }] : [],
    );
    return resolutions;
  }, (done) => [audit.done(countOf(done))]);
  tell(options, resolutions, signature, 'Quarantined events were replayed.');
  return results;
}

/** What a replay would give, without doing it. */
export async function tryReplay(options: ReplayOptions, which: WhichQuarantined, correct: Correction | undefined): Promise<EntryResult[]> {
  const understood = (await options.ledger.peekQuarantined(which)).map((entry) => ({ id: entry.id, ...understandEntry(options, entry, correct) }));
  const events = understood.flatMap((one) => ('event' in one ? [one.event] : []));
  const known = new Map<string, Pick<KnownEvent, 'name' | 'audienceKey' | 'action' | 'source'>>(await options.ledger.findKnownEvents(events.map((event) => event.eventId)));
  return understood.map((one): EntryResult => {
    if ('problems' in one) return { id: one.id, outcome: 'invalid', problems: one.problems };
    const { event, id } = one;
    const before = known.get(event.eventId);
    if (before && conflictsWith(before, event)) return conflict(id, event, before);
    known.set(event.eventId, { name: event.name, audienceKey: event.audienceKey ?? null, action: event.action ?? null, source: event.source });
    return { id, outcome: 'replayable', status: before ? 'duplicate' : 'new', event_id: event.eventId };
  });
}

/** Takes entries that wait out of the quarantine without making events of them. */
export async function discardQuarantined(options: ReplayOptions, which: WhichQuarantined, signature: Signature, audit: Audited): Promise<EntryResult[]> {
  let resolutions: Resolution[] = [];
  await options.ledger.resolveQuarantined(which, signature, (entries) => {
    resolutions = entries.filter(({ resolved }) => resolved === null).map(({ id }) => ({ id, resolution: DISCARDED }));
    return Promise.resolve(resolutions);
  }, (done) => [audit.done(countOf(done))]);
  tell(options, resolutions, signature, 'Quarantined events were discarded.');
  return resolutions.map(({ id }) => ({ id, outcome: 'discarded' }));
}

/** How many, and the ids of the first ones; the entries themselves say the rest. */
const countOf = (resolutions: readonly Resolution[]): { entries: number; ids: number[] } => ({ entries: resolutions.length, ids: resolutions.slice(0, 20).map(({ id }) => id) });

function tell({ metrics, logger }: ReplayOptions, resolutions: readonly Resolution[], { by }: Signature, sentence: string): void {
  if (resolutions.length === 0) return;
  for (const { resolution } of resolutions) metrics.quarantineResolved.inc({ resolution });
  logger.info({ entries: resolutions.length, by }, sentence);
}

async function applyEntries(options: ReplayOptions, entries: readonly StoredEntry[], correct: Correction | undefined): Promise<EntryResult[]> {
  const understood = entries.map((entry) => ({ id: entry.id, ...understandEntry(options, entry, correct) }));
  const events = understood.flatMap((one) => ('event' in one ? [one.event] : []));
  const { outcomes, wakes } = await options.ledger.applyEvents(events.map((event) => ({ kind: 'event', event })));
  const outcomeOf = new Map(events.map((event, index) => [event, outcomes[index]]));
  const over = [...outcomeOf].flatMap(([event, outcome]) => windowOver(event, outcome));
  const ended = await options.ledger.applyEvents(over);
  options.onCommitted([...wakes, ...ended.wakes]);
  const out = new Set(over.map(({ eventId }) => eventId));
  return understood.map((one): EntryResult => {
    if ('problems' in one) return { id: one.id, outcome: 'invalid', problems: one.problems };
    const result = resultOf(one.id, one.event, outcomeOf.get(one.event));
    return result.outcome === 'replayed' && out.has(one.event.eventId) ? { ...result, audience: 'out', until: undefined } : result;
  });
}

/**
 * A window that was open when the event came and is over by now ends at once, before any platform is told: otherwise a person would
 * go in and come out again.
 */
function windowOver(event: HeadgateEvent, outcome: Applied['outcomes'][number] | undefined): Extract<Applicable, { kind: 'expire' }>[] {
  const now = Date.now();
  if (outcome?.kind !== 'decided' || event.audienceKey === undefined) return [];
  const { personId, until } = outcome.decision;
  return personId !== null && until !== undefined && until <= now ? [{ kind: 'expire', personId, audienceKey: event.audienceKey, eventId: event.eventId, at: now }] : [];
}

function resultOf(id: number, event: HeadgateEvent, outcome: Applied['outcomes'][number] | undefined): EntryResult {
  switch (outcome?.kind) {
    case 'decided':
    case 'duplicate':
      return { id, outcome: 'replayed', status: outcome.kind === 'duplicate' ? 'duplicate' : outcome.decision.status, event_id: event.eventId, ...describe(outcome) };
    case 'conflict':
      return conflict(id, event, outcome.known);
    case 'unknown_audience':
      return { id, outcome: 'invalid', problems: [{ path: 'audience_key', message: `there is no audience ${outcome.audienceKey}` }] };
    case 'refused':
      return { id, outcome: 'invalid', problems: [{ path: '', message: outcome.problem }] };
    case undefined:
      throw new Error('the ledger gave no outcome for a replayed event');
  }
}

const describe = ({ decision }: Extract<ItemOutcome, { kind: 'decided' | 'duplicate' }>): { audience?: string; until?: string } => ({
  ...(decision.audience ? { audience: decision.audience } : {}),
  ...(decision.until === undefined ? {} : { until: new Date(decision.until).toISOString() }),
});

const conflict = (id: number, event: HeadgateEvent, known: Pick<KnownEvent, 'name' | 'audienceKey' | 'action' | 'source'>): EntryResult => ({
  id,
  outcome: 'conflict',
  event_id: event.eventId,
  problem: `the event_id ${event.eventId} was already used ${describeUse(known, event)}: set another event_id, or set none to have one derived from the body`,
});
