/** Temporal's own log lines carry the names that docs/metrics.md promises. */
import { expect, test } from 'vitest';
import { fieldsOf } from '../../src/temporal/log-fields.ts';
import { eraseWorkflowId, exportWorkflowId, fillWorkflowId, jobWorkflowId, lifeboatWorkflowId, resyncWorkflowId, syncWorkflowId } from '../../src/workflows/contract.ts';

const target = { destination: 'meta_main', audienceKey: 'cart_7d_v1' };

test.each([
  ['5e9c0d1e', { event_id: '5e9c0d1e' }],
  ['an/event/id', { event_id: 'an/event/id' }],
  [syncWorkflowId('meta_main', 'cart_7d_v1'), { destination: 'meta_main', audience: 'cart_7d_v1' }],
  [fillWorkflowId(target), { destination: 'meta_main', audience: 'cart_7d_v1' }],
  [resyncWorkflowId('cart_7d_v1', new Date(0)), { audience: 'cart_7d_v1' }],
  [jobWorkflowId({ kind: 'retire', input: { audienceKey: 'cart_7d_v1', destinations: ['meta_main'], keep: true, wholeAudience: false } }), { audience: 'cart_7d_v1', destination: 'meta_main' }],
  [exportWorkflowId('warehouse'), { exporter: 'warehouse' }],
  [lifeboatWorkflowId('0b'), {}],
  [eraseWorkflowId('0b'), {}],
  [undefined, {}],
])('a line about the workflow %s', (workflowId, fields) => {
  expect(fieldsOf(workflowId)).toEqual(fields);
});
