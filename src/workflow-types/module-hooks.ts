/**
 * Types may live in folders that have no node_modules: what they import by the names below is this Headgate's own, wherever they are.
 * TypeScript there runs as it does here, and needs no package.json that says so.
 */
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

/** What types share with Headgate. */
export const SHARED = /^(headgate|zod|@temporalio\/[\w-]+)(\/|$)/;

/** Resolves as this file does. `require` in Node 24 loads ES modules and TypeScript, also where the code around runs in a bundler's loader (vitest). */
export const ownRequire = createRequire(import.meta.url);

const folders = new Set<string>();
let registered = false;

/** Makes modules in a folder find Headgate's. */
export function shareModulesWith(folder: string): void {
  folders.add(`${pathToFileURL(folder).href}/`);
  if (registered) return;
  registered = true;
  const isOfAType = (url: string | undefined): boolean => url !== undefined && [...folders].some((one) => url.startsWith(one));
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = isOfAType(context.parentURL) && SHARED.test(specifier) ? next(specifier, { ...context, parentURL: import.meta.url }) : next(specifier, context);
      return isOfAType(found.url) && found.url.endsWith('.ts') ? { ...found, format: 'module-typescript' } : found;
    },
  });
}
