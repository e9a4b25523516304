import { z } from 'zod';
import { parseDuration } from '../domain/registry.ts';

const MUST_BE = 'must be a duration such as 7d, 12h or 30m';

/** A length of time in headgate.yaml, also in the settings of workflow types: `60d` is read into milliseconds. Give it a default by `duration.prefault('60d')`. */
export const duration = z.string(MUST_BE).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: MUST_BE });
  return z.NEVER;
});
