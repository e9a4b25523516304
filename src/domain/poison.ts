/**
 * Finds the rows for which a platform refuses a whole call: what was refused is halved until one row stands alone. Pure.
 * Needs about log2 of a call's rows in calls for each such row, and one more for the rest.
 */

/** Members of the last call that was refused for some of them (one alone is rejected): the first so many pending ones hold at least one that cannot go through; absent when none is suspected. */
export type Suspects = number | undefined;

/** How many members the next call may carry; undefined: as many as the platform takes. */
export const mostMembers = (suspects: Suspects): number | undefined => (suspects === undefined ? undefined : Math.ceil(suspects / 2));

/**
 * A call with so many members went through, so the wrong one is behind them. When others came in between (removals go first) the
 * count may be wrong, which costs a call and nothing else.
 */
export function suspectsAfterSuccess(suspects: Suspects, carried: number): Suspects {
  const left = (suspects ?? 0) - carried;
  return left > 0 ? left : undefined;
}
