/** What has to hold of a registration before anything runs: each mistake in a sentence that says what to do. */
import { isDeepStrictEqual } from 'node:util';
import { LONGEST_EVENT_NAME, OWN_EVENT_NAME, RESERVED_PREFIXES } from '../domain/event-type.ts';
import type { AnyWorkflowType } from './event-type.ts';

const ATTRIBUTE_NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param given the default export of index.ts, whatever it is */
export function mistakesOf(given: unknown): string[] {
  if (!isObject(given)) return ['has no default export: export default defineWorkflowType<typeof workflows, typeof schema>({ … })'];
  const type = given as Partial<AnyWorkflowType>;
  return [
    ...eventMistakes(type.event),
    ...(typeof type.workflow === 'string' && type.workflow !== '' ? [] : ['workflow is missing: name a function that workflow.ts exports']),
    ...(typeof type.description === 'string' && type.description.trim() !== '' ? [] : ['description is missing: say in one line what the type is for']),
    ...(type.createActivities === undefined || typeof type.createActivities === 'function' ? [] : ['createActivities must be a function of what activities are built from']),
    ...(type.summary === undefined || typeof type.summary === 'function' ? [] : ['summary must be a function of the data']),
    ...attributeMistakes(type.searchAttributes),
    ...schemaMistakes(type),
  ];
}

function eventMistakes(event: unknown): string[] {
  if (typeof event !== 'string' || !OWN_EVENT_NAME.test(event) || event.length > LONGEST_EVENT_NAME) return [`event must be a dotted lower-case name such as shop.refund, not ${event === undefined ? 'nothing' : JSON.stringify(event)}`];
  const reserved = RESERVED_PREFIXES.find((prefix) => event.startsWith(prefix));
  return reserved === undefined ? [] : [`event ${event} begins with ${reserved}, which is for Headgate's own: take another word, such as shop.`];
}

function attributeMistakes(attributes: unknown): string[] {
  if (attributes === undefined) return [];
  if (!isObject(attributes) || Object.values(attributes).some((one) => typeof one !== 'function')) return ['searchAttributes must be functions by name: { OrderId: (data) => data.order_id }'];
  return Object.keys(attributes).flatMap((name) => (ATTRIBUTE_NAME.test(name) ? [] : [`searchAttributes.${name}: a name has letters, digits and _, and starts with a letter`]));
}

/** The example goes the way of an event's attributes: through JSON, the schema, and JSON again. */
function schemaMistakes({ schema, example }: Partial<AnyWorkflowType>): string[] {
  if (!isObject(schema) || typeof schema.safeParse !== 'function') return ['schema must be a zod schema: export const schema = z.object({ … }) in schema.ts'];
  if (!isObject(example)) return ['example is missing: attributes that pass the schema, for documentation and test sends'];
  try {
    const parsed = schema.safeParse(JSON.parse(JSON.stringify(example)));
    if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `example${path.map((part) => `.${String(part)}`).join('')} does not pass the schema: ${message}`);
    if (!isObject(parsed.data)) return ['schema must give an object: z.object({ … })'];
    const asJson: unknown = JSON.parse(JSON.stringify(parsed.data));
    return isDeepStrictEqual(asJson, withoutUndefined(parsed.data)) ? [] : ['schema gives what JSON does not hold (a Date, a Map, NaN): what it gives travels to the workflow as JSON, so leave texts and numbers as they are'];
  } catch (error) {
    return [`schema cannot read the example: ${(error as Error).message}`];
  }
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined).map(([key, one]) => [key, withoutUndefined(one)]));
}
