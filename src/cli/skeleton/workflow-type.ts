/** The files of a new workflow type: short, working, and to be changed (docs/new-workflow-type.md). */

export interface Skeleton {
  /** The folder: `refund-watch`. */
  name: string;
  event: string;
}

/** `refundWatch` */
export const workflowName = (name: string): string => name.replace(/-([a-z0-9])/g, (_whole, letter: string) => letter.toUpperCase());

/** File name to text. */
export function skeletonFiles({ name, event }: Skeleton): Record<string, string> {
  const workflow = workflowName(name);
  const step = `orderOf${workflow[0]?.toUpperCase() ?? ''}${workflow.slice(1)}`;
  return { 'schema.ts': SCHEMA, 'workflow.ts': workflowFile(workflow, step, event), 'activities.ts': activitiesFile(step), 'index.ts': indexFile(workflow, event), [`${name}.test.ts`]: testFile(name, event) };
}

const SCHEMA = `/** What the event's attributes hold. Whoever sends others is told every mistake. */
import { z } from 'zod';

export const schema = z.object({
  order_id: z.string().min(1),
  amount: z.number().positive(),
});

export type Data = z.infer<typeof schema>;
`;

const workflowFile = (workflow: string, step: string, event: string): string => `/** What happens, in order. Runs in Temporal's sandbox: besides headgate/workflow, import types only. */
import { countEvents, steps, type EventInput } from 'headgate/workflow';
import type { Activities } from './activities.ts';
import type { Data } from './schema.ts';

const { ${step} } = steps<Activities>();

export async function ${workflow}(input: EventInput<Data>): Promise<{ events: number; order: string }> {
  const events = await countEvents(input, { event: '${event}', within: '60 days' });
  const order = await ${step}(input.data.order_id);
  return { events, order };
}
`;

const activitiesFile = (step: string): string => `/** Steps that reach outside. Each is tried again until it succeeds, so each may run twice. */
import type { StepDependencies } from 'headgate/workflow-type';

export const createActivities = ({ logger, fetch, settings }: StepDependencies) => ({
  /** Asks the shop for an order, where headgate.yaml says where it is (workflows: settings). */
  async ${step}(orderId: string): Promise<string> {
    const { url } = settings;
    if (typeof url !== 'string') return \`order \${orderId}\`;
    const response = await fetch(\`\${url}/\${encodeURIComponent(orderId)}\`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(\`the shop answers \${String(response.status)} for order \${orderId}\`);
    logger.info({ order: orderId }, 'The shop knows the order.');
    return response.text();
  },
});

export type Activities = ReturnType<typeof createActivities>;
`;

const indexFile = (workflow: string, event: string): string => `/** The registration: which event starts which workflow, and what people read of it. */
import { defineWorkflowType } from 'headgate/workflow-type';
import { createActivities } from './activities.ts';
import { schema } from './schema.ts';
import type * as workflows from './workflow.ts';

export default defineWorkflowType<typeof workflows, typeof schema>({
  event: '${event}',
  workflow: '${workflow}',
  schema,
  createActivities,
  description: 'Counts the events of a person in 60 days, and looks up the order',
  summary: ({ order_id, amount }) => \`\${String(amount)} for \${order_id}\`,
  example: { order_id: 'o-1', amount: 25 },
});
`;

const testFile = (name: string, event: string): string => `import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestKit, type TestKit } from 'headgate/testing';

let kit: TestKit;
beforeAll(async () => {
  kit = await createTestKit({ workflows: import.meta.dirname });
});
afterAll(() => kit.close());

test('${name} counts the events of a person', async () => {
  const person = { customer_id: 'c_ada' };
  const first = await kit.send('${event}', { person, attributes: { order_id: 'o-1', amount: 25 } });
  expect(await first.result()).toEqual({ events: 1, order: 'order o-1' });
  const second = await kit.send('${event}', { person, attributes: { order_id: 'o-2', amount: 5 } });
  expect(await second.result()).toEqual({ events: 2, order: 'order o-2' });
});
`;
