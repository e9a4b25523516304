import { continueAsNew, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { ErasureReceipt, EraseInput } from './contract.ts';
import { growingPause, steps, walks } from './walk-members.ts';

/**
 * Erases a person: out of every audience and, once each platform has accepted that, out of Temporal and the ledger. May begin anew
 * anywhere: what is done stays done.
 */
export async function erase(input: EraseInput): Promise<ErasureReceipt> {
  const { erasureId, anyway } = input;
  for (let rounds = 0; ; rounds++) {
    const left = await steps.leaveEverything(erasureId);
    const where = left.map(({ destination, audienceKey, status, reason }) => `${destination}/${audienceKey}: ${status}${reason === null ? '' : ` (${reason})`}`);
    if (left.length === 0 || anyway) {
      const histories = await walks.forgetHistories(erasureId);
      const rows = await steps.eraseFromLedger(erasureId, anyway);
      if (rows) {
        const warehouses = await eraseFromWarehouses(input);
        const receipt: ErasureReceipt = { rows, histories, left_at_platforms: where, warehouses };
        await steps.finishErasure(erasureId, { ...receipt });
        return receipt;
      }
    }
    setCurrentDetails(`Waits until the platforms have let the person go: ${where.join(' · ')}`);
    if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof erase>(input);
    await sleep(growingPause(rounds));
  }
}

/** Each in its own time. Returns how many rows were made nobody's in each; with `anyway` a warehouse that lets it wait says why instead. */
async function eraseFromWarehouses({ erasureId, anyway }: EraseInput): Promise<Record<string, number | string>> {
  const done: Record<string, number | string> = {};
  for (const name of await steps.listWarehouses()) {
    for (let rounds = 0; !(name in done); rounds++) {
      const erasure = await steps.eraseFromWarehouse(erasureId, name);
      if ('rows' in erasure) done[name] = erasure.rows;
      else if (anyway) done[name] = erasure.later;
      else {
        setCurrentDetails(`Out of the platforms and the ledger. ${name}: waits because ${erasure.later}`);
        await sleep(growingPause(rounds));
      }
    }
  }
  return done;
}
