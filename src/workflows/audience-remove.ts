import type { EventWorkflowInput, Settled } from './contract.ts';
import { settle } from './ledger-steps.ts';

/** One `cio.audience_remove`. The door has decided it and the sync carries it out; the result says how far each platform is. */
export async function audienceRemove(input: EventWorkflowInput): Promise<Settled> {
  return settle(input);
}
