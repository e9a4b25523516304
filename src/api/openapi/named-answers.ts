/** Schemas of answers with the names that the description has for them. */
import { z } from 'zod';

/** The description refers to these instead of repeating them. */
export const ANSWERS = z.registry<{ id: string; description?: string }>();

/** Gives a schema its name. */
export function named<T extends z.ZodType>(id: string, schema: T, description?: string): T {
  ANSWERS.add(schema, { id, ...(description === undefined ? {} : { description }) });
  return schema;
}
