/** Reads back what the ledger forgot by a restore: the inputs of event workflows and lifeboats, which Temporal keeps. May run again anywhere. */
import { cancellationSignal } from '@temporalio/activity';
import type { HeadgateEvent } from '../domain/event.ts';
import type { StartedWorkflow } from '../temporal/index.ts';
import type { LifeboatInput } from '../workflows/contract.ts';
import type { ReadBack } from '../workflows/contract-reconcile.ts';
import { entryFor } from './apply-lifeboat.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { whileBeating } from './while-beating.ts';

/** What was started within so long is asked for at once: at first, and at the most where little was. Milliseconds. */
const SLICE_MS = 60_000;
const LONGEST_SLICE_MS = 3_600_000;
const FEW = 500;
const MANY = 5_000;
const LONGEST_MS = 15_000;
const BATCH = 500;
/** Inputs that are read at once. */
const READS = 8;
const MOST_NAMED = 20;

interface Found {
  event: HeadgateEvent;
  /** Whose it was. */
  personId: string | null;
}

export function createReadBack(dependencies: ActivityDependencies) {
  const { ledger, policies, gateway, wake, stopping } = dependencies;
  const { records } = gateway;
  const isEnding = (): boolean => stopping.aborted || cancellationSignal().aborted;

  /** The inputs of workflows, as far as they can be read, in the order in which they came. */
  async function readInputs(workflows: readonly StartedWorkflow[]): Promise<{ events: Found[]; quarantined: LifeboatInput['quarantined'] }> {
    const events = new Map<string, Found>();
    const quarantined: LifeboatInput['quarantined'] = [];
    const waiting = [...workflows];
    const readNext = async (): Promise<void> => {
      for (let one = waiting.shift(); one; one = waiting.shift()) {
        if (one.isLifeboat) {
          const batch = await records.batchOf(one);
          for (const event of batch?.events ?? []) if (!events.has(event.eventId)) events.set(event.eventId, { event, personId: null });
          quarantined.push(...(batch?.quarantined ?? []));
        } else {
          const found = await records.eventOf(one);
          if (found) events.set(one.workflowId, found);
        }
      }
    };
    await Promise.all(Array.from({ length: READS }, readNext));
    return { events: [...events.values()].sort((a, b) => a.event.receivedAt - b.event.receivedAt), quarantined };
  }

  /** Decides them in the order in which they came. Returns how many were new, and how many could not be decided. */
  async function decideAgain(found: readonly Found[]): Promise<{ recovered: number; quarantined: number }> {
    const { outcomes, wakes } = await ledger.applyEvents(found.map(({ event, personId }) => ({ kind: 'event', event, ...(personId === null ? {} : { formerPersonId: personId }) })));
    const entries = found.flatMap(({ event }, index) => entryFor(event, outcomes[index]) ?? []);
    await ledger.quarantine(entries);
    // A platform may have somebody of whom nothing is wanted now: an add that a newer event overtook before it is read here.
    const adds = found.flatMap(({ event }) => (event.name === 'cio.audience_add' && event.audienceKey !== undefined ? [{ eventId: event.eventId, audienceKey: event.audienceKey }] : []));
    await ledger.ensureDeliveries(adds.map((add) => ({ ...add, destinations: (policies.audiences.get(add.audienceKey)?.targets ?? []).map(({ destination }) => destination) })));
    wake(wakes);
    return { recovered: outcomes.filter(({ kind }) => kind === 'decided').length, quarantined: entries.length };
  }

  /** What is in quarantine is for a person to decide. */
  const unknownOf = async (ids: readonly string[]): Promise<Set<string>> => {
    const unknown = new Set<string>();
    for (let at = 0; at < ids.length; at += BATCH) for (const id of await ledger.unknownEvents(ids.slice(at, at + BATCH))) unknown.add(id);
    for (const id of await ledger.findQuarantined([...unknown])) unknown.delete(id);
    return unknown;
  };

  /** Takes what was started in [from, until). Returns how much there was; undefined when the time was over before all was taken: what was, is known then. */
  async function takeSlice(from: number, until: number, ends: number, soFar: ReadBack): Promise<number | undefined> {
    const started: StartedWorkflow[] = [];
    for await (const one of records.startedBetween(from, until)) started.push(one);
    const ids = [...new Set(started.filter(({ isLifeboat }) => !isLifeboat).map(({ workflowId }) => workflowId))];
    const unknown = await unknownOf(ids);
    // Temporal lists the newest first.
    const toRead = started.filter(({ workflowId, isLifeboat }) => isLifeboat || unknown.has(workflowId)).reverse();
    for (let at = 0; at < toRead.length; at += BATCH) {
      if (at > 0 && (performance.now() >= ends || isEnding())) return undefined;
      const { events, quarantined } = await readInputs(toRead.slice(at, at + BATCH));
      const missing = await unknownOf(events.map(({ event }) => event.eventId));
      // Before the first of them: from now on nobody enters and no tool is told until all is read.
      if (missing.size > 0) await ledger.noteLedgerRestored(from);
      await ledger.quarantine(quarantined.filter(({ key }) => key !== undefined));
      const again = await decideAgain(events.filter(({ event }) => missing.has(event.eventId)));
      soFar.recovered += again.recovered;
      soFar.quarantined += again.quarantined;
    }
    const lost = [...(await unknownOf([...unknown]))];
    soFar.lost += lost.length;
    soFar.lostIds.push(...lost.slice(0, Math.max(0, MOST_NAMED - soFar.lostIds.length)));
    soFar.found += ids.length;
    return ids.length;
  }

  /** The same, but only counts. */
  async function countSlice(from: number, until: number, soFar: ReadBack): Promise<number> {
    const ids = new Set<string>();
    for await (const { workflowId, isLifeboat } of records.startedBetween(from, until)) if (!isLifeboat) ids.add(workflowId);
    soFar.found += ids.size;
    soFar.recovered += (await unknownOf([...ids])).size;
    return ids.size;
  }

  return {
    readBack: ({ from, until, dryRun }: { from: number; until: number; dryRun: boolean }): Promise<ReadBack> =>
      whileBeating(async () => {
        const ends = performance.now() + LONGEST_MS;
        const soFar: ReadBack = { next: from, found: 0, recovered: 0, quarantined: 0, lost: 0, lostIds: [] };
        let length = SLICE_MS;
        while (soFar.next !== null && performance.now() < ends && !isEnding()) {
          const end = Math.min(until, soFar.next + length);
          const found = dryRun ? await countSlice(soFar.next, end, soFar) : await takeSlice(soFar.next, end, ends, soFar);
          if (found === undefined) break;
          soFar.next = end < until ? end : null;
          if (found < FEW) length = Math.min(LONGEST_SLICE_MS, length * 2);
          else if (found > MANY) length = Math.max(1_000, length / 2);
        }
        return soFar;
      }),
  };
}
