import { condition, defineSignal, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { FORWARDED_SIGNAL } from '../domain/forward.ts';
import type { EventWorkflowInput, Forwarded } from './contract.ts';
import { settleForward } from './ledger-steps.ts';

const forwarded = defineSignal(FORWARDED_SIGNAL);

const HOUR_MS = 3_600_000;
const LONGEST_WAIT_MS = 24 * HOUR_MS;

/**
 * One `cio.forward`. The door has put the event into the queue of its action; `action-queue.ts` sends it, in turn and for as long as it takes, and tells
 * this workflow, whose result shows what the tool answered. A word that was lost is made up for by looking again.
 */
export async function forward(input: EventWorkflowInput): Promise<Forwarded> {
  let told = false;
  setHandler(forwarded, () => void (told = true), { description: 'The tool has answered; look what.' });
  for (let looks = 0; ; looks++) {
    // Before the ledger is read: an answer that comes after that reading must not be missed.
    told = false;
    const settled = await settleForward(input);
    const { forward: { action, state }, action_state: standing } = settled;
    if (state !== 'waiting') {
      setCurrentDetails('');
      return settled;
    }
    setCurrentDetails(`Waits for its turn at **${action}**${standing === undefined ? '' : `: ${standing}`}. How the action stands is shown by \`headgate/action/${action}\`.`);
    await condition(() => told, Math.min(LONGEST_WAIT_MS, HOUR_MS * 2 ** Math.min(looks, 16)), { summary: `waits for ${action}` });
  }
}
