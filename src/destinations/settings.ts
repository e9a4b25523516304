/** Settings that several platforms have. */
import { z } from 'zod';
import { parseDuration } from '../domain/registry.ts';

/** A setting such as `20s`, `15m`, `7d`; read into milliseconds. */
export function durationSetting(byDefault: string) {
  return z
    .string()
    .default(byDefault)
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined) return ms;
      context.addIssue({ code: 'custom', message: 'must be a duration such as 20s, 15m or 7d' });
      return z.NEVER;
    });
}

/** How many calls a minute all targets and workers together may make to the account. */
export const callsPerMinuteSetting = z.number().int().min(1).max(100_000).describe('Most calls a minute to this account, over all its audiences and all workers.');
