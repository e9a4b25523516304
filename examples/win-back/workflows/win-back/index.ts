import { defineWorkflowType } from 'headgate/workflow-type';
import { createActivities } from './activities.ts';
import { schema } from './schema.ts';
import type * as workflow from './workflow.ts';

export default defineWorkflowType<typeof workflow, typeof schema>({
  event: 'subscription.paused',
  workflow: 'winBackStart',
  schema,
  createActivities,
  description: 'A paused subscription is won back: a postcard, then a bonus, until it is resumed',
  summary: ({ subscription_id }) => `wins back ${subscription_id}`,
  example: { subscription_id: 'sub-7', product: 'Coffee, monthly' },
});
