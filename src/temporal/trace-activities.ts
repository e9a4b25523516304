/** A span for each attempt at a step. Only activities are looked at: workflows stay as they are, and so do their histories. */
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { placeOfAttempt, traced, type Tracer } from '../monitoring/tracing.ts';
import { fieldsOf } from './log-fields.ts';

export function traceActivities(tracer: Tracer): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      execute: (input, next) =>
        traced(
          tracer,
          () => ({
            place: placeOfAttempt(info),
            name: `step ${info.activityType}`,
            kind: 'internal',
            attributes: { ...fieldsOf(info.workflowExecution?.workflowId), workflow: info.workflowType ?? '', attempt: info.attempt },
          }),
          () => next(input),
        ),
    },
  });
}
