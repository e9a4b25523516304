/**
 * Who is held out of an audience: whoever falls below its own share at the position of (audience, person), or below the share of a holdout
 * over several audiences at the position of (holdout, person). Positions never change, so a share that is raised only adds persons and one
 * that is lowered only takes some out. Pure.
 */
import type { Arm } from './membership.ts';
import type { Audience } from './registry.ts';

/** Where a person falls under a salt, 0 ≤ x < 1, evenly and independently of other salts. */
export type HoldoutPosition = (salt: string, personId: string) => number;

/** The shares that decide on arms in one audience, 0…1, by salt: the audience's key, and `holdout:<name>` of each holdout that covers it. None of them 0. */
export type HoldoutShares = Readonly<Record<string, number>>;

type Shared = Pick<Audience, 'key' | 'holdout' | 'holdouts'>;

const holdoutSalt = (name: string): string => `holdout:${name}`;

/** The arm of a person in an audience: the same in every event, as long as the shares stay. */
export const armOf = ({ key, holdout, holdouts }: Shared, personId: string, position: HoldoutPosition): Arm =>
  (holdout > 0 && position(key, personId) < holdout) || holdouts.some(({ name, share }) => position(holdoutSalt(name), personId) < share) ? 'holdout' : 'treatment';

export const sharesOf = ({ key, holdout, holdouts }: Shared): HoldoutShares =>
  Object.fromEntries([[key, holdout] as const, ...holdouts.map(({ name, share }) => [holdoutSalt(name), share] as const)].filter(([, share]) => share > 0));

export const areEqualShares = (a: HoldoutShares, b: HoldoutShares): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([salt, share]) => b[salt] === share);

/** For people: `5% of its own, 2% by all_ads`, or `none`. */
export function describeShares(shares: HoldoutShares, audienceKey: string): string {
  const percent = (share: number): string => `${String(Number((share * 100).toFixed(6)))}%`;
  const told = Object.entries(shares).map(([salt, share]) => `${percent(share)} ${salt === audienceKey ? 'of its own' : `by ${salt.slice(holdoutSalt('').length)}`}`);
  return told.length === 0 ? 'none' : told.join(', ');
}
