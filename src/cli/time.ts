/** Times as people type and read them. */
import { parseDuration } from '../domain/registry.ts';

/** Milliseconds since the epoch, of ISO 8601, Unix seconds, or a time back such as `-7d`. Throws with the option's name. */
export function readTime(option: string, given: string): number {
  if (/^\d+(\.\d+)?$/.test(given)) return Number(given) * 1_000;
  const back = given.startsWith('-') ? parseDuration(given.slice(1)) : undefined;
  const time = back === undefined ? Date.parse(given) : Date.now() - back;
  if (Number.isNaN(time)) throw new Error(`${option} ${given} is no time: give ISO 8601, Unix seconds, or a time back such as -7d.`);
  return time;
}

export const time = (iso: string | null | undefined): string => (iso ? `${iso.slice(0, 19).replace('T', ' ')} UTC` : '–');
