/** From what `workflows:` of headgate.yaml names to the folders of types: a folder with an index.ts is one type, each folder below another one is one. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/** Where types are looked for when headgate.yaml says nothing: beside it. */
export const DEFAULT_FOLDER = 'workflows';

/** Of index and workflow: TypeScript first. */
export const moduleIn = (folder: string, name: string): string | undefined => [`${name}.ts`, `${name}.js`].map((file) => join(folder, file)).find((file) => existsSync(file));

export interface FoundTypes {
  folders: string[];
  problems: string[];
}

/**
 * @param named folders or packages; undefined: the default folder, if it is there
 * @param beside the folder that they are relative to
 */
export function findTypes(named: readonly string[] | undefined, beside: string): FoundTypes {
  if (named === undefined) {
    const folder = resolve(beside, DEFAULT_FOLDER);
    return { folders: isFolder(folder) ? typesIn(folder) : [], problems: [] };
  }
  const problems: string[] = [];
  const folders = named.flatMap((name) => {
    const folder = folderOf(name, beside);
    if (folder === undefined) {
      problems.push(`workflows: there is neither a folder ${resolve(beside, name)} nor a package ${name} (npm install ${name})`);
      return [];
    }
    const found = typesIn(folder);
    if (found.length === 0) problems.push(`workflows: ${folder} holds no workflow type: each is a folder with an index.ts (headgate workflow new NAME --folder ${name} makes one)`);
    return found;
  });
  return { folders: [...new Set(folders)], problems };
}

const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

function typesIn(folder: string): string[] {
  if (moduleIn(folder, 'index') !== undefined) return [folder];
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => isFolder(path) && moduleIn(path, 'index') !== undefined);
}

function folderOf(name: string, beside: string): string | undefined {
  const path = resolve(beside, name);
  if (isFolder(path)) return path;
  try {
    return dirname(createRequire(join(beside, 'headgate.yaml')).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}
