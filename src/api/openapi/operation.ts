/** What is said of one route. One entry of this kind in operations.ts is all that a new route needs. */
import type { z } from 'zod';

/** `webhook`: signed or with a token of its source. `reading` and `operating`: see authorise.ts. `open`: nothing is asked. */
export type Guard = 'webhook' | 'reading' | 'operating' | 'open';

export interface Operation {
  /** Its `operationId`: a verb and a noun. */
  id: string;
  method: 'get' | 'post';
  /** `/v1/events/{event_id}`. */
  path: string;
  group: string;
  summary: string;
  description?: string;
  guard: Guard;
  /** What the names in the path stand for. */
  inPath?: Record<string, string>;
  /** As the route itself reads it, with a description for each field that does not explain itself. */
  query?: { schema: z.ZodObject; descriptions?: Record<string, string> };
  body?: Body;
  /** By status, besides what the guard adds. */
  answers: Record<number, Answer>;
  /** Requests that can be sent as they stand, with the answer that they get. The tests send them, in the order in which they stand. */
  examples: Example[];
  /** Where an id of the answer leads: `$response.body#/erasure_id` as `id` of another operation. */
  link?: { status: number; to: string; parameter: string; from: string };
}

export interface Body {
  type: string;
  /** Of the schema, among the components. */
  name: string;
  schema: z.ZodType;
  descriptions?: Record<string, string>;
  /** True where a missing Liquid value (empty, null) counts as absent, and numbers are as good as texts. */
  lenient?: boolean;
}

export interface Answer {
  description: string;
  /** Default: JSON. */
  type?: string;
  /** Of NDJSON: of each line. Absent where the answer is a text. */
  schema?: z.ZodType;
  headers?: Record<string, string>;
}

export interface Example {
  /** Of the request and of its answer: they belong together by it. */
  name: string;
  summary: string;
  path?: Record<string, string>;
  query?: Record<string, string | number>;
  body?: unknown;
  answer: { status: number; body?: unknown };
}
