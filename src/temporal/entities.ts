/** Entity workflows of types: told, and started where none runs. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { QUEUES } from '../workflows/contract.ts';
import type { Entities } from '../workflow-types/entities.ts';

const PERSON = defineSearchAttributeKey('PersonId', SearchAttributeType.KEYWORD);

const argumentsOf = (payload: unknown): unknown[] => (payload === undefined ? [] : [payload]);

export const createEntities = (client: Client): Entities => ({
  signalWithStart: async (workflowId, { workflow, start, signal, payload, personId }) => {
    await client.workflow.signalWithStart(workflow, {
      workflowId,
      taskQueue: QUEUES.steps,
      args: [start],
      signal,
      signalArgs: argumentsOf(payload),
      staticSummary: `${workflow} of ${personId}`,
      typedSearchAttributes: [{ key: PERSON, value: personId }],
    });
  },
  signal: async (workflowId, signal, payload) => {
    try {
      await client.workflow.getHandle(workflowId).signal(signal, ...argumentsOf(payload));
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  },
});
