/** What a source may be about: `sources.<name>.audiences` and `.actions` have to exist. */
import type { Allowed } from '../domain/registry.ts';
import type { Problems } from './registry-problems.ts';
import type { SourceEntry } from './registry-schema.ts';

/** Looks at it as written, so that it is checked also when something else of the source is wrong. */
export function checkAllowed(source: string, given: Record<string, unknown>, known: { audiences: object; actions: object }, problems: Problems): void {
  for (const [section, one] of [['audiences', 'audience'], ['actions', 'action']] as const) {
    const list = given[section];
    for (const [index, name] of Array.isArray(list) ? list.entries() : []) {
      if (!Object.hasOwn(known[section], String(name))) problems.add(['sources', source, section, index], `there is no ${one} ${String(name)}`);
    }
  }
}

/** Only of sources that are limited. */
export function allowedOf(sources: ReadonlyMap<string, SourceEntry>): Map<string, Allowed> {
  const limited = [...sources].filter(([, { audiences, actions }]) => audiences !== undefined || actions !== undefined);
  return new Map(limited.map(([name, { audiences, actions }]) => [name, { ...(audiences ? { audiences: new Set(audiences) } : {}), ...(actions ? { actions: new Set(actions) } : {}) }]));
}
