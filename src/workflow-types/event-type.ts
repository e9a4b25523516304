/** From a registration to what the rest of Headgate asks of it: reading attributes by the schema, and saying what the workflow is started with. */
import { z } from 'zod';
import { redactText } from '../api/redact.ts';
import type { EventOfType, JsonObject, JsonValue } from '../domain/event.ts';
import type { EventType } from '../domain/event-type.ts';
import type { Problem } from '../domain/quarantine.ts';
import type { WorkflowType } from './define-workflow-type.ts';

/** Temporal's limit of a summary is 400 bytes; describe.ts cuts to it. Longer is nobody's wish. */
const LONGEST_SUMMARY = 1_000;
/** The longest value that visibility on SQL stores. */
const LONGEST_ATTRIBUTE = 255;

/** A registration whose parts were checked; the schema's types are the engineer's. */
export type AnyWorkflowType = WorkflowType<never, z.ZodType<object, object>>;

/** @param name the folder's */
export function eventTypeOf(type: AnyWorkflowType, name: string): EventType {
  return {
    event: type.event,
    workflow: type.workflow,
    name,
    description: type.description,
    example: type.example as JsonObject,
    jsonSchema: jsonSchemaOf(type.schema),
    read: (attributes) => readAttributes(type, attributes),
    startOf: (data) => startOf(type, data),
  };
}

function readAttributes({ schema, event }: AnyWorkflowType, attributes: JsonObject): { data: JsonObject } | { problems: Problem[] } {
  try {
    const parsed = schema.safeParse(attributes);
    if (!parsed.success) return { problems: parsed.error.issues.map(({ path, message }) => ({ path: ['attributes', ...path].map(String).join('.'), message: redactText(message) })) };
    return { data: JSON.parse(JSON.stringify(parsed.data)) as JsonObject };
  } catch (error) {
    // A transform that throws is the type's mistake, and the event waits in quarantine until it is mended.
    return { problems: [{ path: 'attributes', message: `the schema of ${event} failed: ${redactText((error as Error).message)}` }] };
  }
}

/** What people see of the workflow must not keep it from starting. */
function startOf({ workflow, summary, searchAttributes = {} }: AnyWorkflowType, data: JsonObject): EventOfType {
  const said = attempt(() => summary?.(data));
  const attributes = Object.entries(searchAttributes).flatMap(([name, of]): [string, string][] => {
    const value = attempt(() => of(data));
    return typeof value === 'string' && value !== '' ? [[name, redactText(value).slice(0, LONGEST_ATTRIBUTE)]] : [];
  });
  return {
    workflow,
    ...(typeof said === 'string' && said !== '' ? { summary: redactText(said).slice(0, LONGEST_SUMMARY) } : {}),
    ...(attributes.length === 0 ? {} : { attributes: Object.fromEntries(attributes) }),
  };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** For the description of the api; a schema that cannot be told this way is any object there. */
function jsonSchemaOf(schema: z.ZodType): JsonObject {
  const made = attempt(() => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonValue);
  if (typeof made !== 'object' || made === null || Array.isArray(made)) return { type: 'object' };
  return Object.fromEntries(Object.entries(made).filter(([key]) => key !== '$schema' && key !== '~standard'));
}
