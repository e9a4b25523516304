/** Loads workflow types: finds them, imports them, checks each and all together, and reports every mistake at once with its file. */
import { realpathSync } from 'node:fs';
import { basename, extname } from 'node:path';
import type { Policies } from '../domain/registry.ts';
import { mistakesOf } from './check-type.ts';
import type { StepDependencies } from './step-dependencies.ts';
import { eventTypeOf, type AnyWorkflowType } from './event-type.ts';
import { findTypes, moduleIn } from './find-types.ts';
import type { LoadedType } from './loaded-type.ts';
import { ownRequire, shareModulesWith } from './module-hooks.ts';
import { OWN_STEP_NAMES } from './type-steps.ts';

export interface LoadedTypes {
  types: LoadedType[];
  /** `file: what is wrong, and what to do`. */
  problems: string[];
}

/**
 * @param named what `workflows:` says; undefined: nothing
 * @param beside the folder of headgate.yaml
 */
export function loadWorkflowTypes(named: readonly string[] | undefined, beside: string): LoadedTypes {
  const { folders, problems } = findTypes(named, beside);
  const types: LoadedType[] = [];
  for (const folder of folders) {
    const loaded = loadType(realpathSync(folder));
    if ('problems' in loaded) problems.push(...loaded.problems);
    else types.push(loaded);
  }
  problems.push(...clashes(types));
  return { types, problems };
}

/** By event, as the door, the command line and the description of the api look for them. */
export const byEvent = (types: readonly LoadedType[]): NonNullable<Policies['types']> => new Map(types.map((type) => [type.event, type]));

/** @param folder that of one type */
export function loadType(folder: string): LoadedType | { problems: string[] } {
  shareModulesWith(folder);
  const file = moduleIn(folder, 'index');
  if (file === undefined) return { problems: [`${folder}: has no index.ts, which registers the type`] };
  const registration = importFrom(file);
  if ('problem' in registration) return { problems: [`${file}: ${registration.problem}`] };
  const given = registration.exports['default'];
  const problems = mistakesOf(given).map((mistake) => `${file}: ${mistake}`);
  const workflows = loadWorkflows(folder, given);
  if ('problems' in workflows) return { problems: [...problems, ...workflows.problems] };
  if (problems.length > 0) return { problems };
  const type = given as AnyWorkflowType;
  return {
    ...eventTypeOf(type, basename(folder)),
    folder, file,
    ...workflows,
    attributeNames: Object.keys(type.searchAttributes ?? {}),
    createActivities: type.createActivities,
  };
}

/** Imported here only for its names: it runs in Temporal's sandbox. */
function loadWorkflows(folder: string, given: unknown): Pick<LoadedType, 'workflowFile' | 'workflowNames'> | { problems: string[] } {
  const workflowFile = moduleIn(folder, 'workflow');
  if (workflowFile === undefined) return { problems: [`${folder}: has no workflow.ts`] };
  const module = importFrom(workflowFile);
  if ('problem' in module) return { problems: [`${workflowFile}: ${module.problem}`] };
  const workflowNames = Object.entries(module.exports).filter(([, value]) => typeof value === 'function').map(([name]) => name);
  const { workflow } = (given ?? {}) as { workflow?: unknown };
  if (typeof workflow === 'string' && workflow !== '' && !workflowNames.includes(workflow)) return { problems: [`${workflowFile}: does not export a function ${workflow}, which index.ts names; it exports ${workflowNames.join(', ') || 'none'}`] };
  return { workflowFile, workflowNames };
}

function importFrom(file: string): { exports: Record<string, unknown> } | { problem: string } {
  try {
    return { exports: ownRequire(file) as Record<string, unknown> };
  } catch (error) {
    return { problem: `cannot be loaded: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** What must be one type's alone: its event, its workflows' names, its steps' names. */
function clashes(types: readonly LoadedType[]): string[] {
  const problems: string[] = [];
  const takers = { event: new Map<string, string>(), workflow: new Map(HEADGATES_OWN().map((name) => [name, 'Headgate itself'])), step: new Map<string, string>(OWN_STEP_NAMES.map((name) => [name, 'Headgate itself'])) };
  for (const type of types) {
    const names = { event: [type.event], workflow: type.workflowNames, step: stepNames(type, problems) };
    for (const kind of ['event', 'workflow', 'step'] as const) {
      for (const name of names[kind]) {
        const taker = takers[kind].get(name);
        if (taker === undefined) takers[kind].set(name, type.file);
        else problems.push(`${kind === 'workflow' ? type.workflowFile : type.file}: the ${kind} ${name} is taken by ${taker}: give it another name`);
      }
    }
  }
  return problems;
}

const HEADGATES_OWN = (): string[] => Object.keys(ownRequire(`../workflows/index${extname(import.meta.url)}`) as object);

/** Built once to see the names; nothing is called. */
function stepNames({ createActivities, file }: LoadedType, problems: string[]): string[] {
  if (!createActivities) return [];
  try {
    return Object.keys(createActivities(FOR_NAMES));
  } catch (error) {
    problems.push(`${file}: createActivities fails: ${(error as Error).message}. It must only put functions together; what can fail belongs into them.`);
    return [];
  }
}

const silent = (): undefined => undefined;
const FOR_NAMES: StepDependencies = { logger: { debug: silent, info: silent, warn: silent, error: silent }, fetch: () => Promise.reject(new Error('nothing is fetched while types are loaded')), settings: {} };
