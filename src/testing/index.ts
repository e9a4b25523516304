/**
 * `headgate/testing`: tests of workflow types (docs/testing-workflow-types.md), on a real Temporal server on which sixty days take a second.
 * Nothing in production imports this room. Start reading at kit.ts.
 */
export { createTestKit, NotAccepted, type EmittedEvent, type Run, type TestKit, type TestKitOptions } from './kit.ts';
export { StepKeepsFailing, type FailedAttempt } from './failing-steps.ts';
export { HistoryBroken, type History } from './replay.ts';
export { WebhookFactory, type WebhookOptions, type WebhookPerson } from './webhooks.ts';
