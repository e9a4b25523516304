import { defineWorkflowType } from 'headgate/workflow-type';
import { schema } from './schema.ts';
import type * as workflow from './workflow.ts';

export default defineWorkflowType<typeof workflow, typeof schema>({
  event: 'subscription.resumed',
  workflow: 'subscriptionResumed',
  schema,
  description: 'A resumed subscription ends the winning back',
  summary: ({ subscription_id }) => `${subscription_id} is resumed`,
  example: { subscription_id: 'sub-7' },
});
