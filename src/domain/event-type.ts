/** Event names of one's own: what the rest of Headgate knows of a workflow type (src/workflow-types), without its code. Pure types and rules. */
import { EVENT_NAMES, type EventOfType, type JsonObject } from './event.ts';
import type { Problem } from './quarantine.ts';
import { REPORT } from './report.ts';

/** `shop.refund`: dotted, lower case. */
export const OWN_EVENT_NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;
/** What such names may not begin with: Customer.io's, and what Headgate itself writes into `exposures`. */
export const RESERVED_PREFIXES = ['cio.', 'headgate.'] as const;
export const LONGEST_EVENT_NAME = 100;

/** A workflow type, by its event. */
export interface EventType {
  /** The event that starts it: `shop.refund`. */
  event: string;
  /** The workflow that it starts, as workflow.ts exports it. */
  workflow: string;
  /** The folder's name: `refund-watch`. */
  name: string;
  description: string;
  /** Attributes that pass its schema. */
  example: JsonObject;
  /** The attributes as JSON Schema, for the OpenAPI description. */
  jsonSchema: JsonObject;
  /** Reads an event's attributes by its schema; every mistake is listed at once. */
  read: (attributes: JsonObject) => { data: JsonObject } | { problems: Problem[] };
  /** What the workflow is started with besides its input. */
  startOf: (data: JsonObject) => EventOfType;
}

export type EventTypes = ReadonlyMap<string, EventType>;

const BUILT_IN: ReadonlySet<string> = new Set([...EVENT_NAMES, REPORT]);

/** True for the events that Headgate itself defines. */
export const isBuiltIn = (name: string): boolean => BUILT_IN.has(name);
