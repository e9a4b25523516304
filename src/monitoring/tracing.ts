/**
 * Traces, when somebody wants them. An event's trace follows from its id, so that the api, the relay and the workers find the same one without handing
 * anything over: no header in Temporal, nothing in a workflow, nothing in the ledger. Traces may be switched on and off at any restart.
 */
import { createHash, randomBytes } from 'node:crypto';

/** Where a span stands. Ids are hex, as OpenTelemetry writes them. */
export interface SpanPlace {
  traceId: string;
  spanId: string;
  /** The span that it is a part of. None: it is the first of its trace. */
  parentId?: string;
}

export interface SpanRecord {
  place: SpanPlace;
  name: string;
  kind: 'server' | 'client' | 'internal';
  /** Milliseconds since the epoch, with fractions. */
  beganAt: number;
  endedAt: number;
  attributes: Readonly<Record<string, string | number>>;
  /** Why it failed, when it did. */
  failure?: string | undefined;
  /** Another span that did this for many. */
  link?: SpanPlace;
}

/** Takes spans that are over. Never waits, never fails. */
export interface Tracer {
  record: (span: SpanRecord) => void;
  /** Sends what is left. */
  stop: () => Promise<void>;
}

/** Undefined in a process without traces: then nothing is measured, and nothing of OpenTelemetry is loaded. */
export type Tracing = Tracer | undefined;

export const now = (): number => performance.timeOrigin + performance.now();

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The first span of an event's trace: its webhook. */
export function placeOfEvent(eventId: string): SpanPlace {
  const hash = digest(`headgate/event/${eventId}`);
  return { traceId: hash.slice(0, 32), spanId: hash.slice(32, 48) };
}

/** A part of another span. */
export const within = ({ traceId, spanId }: SpanPlace): SpanPlace => ({ traceId, spanId: randomBytes(8).toString('hex'), parentId: spanId });

/** Which attempt of which step of which run. */
export interface Attempt {
  workflowExecution?: { workflowId: string; runId: string } | undefined;
  activityId: string;
  attempt: number;
}

/** The span of an attempt at a step. Those of an event stand in the event's trace, the others in one of their own. */
export function placeOfAttempt({ workflowExecution, activityId, attempt }: Attempt): SpanPlace {
  const workflowId = workflowExecution?.workflowId ?? '';
  const hash = digest(`headgate/attempt/${workflowId}/${workflowExecution?.runId ?? ''}/${activityId}/${String(attempt)}`);
  const spanId = hash.slice(32, 48);
  if (workflowId === '' || workflowId.startsWith('headgate/')) return { traceId: hash.slice(0, 32), spanId };
  const event = placeOfEvent(workflowId);
  return { traceId: event.traceId, spanId, parentId: event.spanId };
}

/** Does the work, and records it where traces are wanted. */
export async function traced<T>(tracer: Tracing, span: () => Omit<SpanRecord, 'beganAt' | 'endedAt' | 'failure'>, work: () => Promise<T>): Promise<T> {
  if (!tracer) return work();
  const beganAt = now();
  try {
    const result = await work();
    tracer.record({ ...span(), beganAt, endedAt: now() });
    return result;
  } catch (error) {
    tracer.record({ ...span(), beganAt, endedAt: now(), failure: error instanceof Error ? error.message : 'failed' });
    throw error;
  }
}

export interface TracingSettings {
  /** Base URL of an OTLP receiver; undefined: no traces. */
  endpoint: string | undefined;
  service: string;
  /** What the process does. */
  role: string;
  /** Share of traces that are kept, 0 … 1; every process keeps the same ones. */
  share: number;
}

/** Starts traces when there is an endpoint for them. */
export async function startTracing({ endpoint, ...settings }: TracingSettings): Promise<Tracing> {
  if (endpoint === undefined) return undefined;
  const { openTracer } = await import('./open-telemetry.ts');
  return openTracer({ ...settings, endpoint });
}
