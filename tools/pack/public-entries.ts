/**
 * What others may import from Headgate (`exports` of package.json). Node runs no TypeScript below node_modules, so an entry has two forms: `headgate-source`, a
 * condition that only this repository's own tools set (tsconfig.json, vitest.config.ts), names the TypeScript; everybody else gets the JavaScript and the declarations of dist/.
 */
import type { PackageJson } from './package-json.ts';

export interface PublicEntry {
  /** Such as `./workflow`. */
  name: string;
  /** Such as `src/workflow-types/workflow.ts`. */
  source: string;
}

/** Throws with every entry that does not name both forms, and says what to write instead. */
export function publicEntries({ exports = {} }: Pick<PackageJson, 'exports'>): PublicEntry[] {
  const entries: PublicEntry[] = [];
  const problems: string[] = [];
  for (const [name, target] of Object.entries(exports)) {
    if (name === './package.json') continue;
    const source = (typeof target === 'string' ? target : (target['headgate-source'] ?? '')).replace(/^\.\//, '');
    if (!/^src\/.*\.ts$/.test(source)) {
      problems.push(`${name} names no file src/….ts as headgate-source`);
      continue;
    }
    const wanted = bothForms(source);
    if (JSON.stringify(target) === JSON.stringify(wanted)) entries.push({ name, source });
    else problems.push(`${name} must be ${JSON.stringify(wanted)}, in this order`);
  }
  if (problems.length > 0) throw new Error(`package.json, exports: ${problems.join('; ')}.`);
  return entries;
}

/** What stands in `exports` for a file of src/. */
export function bothForms(source: string): Record<string, string> {
  const made = `./${source.replace(/^src\//, 'dist/').replace(/\.ts$/, '')}`;
  return { 'headgate-source': `./${source}`, types: `${made}.d.ts`, default: `${made}.js` };
}
