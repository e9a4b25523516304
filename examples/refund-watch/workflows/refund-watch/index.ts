import { defineWorkflowType } from 'headgate/workflow-type';
import { createActivities } from './activities.ts';
import { schema } from './schema.ts';
import type * as workflow from './workflow.ts';

export default defineWorkflowType<typeof workflow, typeof schema>({
  event: 'shop.refund',
  workflow: 'refundWatch',
  schema,
  createActivities,
  description: 'The third refund in 60 days opens a task for customer experience',
  summary: ({ amount, order_id }) => `refund of ${String(amount)} for ${order_id}`,
  searchAttributes: { OrderId: ({ order_id }) => order_id },
  example: { order_id: 'o-1001', amount: 25, currency: 'EUR' },
});
