/** What a platform tells of an audience's size, against what it has taken in. Pure. */

/** How many people a platform says that an audience has: matched ones only, rounded, hours or days old. No platform lists them. */
export interface AudienceSize {
  atLeast: number;
  atMost: number;
}

export interface SizeComparison {
  /** `strange`: rounding and matching do not explain it, so somebody has to look. */
  verdict: 'plausible' | 'strange' | 'untold';
  /** For people. */
  message: string;
}

/** Platforms round, and say the same of all small audiences; what is beyond this share, and beyond this number, is strange. */
const ROUNDING = 1.1;
const SMALL = 1_000;
/** Fewer matches than this share do not come from people who use no such platform. */
const FEWEST_MATCHES = 0.1;

/**
 * @param takenIn members that are in by the ledger, and that the platform has taken in
 * @param size null: the platform tells none
 */
export function compareSize(takenIn: number, size: AudienceSize | null): SizeComparison {
  if (!size) return { verdict: 'untold', message: 'tells no size; it is too small, or still being calculated' };
  const told = size.atLeast === size.atMost ? String(size.atMost) : `${String(size.atLeast)} to ${String(size.atMost)}`;
  if (size.atLeast > Math.max(SMALL, takenIn * ROUNDING)) {
    return { verdict: 'strange', message: `tells ${told}, more than the ${String(takenIn)} that it took in: another tool adds to it, or it keeps people whom Headgate does not know. Use an audience that Headgate alone fills` };
  }
  if (takenIn === 0) return { verdict: 'plausible', message: `tells ${told}` };
  const matched = `tells ${told}, ${(Math.min(1, size.atMost / takenIn) * 100).toFixed(0)} % of the ${String(takenIn)} that it took in`;
  if (takenIn <= SMALL || size.atMost >= takenIn * FEWEST_MATCHES) return { verdict: 'plausible', message: matched };
  return { verdict: 'strange', message: `${matched}. Sizes follow an upload by up to two days; if it stays so, \`headgate identifiers\` shows what is sent` };
}
