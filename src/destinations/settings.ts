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
