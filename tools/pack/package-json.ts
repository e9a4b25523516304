/** package.json and package-lock.json, as far as packaging asks. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface PackageJson {
  name: string;
  version: string;
  license: string;
  description: string;
  private?: boolean;
  files: string[];
  bin: Record<string, string>;
  engines: { node: string };
  exports?: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  overrides?: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

/** An entry of the lock. */
export interface Locked {
  version: string;
  license?: string;
  integrity?: string;
  resolved?: string;
  deprecated?: string;
  hasInstallScript?: boolean;
  /** Reached from devDependencies only. */
  dev?: boolean;
  optional?: boolean;
  bundled?: boolean;
  engines?: { node?: string };
}

export interface LockedPackage extends Locked {
  name: string;
  /** Below the root: `node_modules/…`. */
  path: string;
}

const readJson = async (name: string): Promise<unknown> => JSON.parse(await readFile(new URL(name, new URL('../../', import.meta.url)), 'utf8'));

export const readPackageJson = async (): Promise<PackageJson> => (await readJson('package.json')) as PackageJson;

/** Everything that the lock holds, without Headgate itself. */
export async function readLock(): Promise<LockedPackage[]> {
  const { packages } = (await readJson('package-lock.json')) as { packages: Record<string, Locked> };
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, locked]) => ({ ...locked, path, name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length) }));
}
