/** What a release must keep to, as pure functions: each returns what is wrong, in words; nothing when all is well. */
import type { Patch } from '../../src/workflows/patches.ts';

const SEMVER = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

interface PackageLike {
  name?: string;
  version?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}
export interface LockLike {
  version?: string;
  packages?: Record<string, PackageLike>;
}

/** Releases in ascending order, from tags such as `v0.1.0`. */
export const releasesIn = (tags: readonly string[]): string[] =>
  tags.filter((tag) => tag.startsWith('v') && SEMVER.test(tag.slice(1))).map((tag) => tag.slice(1)).sort(compareVersions);

/** By numbers; something before a release (`-rc.1`) comes before it. */
export function compareVersions(a: string, b: string): number {
  const parts = (version: string): number[] => (version.split('-')[0] ?? '').split('.').map(Number);
  const [left, right] = [parts(a), parts(b)];
  for (const index of [0, 1, 2]) if (left[index] !== right[index]) return (left[index] ?? 0) - (right[index] ?? 0);
  if (a.includes('-') === b.includes('-')) return a < b ? -1 : a > b ? 1 : 0;
  return a.includes('-') ? -1 : 1;
}

export function versionProblems(version: string, released: readonly string[]): string[] {
  if (!SEMVER.test(version)) return [`"${version}" in package.json is no version such as 1.2.3`];
  const newest = released.at(-1);
  if (released.includes(version)) return [`${version} is released already (tag v${version})`];
  return newest !== undefined && compareVersions(version, newest) < 0 ? [`${version} in package.json is older than the last release, ${newest}`] : [];
}

/** A section `## 1.2.3 · 2027-01-31` (or `[1.2.3] - …`) with notes, and nothing left over under Unreleased. */
export function changelogProblems(changelog: string, version: string): string[] {
  const sections = changelog.split(/^## /m).slice(1).map((section) => {
    const [title = '', ...lines] = section.split('\n');
    return { title, notes: lines.filter((line) => /^[-*] \S/.test(line)).length };
  });
  const own = sections.find(({ title }) => title.replaceAll(/[[\]]/g, '').split(/[\s·(]/)[0] === version);
  const unreleased = sections.find(({ title }) => /^\[?unreleased/i.test(title));
  const problems: string[] = [];
  if (!own) problems.push(`there is no section "## ${version} · <date>"`);
  else {
    if (!/\b\d{4}-\d{2}-\d{2}\b/.test(own.title)) problems.push(`the section of ${version} has no date`);
    if (own.notes === 0) problems.push(`the section of ${version} has no notes`);
  }
  if (unreleased && unreleased.notes > 0) problems.push(`${String(unreleased.notes)} notes still stand under Unreleased`);
  return problems;
}

/** Whether the lock file is the one that `npm install` would write for this package.json, as far as that can be told without a registry. */
export function lockProblems(manifest: PackageLike, lock: LockLike): string[] {
  const root = lock.packages?.[''] ?? {};
  const problems: string[] = [];
  for (const [where, version] of [['package-lock.json', lock.version], ["package-lock.json's first package", root.version]] as const) {
    if (version !== manifest.version) problems.push(`${where} has version ${String(version)}, package.json has ${String(manifest.version)}`);
  }
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
    const [wanted, locked] = [manifest[kind] ?? {}, root[kind] ?? {}];
    for (const name of new Set([...Object.keys(wanted), ...Object.keys(locked)])) {
      if (wanted[name] !== locked[name]) problems.push(`${name} is ${wanted[name] ?? 'absent'} in package.json and ${locked[name] ?? 'absent'} in package-lock.json`);
      else if (!lock.packages?.[`node_modules/${name}`]) problems.push(`${name} is not in package-lock.json`);
    }
  }
  return problems;
}

/** What git has of a folder: paths and what is in them, as hashes. */
export type Tree = ReadonlyMap<string, string>;

/** Files of a release that have changed or are gone since. */
export function changedSince(before: Tree, now: Tree): string[] {
  return [...before].flatMap(([path, hash]) => (now.get(path) === hash ? [] : [now.has(path) ? `${path} has changed` : `${path} is gone`]));
}

/** Released migrations stay as they are; new ones come after them. */
export function migrationProblems(before: Tree, now: Tree): string[] {
  const last = [...before.keys()].sort().at(-1) ?? '';
  const early = [...now.keys()].filter((path) => !before.has(path) && path < last);
  return [...changedSince(before, now), ...early.map((path) => `${path} is new, and comes before the released ${last}: ledgers that have that one never get it`)];
}

