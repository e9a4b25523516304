import type { EventType } from '../domain/event-type.ts';
import type { StepDependencies } from './step-dependencies.ts';
import type { Steps } from './define-workflow-type.ts';

/** A workflow type as it was found and checked. */
export interface LoadedType extends EventType {
  folder: string;
  /** Its registration: index.ts or index.js. */
  file: string;
  /** workflow.ts or workflow.js. */
  workflowFile: string;
  /** What it exports: the workflow, and entity workflows besides. */
  workflowNames: string[];
  /** Names of search attributes of its own. */
  attributeNames: string[];
  createActivities: ((dependencies: StepDependencies) => Steps) | undefined;
}
