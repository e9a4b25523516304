/** What a platform's own documentation says of time and sizes: when what it has taken in takes effect, how it rounds, which audience is too small. Pure. */

export interface PlatformClocks {
  /** From the moment when the platform has accepted somebody until they are usable, at the most, by its own words. Milliseconds. */
  addsWithinMs: number;
  /** The same for a removal. */
  removalsWithinMs: number;
  /** How far the size that it tells may lag behind. Milliseconds. */
  sizeWithinMs: number;
  /** It tells sizes in steps of so many. */
  roundedTo: number;
  /** Fewer matched people than this are not served; null: no number is known. */
  leastToServe: number | null;
  /** Where this stands and when it was read, and what is not confirmed. */
  source: string;
}

/** The first clock is the ledger's, the second the platform's; what the platform has accepted takes effect later. Times in milliseconds since the epoch. */
export interface TwoClocks {
  /** Everything decided before this has been accepted by the platform, or refused by it for good. */
  acceptedUntil: number;
  lastSuccessAt: number | null;
  /** When the last of what it has accepted takes effect at the latest; null where nothing was accepted, or the platform's words are not known. */
  addsEffectiveBy: number | null;
  removalsEffectiveBy: number | null;
  source: string | null;
}

/** @param oldestPendingAt of what waits, held and refused removals included; null: nothing waits */
export function clocksOf({ now, oldestPendingAt, lastSuccessAt }: { now: number; oldestPendingAt: number | null; lastSuccessAt: number | null }, platform: PlatformClocks | undefined): TwoClocks {
  const by = (within: number | undefined): number | null => (lastSuccessAt === null || within === undefined ? null : lastSuccessAt + within);
  return {
    acceptedUntil: oldestPendingAt ?? now,
    lastSuccessAt,
    addsEffectiveBy: by(platform?.addsWithinMs),
    removalsEffectiveBy: by(platform?.removalsWithinMs),
    source: platform?.source ?? null,
  };
}
