/** The parts of Headgate that workflow types need, for a test: as wiring.ts puts them together, with what a test replaces. */
import { dirname, resolve } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundle } from '@temporalio/worker';
import type { ActionEntry, Audience, Policies } from '../domain/registry.ts';
import { TemporalGateway } from '../temporal/gateway.ts';
import { byEvent, createTypeSteps, loadWorkflowTypes, type LoadedType, type StepDependencies, type Steps } from '../workflow-types/index.ts';
import { QUEUES, SEARCH_ATTRIBUTES } from '../workflows/contract.ts';
import { FailingSteps } from './failing-steps.ts';
import { MemoryStore } from './memory-store.ts';

/** What is tested, and what stands around it. */
export interface TypesUnderTest {
  /** Folders of types, or folders that hold such, as `workflows:` of headgate.yaml: `import.meta.dirname` of a test beside a type. */
  workflows: string | readonly string[];
  /** What headgate.yaml says of each type below `settings`, by the name of its folder. */
  settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Names of the actions of headgate.yaml: where `cio.forward` events may go. */
  actions?: readonly string[];
  /** Keys of the audiences of headgate.yaml. */
  audiences?: readonly string[];
  /** What steps reach outside by. Default: every call fails, because a test reaches nobody. */
  fetch?: typeof fetch;
  /** Steps to put in the place of the types' own, by name. */
  steps?: Steps;
}

export interface RunningTypes {
  policies: Policies;
  bundle: WorkflowBundle;
  store: MemoryStore;
  gateway: TemporalGateway;
  failing: FailingSteps;
  stop: () => Promise<void>;
}
