/** `headgate/workflow-type`: how an engineer registers a workflow type (docs/new-workflow-type.md). */
import type { z } from 'zod';
import type { JsonObject } from '../domain/event.ts';
import type { EventInput } from '../workflows/type-contract.ts';
import type { StepDependencies } from './step-dependencies.ts';

export type { EventInput } from '../workflows/type-contract.ts';
export { duration } from './duration.ts';
export type { StepDependencies, StepLogger } from './step-dependencies.ts';

/** Steps that reach outside, by name. */
export type Steps = Record<string, (...given: never[]) => Promise<unknown>>;

/** Names of the workflows in a module whose input is such an event. */
type WorkflowFor<Module, Data> = { [Name in keyof Module & string]: Module[Name] extends (input: EventInput<Data>) => Promise<unknown> ? Name : never }[keyof Module & string];

/** One workflow type: the default export of its index.ts. */
export interface WorkflowType<Module = never, Schema extends z.ZodType = z.ZodType> {
  /** The webhook's `event` that starts it: dotted and lower case, such as `shop.refund`; not `cio.…`, which are Headgate's own. */
  event: string;
  /** The workflow that it starts: a name that workflow.ts exports. */
  workflow: [Module] extends [never] ? string : WorkflowFor<Module, z.output<Schema>>;
  /** What the event's `attributes` hold; what it makes of them is the workflow's `data`. */
  schema: Schema;
  /** One line for people: what it is for. */
  description: string;
  /** Attributes for documentation, templates and test sends. */
  example: z.input<Schema>;
  /** Steps that reach outside. */
  createActivities?: (dependencies: StepDependencies) => Steps;
  /** The line that the Temporal UI shows for the workflow. Default: the event and the person. */
  summary?: (data: z.output<Schema>) => string;
  /** Search attributes besides EventName, PersonId and Source, by name: `{ OrderId: (data) => data.order_id }`. All are Keywords. */
  searchAttributes?: Record<string, (data: z.output<Schema>) => string | null | undefined>;
}

/**
 * Registers a workflow type, so that the compiler sees that event, schema and workflow fit:
 * `import type * as workflows from './workflow.ts'`, then `export default defineWorkflowType<typeof workflows, typeof schema>({ … })`.
 */
export function defineWorkflowType<Module extends object, Schema extends z.ZodType<object>>(type: WorkflowType<Module, Schema>): WorkflowType<Module, Schema> {
  return type;
}

export type { JsonObject };
