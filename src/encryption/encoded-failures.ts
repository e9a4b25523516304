/** Moves messages and stack traces of failures into a payload, which the codec encrypts. Loaded by its path: by clients, workers, and into the bundle of workflows. */
import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
