/** What the `check` of every platform has in common. */
import { PlatformFailure } from '../domain/failures.ts';
import { formatDuration } from '../domain/registry.ts';
import type { CheckedTarget, Finding } from './destination.ts';

/** Runs one look; a PlatformFailure becomes a problem with its cause and cure. */
export async function look(subject: string, audienceKey: string | undefined, ask: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof PlatformFailure)) throw error;
    return [problem(subject, inWords(error), audienceKey)];
  }
}

/** The failure of reading an audience that the platform does not have. */
export function gone(destination: string, what: string): PlatformFailure {
  const cause = `there is no ${what}`;
  return new PlatformFailure(`${destination}: ${cause}.`, { kind: 'misconfigured', cause, cure: 'Correct its id in headgate.yaml.' });
}

/** What the platform said, and what to do. */
export const inWords = ({ message, report: { cure } }: PlatformFailure): string => `${message} ${cure === '' ? 'Try again later.' : cure}`;

const finding = (level: Finding['level']) => (subject: string, message: string, audienceKey?: string): Finding => ({ subject, level, message, ...(audienceKey === undefined ? {} : { audienceKey }) });
export const fine = finding('ok');
export const warning = finding('warning');
export const problem = finding('problem');

/**
 * The platform's own time of membership against our window.
 * @param keepsMs how long the platform keeps a member, in milliseconds; undefined: until it is removed
 */
export function checkDuration({ audienceKey, windowMs }: CheckedTarget, keepsMs: number | undefined, cure: string): Finding {
  if (keepsMs === undefined) return fine('duration', 'members stay until Headgate removes them', audienceKey);
  const keeps = formatDuration(keepsMs);
  if (windowMs === null) return warning('duration', `the platform lets members go after ${keeps}, and the audience has no window: whoever shall stay longer has to be sent again before. ${cure}`, audienceKey);
  const window = formatDuration(windowMs);
  if (keepsMs < windowMs) return problem('duration', `the platform lets members go after ${keeps}, before the window of ${window} ends. ${cure}`, audienceKey);
  return fine('duration', `the platform keeps members for ${keeps}, the window is ${window}`, audienceKey);
}
