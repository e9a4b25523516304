/**
 * What others may import from Headgate: `exports` of package.json. In this repository they are the TypeScript of src/. Node runs no TypeScript below node_modules, so
 * in the npm package the same names lead to the JavaScript and the declarations of dist/.
 */
import type { PackageJson } from './package-json.ts';

/** The files of src/ that are public, such as `src/workflows/authoring.ts`. */
export const publicSources = ({ exports = {} }: Pick<PackageJson, 'exports'>): string[] =>
  Object.values(exports).filter((target) => target.endsWith('.ts')).map((target) => target.replace(/^\.\//, ''));

/** `exports` of the package. Throws for a file that is not made into dist/. */
export function exportsOfPackage({ exports = {} }: Pick<PackageJson, 'exports'>): Record<string, string | { types: string; default: string }> {
  return Object.fromEntries(
    Object.entries(exports).map(([name, target]): [string, string | { types: string; default: string }] => {
      const [, path] = /^\.\/src\/(.+)\.ts$/.exec(target) ?? [];
      if (path !== undefined) return [name, { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` }];
      if (target.endsWith('.ts')) throw new Error(`package.json, exports: ${name} is ${target}, which no npm package can have: put it below src/.`);
      return [name, target];
    }),
  );
}
