import { defineWorkflowType } from 'headgate/workflow-type';
import { schema } from './schema.ts';
import type * as workflow from './workflow.ts';

export default defineWorkflowType<typeof workflow, typeof schema>({
  event: 'shop.refund_cleared',
  workflow: 'refundCleared',
  schema,
  description: 'Refunds of a customer were settled: refund-watch counts anew',
  example: { by: 'Kim' },
});
