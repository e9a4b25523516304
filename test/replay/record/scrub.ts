/** Makes a history fit to be kept in public: nothing of the machine that it was recorded on, and nothing that a replay does not read. */
import type { HistoryEvent } from '../histories.ts';

/** Who did it, on which machine and process; where in the source it failed; what only the server reads. */
const LEFT_OUT = new Set(['identity', 'stackTrace', 'encodedAttributes', 'workerVersion', 'inheritedBuildId', 'buildId', 'meteringMetadata', 'taskId', 'requestId', 'binaryChecksum']);
/** Ports are of the run. */
const LOOPBACK = /\b(127\.0\.0\.1|localhost|\[::1\]):\d+/g;
const PORT = '8090';

const withoutPorts = (text: string): string => text.replaceAll(LOOPBACK, (_all, host: string) => `${host}:${PORT}`);

/** Payloads hold JSON in base64. */
function scrubData(data: string): string {
  const text = Buffer.from(data, 'base64').toString('utf8');
  return Buffer.from(withoutPorts(text), 'utf8').toString('base64');
}

function scrubValue(value: unknown): unknown {
  if (typeof value === 'string') return withoutPorts(value);
  if (Array.isArray(value)) return value.map(scrubValue);
  if (typeof value !== 'object' || value === null) return value;
  // A worker's own queue is called after its process and machine.
  if ('kind' in value && value.kind === 'TASK_QUEUE_KIND_STICKY') return { ...value, name: 'sticky' };
  const isPayload = 'metadata' in value && 'data' in value && typeof value.data === 'string';
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      if (LEFT_OUT.has(key) || inner === null) return [];
      return [[key, isPayload && key === 'data' ? scrubData(String(inner)) : scrubValue(inner)]];
    }),
  );
}

export const scrub = (events: readonly HistoryEvent[]): HistoryEvent[] => events.map((event) => scrubValue(event) as HistoryEvent);

/** Every text of a history, payloads decoded: for those who look what is in it. */
export function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const decoded = 'metadata' in value && 'data' in value && typeof value.data === 'string' ? [Buffer.from(value.data, 'base64').toString('utf8')] : [];
  return [...decoded, ...Object.values(value).flatMap(textsOf)];
}
