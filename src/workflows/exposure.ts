import type { EventWorkflowInput, Settled } from './contract.ts';
import { settle } from './ledger-steps.ts';

/** One `cio.exposure`. The door has written its row; the workflow makes it visible. */
export async function exposure(input: EventWorkflowInput): Promise<Settled> {
  return settle(input);
}
