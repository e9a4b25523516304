/**
 * The guard: a wave of decisions that would let a large share of an audience in or out within a short time is held at the target. Pure.
 * What it may hold, what never, and why: docs/decisions/0018-blast-radius-guard.md.
 */
import type { PushOperation } from './delivery.ts';
import type { HeadgateEvent } from './event.ts';

/** What an audience's guard lets pass. */
export interface GuardPolicy {
  /** Most that may leave within the time, as a share of the audience; null: removals are never held. */
  removals: number | null;
  /** Most that may enter, as a share of the audience, which may be more than 1; null: adds are never held. */
  adds: number | null;
  /** Milliseconds. */
  withinMs: number;
  /** So many changes within the time are never a wave, however small the audience is. */
  least: number;
  /** So many by one cause are let through in each minute, also while a wave of that cause is held. */
  singlesPerMinute: number;
  /** Removals that nobody releases go by themselves after so long, in milliseconds: among them may be buyers. */
  letGoAfterMs: number;
}

/** Changes are counted in steps of so many milliseconds (`target_flow`). */
export const FLOW_STEP_MS = 300_000;
/** Adds to a target that is younger are its first filling. Milliseconds. */
export const YOUNG_MS = 86_400_000;

const LONGEST_CAUSE = 100;

/** What the changes of an event are counted under: its campaign, or the source that sent it. */
export function causeOf({ source, context }: Pick<HeadgateEvent, 'source' | 'context'>): string {
  const campaign = context['campaign_id'];
  const named = typeof campaign === 'string' ? campaign.trim() : typeof campaign === 'number' ? String(campaign) : '';
  return (named === '' ? `source:${source}` : `campaign:${named}`).slice(0, LONGEST_CAUSE);
}

/** Who moves to another arm because the shares of holdouts were changed. */
export const CAUSE_OF_ARMS = 'changed_holdouts';

/** Changes of one target in one direction, by what caused them. */
export interface CauseCount {
  cause: string;
  /** Let through within the guard's time. */
  flow: number;
  /** Of them, in the step of now. */
  lately: number;
  /** Pending. */
  waiting: number;
  /** A wave of this cause is held. */
  held: boolean;
  /** Somebody has released a wave of this cause within the guard's time, so that the rest of it may go. */
  released: boolean;
}

export const shareOf = (policy: GuardPolicy, operation: PushOperation): number | null => (operation === 'add' ? policy.adds : policy.removals);

const countOf = ({ flow, waiting }: CauseCount): number => flow + waiting;
const sum = (causes: readonly CauseCount[]): number => causes.reduce((total, one) => total + countOf(one), 0);
const judged = (causes: readonly CauseCount[]): CauseCount[] => causes.filter(({ released }) => !released);

/** Whether the changes have to be looked at more closely. Also true with counts of what waits that end at `least + 1`. */
export function isSuspicious(causes: readonly CauseCount[], policy: GuardPolicy): boolean {
  return causes.some(({ held, waiting }) => held && waiting > 0) || (sum(judged(causes)) > policy.least && causes.some(({ waiting }) => waiting > 0));
}

/** Of how many members one has to know, at the most, to judge these changes: an audience with so many is too large for them to be a wave. */
export function membersNeeded(operation: PushOperation, causes: readonly CauseCount[], policy: GuardPolicy): number {
  const share = shareOf(policy, operation);
  if (share === null) return 0;
  const count = sum(judged(causes));
  return Math.ceil(operation === 'add' ? count * (1 + 1 / share) : Math.max(0, count * (1 / share - 1))) + 1;
}

export interface Wave {
  /** What it had come to when it was noticed, and the most that would have passed. */
  noticed: number;
  most: number;
  /** The audience before it, or that it had at least so many. */
  audienceSize: number;
  /** The largest causes, so that what is left is no wave. */
  causes: string[];
}

/** What the target had before. `members` are in by the ledger now, at least so many when there are `membersNeeded`. */
export interface Before {
  members: number;
  /** The target is younger than a day: it is being filled. */
  young: boolean;
}

/** Undefined when the changes are no wave. */
export function judgeWave(operation: PushOperation, causes: readonly CauseCount[], policy: GuardPolicy, { members, young }: Before): Wave | undefined {
  const share = shareOf(policy, operation);
  const counted = judged(causes);
  const noticed = sum(counted);
  if (share === null || noticed <= policy.least) return undefined;
  // Removals have left the ledger's count already, adds are in it already.
  const audienceSize = operation === 'add' ? Math.max(0, members - noticed) : members + noticed;
  if (operation === 'add' && (young || audienceSize < policy.least)) return undefined;
  const most = Math.max(policy.least, Math.floor(share * audienceSize));
  if (noticed <= most) return undefined;
  const largest = counted.toSorted((a, b) => countOf(b) - countOf(a));
  const held: string[] = [];
  for (let left = noticed; left > most; ) {
    const next = largest[held.length];
    if (!next) break;
    held.push(next.cause);
    left -= countOf(next);
  }
  return { noticed, most, audienceSize, causes: held };
}

/** How many of a held cause's changes go all the same, now: those that come one by one. */
export const singlesLeft = ({ lately }: Pick<CauseCount, 'lately'>, policy: GuardPolicy): number =>
  Math.max(0, Math.floor(policy.singlesPerMinute * (FLOW_STEP_MS / 60_000)) - lately);

/** What a target holds because of a wave. Times in milliseconds since the epoch. */
export interface GuardHold {
  holdId: string;
  destination: string;
  audienceKey: string;
  operation: PushOperation;
  causes: string[];
  since: number;
  /** How many wait. */
  held: number;
  noticed: number;
  audienceSize: number;
  most: number;
  withinMs: number;
  /** When they go by themselves; null: when somebody releases them. */
  letGoAt: number | null;
}

export const releaseCommand = ({ destination, audienceKey, operation }: Pick<GuardHold, 'destination' | 'audienceKey' | 'operation'>): string =>
  `npx headgate release ${audienceKey} --destination ${destination} --${operation === 'add' ? 'adds' : 'removals'}`;

/** For people: what is held and why. */
export function describeHold({ operation, causes, held, noticed, audienceSize, most, withinMs }: GuardHold): string {
  const [what, would] = operation === 'add' ? ['adds', 'come into'] : ['removals', 'leave'];
  const hours = withinMs / 3_600_000;
  const within = hours === 1 ? 'an hour' : hours >= 1 ? `${String(Math.round(hours * 10) / 10)} hours` : `${String(Math.round(withinMs / 60_000))} minutes`;
  return `${String(held)} ${what} by ${causes.map((cause) => cause.replace(/[:_]/, ' ')).join(', ')} are held: ${String(noticed)} would ${would} an audience of ${String(audienceSize)} within ${within}, and the guard lets ${String(most)} pass`;
}
