/**
 * Workflow types: what engineers add (docs/new-workflow-type.md). A folder of four small files is found, checked, and made known to the
 * door, to Temporal and to the documentation. Start reading at define-workflow-type.ts, then load.ts.
 */
export { defineWorkflowType, type StepDependencies, type Steps, type WorkflowType } from './define-workflow-type.ts';
export { createTypeSteps, type TypeSteps, type TypeStepsDependencies } from './type-steps.ts';
export type { Entities } from './entities.ts';
export type { TypeStore } from './type-store.ts';
export { byEvent, loadType, loadWorkflowTypes, type LoadedTypes } from './load.ts';
export type { LoadedType } from './loaded-type.ts';
export { ledgerStore } from './ledger-store.ts';
export { createTypeActivities, type TypeActivitiesDependencies } from './type-activities.ts';
