/** What Temporal's own log lines are about, under the names that Headgate's have. */

/** The fields that a workflow's id stands for (see the ids in workflows/contract.ts). Nothing for a line about no workflow. */
export function fieldsOf(workflowId: unknown): { event_id?: string; audience?: string; destination?: string; exporter?: string } {
  if (typeof workflowId !== 'string') return {};
  const [headgate, kind, first, second] = workflowId.split('/');
  if (headgate !== 'headgate' || first === undefined) return { event_id: workflowId };
  if (kind === 'sync' || kind === 'fill') return { destination: first, ...(second === undefined ? {} : { audience: second }) };
  if (kind === 'export') return { exporter: first };
  if (kind === 'lifeboat' || kind === 'erase' || kind === 'audit') return {};
  const destination = kind === 'retire' || kind === 'keep' || kind === 'adopt' ? second : undefined;
  return { audience: first, ...(destination === undefined ? {} : { destination }) };
}
