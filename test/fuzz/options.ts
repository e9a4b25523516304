/** What `npm run fuzz` is asked by. */
import { parseArgs } from 'node:util';

export interface FuzzOptions {
  /** Makes the requests from the description; the rest is the same each time. */
  seed: number;
  /** How long the requests from the description go on, at most, together with everything else. */
  minutes: number;
  quick: boolean;
  /** Only what has this in its kind and name, such as `framing/two lengths` or `openapi/readEvent`. */
  only: string | undefined;
}

export const USAGE = 'Usage: npm run fuzz -- [--quick] [--minutes N] [--seed N] [--only KIND/NAME]';

/** Undefined when it cannot be understood. */
export function readOptions(args: readonly string[]): FuzzOptions | undefined {
  try {
    const { values } = parseArgs({ args: [...args], options: { seed: { type: 'string' }, minutes: { type: 'string' }, quick: { type: 'boolean', default: false }, only: { type: 'string' } } });
    const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
    const minutes = values.minutes === undefined ? (values.quick ? 0.3 : 3) : Number(values.minutes);
    return Number.isInteger(seed) && minutes > 0 ? { seed, minutes, quick: values.quick, only: values.only } : undefined;
  } catch {
    return undefined;
  }
}
