/** What destinations, exporters and actions have in common: a part that each has, and settings that their kind checks. */
import type { z } from 'zod';
import type { Problems } from './registry-problems.ts';

interface EntryShape<Common extends z.ZodObject, Kind> {
  common: Common;
  /** The setting that names the kind, and what a kind is to people. */
  kindKey: string;
  noun: string;
  kinds: ReadonlyMap<string, Kind>;
}

export interface ReadEntry<Common, Kind> {
  common: Common;
  kind: Kind;
  settings: unknown;
}

/** Undefined when the entry has mistakes, each of which is in `problems`. */
export function readEntry<Common extends z.ZodObject, Kind extends { settings: z.ZodType }>(
  path: readonly string[],
  given: Record<string, unknown>,
  { common: schema, kindKey, noun, kinds }: EntryShape<Common, Kind>,
  sandboxAllowed: boolean,
  problems: Problems,
): ReadEntry<z.infer<Common>, Kind> | undefined {
  const common = schema.safeParse(given);
  if (!common.success) problems.addIssues(common.error.issues, path);
  const name = given[kindKey];
  if (typeof name !== 'string') return undefined;
  const kind = kinds.get(name);
  if (!kind) {
    problems.add([...path, kindKey], `${name} is not ${noun} of this version; it knows ${[...kinds.keys()].join(', ')}`);
    return undefined;
  }
  const own = Object.fromEntries(Object.entries(given).filter(([key]) => !Object.hasOwn(schema.shape, key)));
  const settings = kind.settings.safeParse(own);
  if (!settings.success) problems.addIssues(settings.error.issues, path);
  if (!common.success || !settings.success) return undefined;
  if (common.data['sandbox'] === true && !sandboxAllowed) problems.add([...path, 'sandbox'], 'the sandbox does not exist in production');
  return { common: common.data, kind, settings: settings.data };
}
