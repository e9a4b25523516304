/** The section `workflows` of headgate.yaml: where workflow types are, and what their activities are told (docs/new-workflow-type.md). */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { findTypes } from '../workflow-types/find-types.ts';
import type { LoadedType } from '../workflow-types/loaded-type.ts';
import { ConfigurationError } from './configuration-error.ts';
import type { Problems } from './registry-problems.ts';
import type { Registry } from './registry.ts';

export const WORKFLOWS_SECTION = 'workflows';

const place = z.string('must be a folder or a package').min(1, 'must be a folder or a package');
const places = z.union([place.transform((one) => [one]), z.array(place)], 'must be a folder, a package, or a list of them');
const settings = z.record(z.string(), z.record(z.string(), z.unknown(), 'must have settings below it'), 'must be names of types, each with its settings below it');
const detailed = z.strictObject({ folders: places.optional(), settings: settings.default({}) });

/** What the file says; no folder has been looked into. */
export interface Workflows {
  /** Undefined: ./workflows beside headgate.yaml, if it is there. */
  folders: string[] | undefined;
  /** By the type's name. */
  settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export function resolveWorkflows(given: unknown, problems: Problems): Workflows {
  if (given === undefined || given === null) return { folders: undefined, settings: {} };
  const isDetailed = typeof given === 'object' && !Array.isArray(given);
  const parsed = isDetailed ? detailed.safeParse(given) : places.safeParse(given);
  if (!parsed.success) {
    problems.addIssues(parsed.error.issues, [WORKFLOWS_SECTION]);
    return { folders: undefined, settings: {} };
  }
  return Array.isArray(parsed.data) ? { folders: parsed.data, settings: {} } : { folders: parsed.data.folders, settings: parsed.data.settings };
}

/** For people: which settings there are, not what they say. */
export function showWorkflows({ folders, settings: given }: Workflows): object {
  const masked = Object.fromEntries(Object.entries(given).map(([name, own]) => [name, Object.fromEntries(Object.keys(own).map((key) => [key, '***']))]));
  if (folders === undefined && Object.keys(given).length === 0) return {};
  return { workflows: { ...(folders === undefined ? {} : { folders }), ...(Object.keys(given).length === 0 ? {} : { settings: masked }) } };
}

/** The registry with its workflow types. Throws ConfigurationError with every mistake. Costs a look into a folder where there are none. */
export async function withWorkflowTypes(registry: Registry, beside: string): Promise<Registry> {
  const { folders, settings: given } = registry.workflows;
  const found = findTypes(folders, beside);
  if (found.folders.length === 0 && found.problems.length === 0 && Object.keys(given).length === 0) return registry;
  const { byEvent, loadWorkflowTypes } = await import('../workflow-types/index.ts');
  const { types, problems } = loadWorkflowTypes(folders, beside);
  const strangers = Object.keys(given).filter((name) => !types.some((type) => type.name === name));
  for (const name of problems.length > 0 ? [] : strangers) problems.push(`workflows: settings: there is no workflow type ${name}; there are ${types.map((type) => type.name).join(', ') || 'none'}`);
  if (problems.length > 0) throw new ConfigurationError('The workflow types have mistakes', problems);
  return { ...registry, types, policies: { ...registry.policies, types: byEvent(types) }, hash: hashWith(registry.hash, types) };
}

/** Processes with other types are noticed as those with another headgate.yaml are. */
const hashWith = (hash: string, types: readonly LoadedType[]): string => createHash('sha256').update(JSON.stringify([hash, ...types.map(({ event, workflow }) => [event, workflow])])).digest('hex').slice(0, 16);
