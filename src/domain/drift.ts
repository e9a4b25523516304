/** Whether what a platform tells of a target's size and what Headgate has there have parted, beyond what can be explained. Pure; a table of cases is its test. */
import type { AudienceSize } from './audience-size.ts';

/** `more`, `fewer`: not explained. `untold`: the platform tells no size. `unread`: it could not be asked. */
export type SizeVerdict = 'explained' | 'more' | 'fewer' | 'untold' | 'unread';

/** What there was when a platform was asked. */
export interface SizeSituation {
  /** Members that are in and that it has taken in. */
  takenIn: number;
  /** Of them, those whom it took in so lately that it need not show them yet. */
  entering: number;
  /** Those whom it took out so lately that it may show them still. */
  leaving: number;
  told: AudienceSize | null;
  /** The steps in which it tells sizes. */
  roundedTo: number;
  /** Its word on how many it knows, such as `41–50 %`; null: it tells none. */
  matchRate: string | null;
  /** Shares of those taken in that earlier readings showed, the newest first. */
  earlierShares: readonly number[];
}

export interface SizeJudgement {
  verdict: SizeVerdict;
  /** What is explained, at the least and at the most. */
  expected: { atLeast: number; atMost: number };
  /** For people. */
  message: string;
}

/** Where the platform tells no match rate: fewer do not come from people who use no such platform. */
const FEWEST_MATCHES = 0.1;
/** A match rate in words is of one upload, not of all. */
const OF_TOLD_MATCHES = 0.7;
/** The share that is shown moves with who comes and goes; half of the usual one is no such movement. */
const OF_USUAL_SHARE = 0.5;
const READINGS_FOR_USUAL = 4;
/** Platforms round and estimate in ways they do not tell, and say the same of all small audiences. */
const ESTIMATED = 1.1;
const SMALL = 1_000;

export function judgeSize({ takenIn, entering, leaving, told, roundedTo, matchRate, earlierShares }: SizeSituation): SizeJudgement {
  const leastShare = leastMatches(matchRate, earlierShares);
  const expected = {
    atLeast: Math.max(0, Math.floor((takenIn - entering) * leastShare) - roundedTo),
    atMost: Math.max(SMALL, Math.ceil((takenIn + leaving) * ESTIMATED)) + roundedTo,
  };
  if (!told) return { verdict: 'untold', expected, message: 'tells no size; the audience is too small for it, or it is still counting' };
  const size = describeTold(told);
  if (told.atLeast > expected.atMost) {
    return { verdict: 'more', expected, message: `tells ${size}, and no more than ${String(expected.atMost)} can be explained by the ${String(takenIn)} that it took in: another tool adds to the audience, or it keeps people whom Headgate does not know` };
  }
  if (takenIn - entering > SMALL && told.atMost < expected.atLeast) {
    return { verdict: 'fewer', expected, message: `tells ${size}, and at least ${String(expected.atLeast)} are expected of the ${String(takenIn)} that it took in: somebody else removes people, or it no longer matches what is sent` };
  }
  const share = takenIn === 0 ? '' : `, ${(Math.min(1, told.atMost / takenIn) * 100).toFixed(0)} % of the ${String(takenIn)} that it took in`;
  return { verdict: 'explained', expected, message: `tells ${size}${share}` };
}

export const describeTold = ({ atLeast, atMost }: AudienceSize): string => (atLeast === atMost ? String(atMost) : `${String(atLeast)} to ${String(atMost)}`);

function leastMatches(matchRate: string | null, earlierShares: readonly number[]): number {
  // `41–50 %`; words before the number say that it is the most, not the least.
  const told = Number(/^\d+(\.\d+)?/.exec(matchRate ?? '')?.[0] ?? 0) / 100;
  const usual = earlierShares.length < READINGS_FOR_USUAL ? 0 : (earlierShares.toSorted((a, b) => a - b)[Math.floor(earlierShares.length / 2)] ?? 0);
  return Math.max(FEWEST_MATCHES, told * OF_TOLD_MATCHES, usual * OF_USUAL_SHARE);
}

/** The share of those taken in that a reading showed; undefined where it says little, because few were in. */
export const shownShare = ({ takenIn, told }: Pick<SizeSituation, 'takenIn' | 'told'>): number | undefined => (told && takenIn > SMALL ? Math.min(1, told.atMost / takenIn) : undefined);

/** One reading as it is kept. Times in milliseconds since the epoch. */
export interface SizeReading {
  destination: string;
  audienceKey: string;
  readAt: number;
  told: AudienceSize | null;
  /** Why the platform could not be asked. */
  failure: string | null;
  takenIn: number;
  entering: number;
  leaving: number;
  matchRate: string | null;
  verdict: SizeVerdict;
  message: string;
}

export interface Drift {
  destination: string;
  audienceKey: string;
  verdict: 'more' | 'fewer';
  /** The first reading of those in a row, in milliseconds since the epoch. */
  since: number;
  readings: number;
  takenIn: number;
  told: AudienceSize;
  message: string;
}

const READINGS_FOR_DRIFT = 2;

/**
 * Drift is two readings in a row that are unexplained in the same direction; times when the platform could not be asked do not count. Readings that stopped
 * long ago say nothing of now.
 * @param readings of one target, the newest first
 */
export function judgeDrift(readings: readonly SizeReading[], { now, everyMs }: { now: number; everyMs: number }): Drift | null {
  const told = readings.filter(({ verdict }) => verdict !== 'unread');
  const [newest] = told;
  if (!newest?.told || (newest.verdict !== 'more' && newest.verdict !== 'fewer')) return null;
  if (now - newest.readAt > 4 * everyMs) return null;
  const other = told.findIndex(({ verdict }) => verdict !== newest.verdict);
  const row = other === -1 ? told : told.slice(0, other);
  const first = row.at(-1);
  if (row.length < READINGS_FOR_DRIFT || !first) return null;
  const { destination, audienceKey, takenIn, message } = newest;
  return { destination, audienceKey, verdict: newest.verdict, since: first.readAt, readings: row.length, takenIn, told: newest.told, message };
}

/**
 * Whether a platform serves an audience of the size of the newest reading. Null: fine, or not known.
 * @param leastToServe of the platform; null: no number is known
 * @returns for people, why not
 */
export function tooSmallToServe(newest: SizeReading | undefined, leastToServe: number | null): string | null {
  if (!newest || leastToServe === null || newest.verdict === 'unread' || newest.takenIn === 0) return null;
  if (newest.takenIn < leastToServe) return `${String(newest.takenIn)} people are in it, and ads are not served to fewer than ${String(leastToServe)}`;
  if (newest.told && newest.told.atMost < leastToServe && newest.takenIn - newest.entering >= leastToServe) {
    return `the platform knows ${describeTold(newest.told)} of the ${String(newest.takenIn)} people in it, and ads are not served to fewer than ${String(leastToServe)}`;
  }
  return null;
}

/** How much of an audience came and went within a time, as a share of it; null where it is too small to say. @param least fewer members than this swing by themselves */
export function swingOf({ adds, removes, size }: { adds: number; removes: number; size: number }, least = SMALL): number | null {
  return Math.max(size, size + removes - adds) < least ? null : (adds + removes) / Math.max(1, size);
}
