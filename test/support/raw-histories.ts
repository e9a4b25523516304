/** What Temporal's server itself knows, as it answers over gRPC to somebody without keys. */
import { Connection } from '@temporalio/client';
import type { TestTemporal } from './temporal.ts';

/** A payload that the server holds, and where: `startedAttributes.input`, without indices. */
export interface FoundPayload {
  path: string;
  encoding: string;
  keyId: string | undefined;
  text: string;
}

export interface RawWorkflow {
  workflowId: string;
  type: string;
  events: readonly { eventType: string; json: string }[];
  payloads: FoundPayload[];
  /** Every text and all bytes of its history and its description, bytes as text. */
  everything: string;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** Every workflow that the server has, with all of its history, and the schedules. */
export async function readRaw({ address }: TestTemporal, query = ''): Promise<RawWorkflow[]> {
  const connection = await Connection.connect({ address });
  const service = connection.workflowService;
  const namespace = 'default';
  const { executions } = await service.listWorkflowExecutions({ namespace, query, pageSize: 1_000 });
  const workflows = await Promise.all(
    executions.map(async ({ execution, type }): Promise<RawWorkflow> => {
      const described = await service.describeWorkflowExecution({ namespace, execution: execution! });
      const { history } = await service.getWorkflowExecutionHistory({ namespace, execution: execution!, maximumPageSize: 1_000 });
      const seen = { payloads: [] as FoundPayload[], texts: [] as string[] };
      for (const [name, part] of Object.entries({ described, events: history?.events ?? [] })) walk(part, name, seen);
      const events = (history?.events ?? []).map((event) => ({ eventType: String(event.eventType), json: JSON.stringify(event) }));
      return { workflowId: execution?.workflowId ?? '', type: type?.name ?? '', events, payloads: seen.payloads, everything: seen.texts.join('\n') };
    }),
  );
  const { schedules } = await service.listSchedules({ namespace });
  for (const { scheduleId } of schedules) {
    const seen = { payloads: [] as FoundPayload[], texts: [] as string[] };
    walk(await service.describeSchedule({ namespace, scheduleId: scheduleId! }), 'schedule', seen);
    workflows.push({ workflowId: scheduleId ?? '', type: 'schedule', events: [], payloads: seen.payloads, everything: seen.texts.join('\n') });
  }
  await connection.close();
  return workflows;
}

function walk(value: unknown, path: string, seen: { payloads: FoundPayload[]; texts: string[] }): void {
  if (typeof value === 'string') seen.texts.push(value);
  else if (value instanceof Uint8Array) seen.texts.push(text(value));
  else if (Array.isArray(value)) for (const one of value) walk(one, path, seen);
  else if (typeof value === 'object' && value !== null) {
    const { metadata, data } = value as { metadata?: Record<string, Uint8Array>; data?: Uint8Array };
    if (metadata?.['encoding'] instanceof Uint8Array) seen.payloads.push({ path, encoding: text(metadata['encoding']), keyId: metadata['encryption-key-id'] && text(metadata['encryption-key-id']), text: text(data ?? new Uint8Array()) });
    for (const [name, one] of Object.entries(value)) walk(one, name === 'payloads' ? path : `${path}.${name}`, seen);
  }
}
