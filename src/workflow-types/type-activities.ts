/** The activities of all types of a process, and the steps that each may use: counted, and seen to be alive while they work. */
import { activityInfo } from '@temporalio/activity';
import { whileBeating } from '../activities/while-beating.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { LoadedType } from './loaded-type.ts';
import type { StepDependencies } from './step-dependencies.ts';
import { createTypeSteps, type TypeStepsDependencies } from './type-steps.ts';

export interface TypeActivitiesDependencies extends TypeStepsDependencies {
  logger: Logger;
  /** By the type's name. */
  settings: Readonly<Record<string, StepDependencies['settings']>>;
  /** Default: Node's. */
  fetch?: typeof fetch;
  /** Counts each attempt at a step. */
  count: (step: { workflow: string; step: string; outcome: 'done' | 'failed' }) => void;
}

type AnySteps = Record<string, (...given: never[]) => Promise<unknown>>;

/** By the name under which Temporal knows them. */
export function createTypeActivities(types: readonly LoadedType[], dependencies: TypeActivitiesDependencies): AnySteps {
  const { logger, settings, fetch: given = fetch, count } = dependencies;
  const steps: AnySteps = createTypeSteps(dependencies);
  for (const type of types) Object.assign(steps, type.createActivities?.({ logger: logger.child({ workflow_type: type.name }), fetch: given, settings: settings[type.name] ?? {} }));
  return Object.fromEntries(Object.entries(steps).map(([step, work]) => [step, counted(step, work, count)]));
}

const counted = (step: string, work: AnySteps[string], count: TypeActivitiesDependencies['count']): AnySteps[string] =>
  (...given) =>
    whileBeating(async () => {
      const workflow = activityInfo().workflowType ?? '';
      try {
        const result = await work(...given);
        count({ workflow, step, outcome: 'done' });
        return result;
      } catch (error) {
        count({ workflow, step, outcome: 'failed' });
        throw error;
      }
    });