export function historyProblems({ version, workflows, recorded, released, folders }: { version: string; workflows: readonly string[]; recorded: readonly string[]; released: readonly string[]; folders: readonly string[] }): string[] {
  if (!folders.includes(version)) return [`there are no histories of ${version}`];
  const missing = workflows.filter((name) => !recorded.includes(name));
  const strange = folders.filter((folder) => folder !== version && !released.includes(folder));
  const newest = released.at(-1);
  return [
    ...missing.map((name) => `${name} has no history of ${version}`),
    ...strange.map((folder) => `test/replay/histories/${folder} is of no release`),
    ...(newest !== undefined && !folders.includes(newest) ? [`the histories of the last release, ${newest}, are gone: workflows that it began are asleep everywhere`] : []),
  ];
}

/** Patches whose old way may go, which is a reminder and no fault. @param today ISO date */
export const patchesDue = (patches: readonly Patch[], today: string): string[] =>
  patches.filter(({ mayGoOn }) => mayGoOn <= today).map(({ id, mayGoOn }) => `the patch ${id} of src/workflows/patches.ts may go since ${mayGoOn}`);

interface SchemaLike {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, SchemaLike>;
  required?: string[];
  items?: SchemaLike;
}
interface ContentLike {
  content?: Record<string, { schema?: SchemaLike }>;
}
interface OperationLike {
  parameters?: { name?: string; in?: string; required?: boolean }[];
  requestBody?: ContentLike & { required?: boolean };
  responses?: Record<string, ContentLike>;
}
export interface ApiLike {
  paths: Record<string, Record<string, OperationLike>>;
  components?: { schemas?: Record<string, SchemaLike> };
}

/** What a caller of the released api would stumble over in this one: operations, answers and fields that are gone or of another type, and things that must be said newly. */
export function apiBreaks(before: ApiLike, after: ApiLike): string[] {
  const breaks: string[] = [];
  for (const [path, operations] of Object.entries(before.paths)) {
    for (const [method, was] of Object.entries(operations)) {
      const where = `${method.toUpperCase()} ${path}`;
      const is = after.paths[path]?.[method];
      if (!is) breaks.push(`${where} is gone`);
      else breaks.push(...operationBreaks(where, was, is, before, after));
    }
  }
  return [...new Set(breaks)];
}

function operationBreaks(where: string, was: OperationLike, is: OperationLike, before: ApiLike, after: ApiLike): string[] {
  const breaks: string[] = [];
  const asked = new Map((was.parameters ?? []).map((one) => [`${String(one.in)} ${String(one.name)}`, one]));
  for (const one of is.parameters ?? []) if (one.required && !asked.get(`${String(one.in)} ${String(one.name)}`)?.required) breaks.push(`${where} must have the ${String(one.in)} parameter ${String(one.name)} now`);
  const [body, newBody] = [bodyOf(was.requestBody), bodyOf(is.requestBody)];
  if (newBody) breaks.push(...newlyRequired(where, body, newBody, before, after));
  for (const [status, answer] of Object.entries(was.responses ?? {})) {
    const now = is.responses?.[status];
    if (!now) breaks.push(`${where} never answers ${status} any more`);
    else breaks.push(...lostFields(`${where} ${status}`, bodyOf(answer), bodyOf(now), before, after));
  }
  return breaks;
}

const bodyOf = (holder: ContentLike | undefined): SchemaLike | undefined => holder?.content?.['application/json']?.schema;

function resolved(schema: SchemaLike | undefined, api: ApiLike): SchemaLike | undefined {
  const name = schema?.$ref?.split('/').at(-1);
  return name === undefined ? schema : api.components?.schemas?.[name];
}

function newlyRequired(where: string, was: SchemaLike | undefined, is: SchemaLike, before: ApiLike, after: ApiLike): string[] {
  const [old, now] = [resolved(was, before), resolved(is, after)];
  return (now?.required ?? []).filter((name) => !old?.required?.includes(name)).map((name) => `${where} must be sent ${name} now`);
}

const DEEP = 8;
function lostFields(where: string, was: SchemaLike | undefined, is: SchemaLike | undefined, before: ApiLike, after: ApiLike, depth = 0): string[] {
  const [old, now] = [resolved(was, before), resolved(is, after)];
  if (!old || !now || depth > DEEP) return [];
  const breaks: string[] = [];
  if (old.type !== undefined && now.type !== undefined && JSON.stringify(old.type) !== JSON.stringify(now.type)) breaks.push(`${where} is ${JSON.stringify(now.type)} now, and was ${JSON.stringify(old.type)}`);
  for (const [name, field] of Object.entries(old.properties ?? {})) {
    const same = now.properties?.[name];
    if (!same) breaks.push(`${where} has no ${name} any more`);
    else breaks.push(...lostFields(`${where} ${name}`, field, same, before, after, depth + 1));
  }
  return [...breaks, ...lostFields(`${where} []`, old.items, now.items, before, after, depth + 1)];
}
