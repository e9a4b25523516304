import { cancellationSignal, getClient } from '@temporalio/activity';
import type { ErasedRows, Erasure, StillThere } from '../ledger/index.ts';
import type { WarehouseErasure } from '../warehouse/exporter.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { QUEUES } from '../workflows/contract.ts';
import { keepUp } from './upkeep.ts';
import { whileBeating } from './while-beating.ts';

/** gRPC NOT_FOUND: the history is gone already, or the event had no workflow. */
const NOT_FOUND = 5;
const SLICE = 100;

/** Returns how many there were: one or none. */
const forgetHistory = ({ workflowService, options: { namespace } }: ReturnType<typeof getClient>, workflowId: string): Promise<number> =>
  workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } }).then(
    () => 1,
    (error: unknown) => {
      if ((error as { code?: unknown }).code === NOT_FOUND) return 0;
      throw error;
    },
  );

/** Steps of erasing a person. */
export function createErase(dependencies: ActivityDependencies) {
  const { ledger, exporters, logger } = dependencies;
  const find = async (erasureId: string): Promise<Erasure> => {
    const erasure = await ledger.readErasure(erasureId);
    if (!erasure) throw new Error(`the ledger knows no erasure ${erasureId}`);
    return erasure;
  };
  return {
    /** Takes the person out of every audience, and tells where a platform may still hold them. */
    async leaveEverything(erasureId: string): Promise<StillThere[]> {
      const { personIds } = await find(erasureId);
      await keepUp(dependencies, await ledger.findMembershipsToErase(personIds));
      return ledger.findStillThere(personIds);
    },
    /** Has Temporal delete the histories of the person's workflows, which hold their ids; it does so in its own time. Returns how many there were. */
    forgetHistories: (erasureId: string): Promise<number> =>
      whileBeating(async () => {
        const { personIds } = await find(erasureId);
        const client = getClient();
        const forget = (workflowId: string): Promise<number> => forgetHistory(client, workflowId);
        let forgotten = 0;
        for (let after: string | undefined = ''; after !== undefined; ) {
          const eventIds = await ledger.nextEventsOf(personIds, after, SLICE);
          for (const workflowId of eventIds) {
            forgotten += await forget(workflowId);
          }
          after = eventIds.length < SLICE ? undefined : eventIds.at(-1);
        }
        // Entity workflows of types, which are about a person and no event.
        for (let index = 0; index < personIds.length; index += SLICE) {
          const persons = personIds.slice(index, index + SLICE).map((id) => `'${id}'`);
          for await (const { workflowId } of client.workflow.list({ query: `TaskQueue = '${QUEUES.steps}' AND PersonId IN (${persons.join(', ')})` })) forgotten += await forget(workflowId);
        }
        return forgotten;
      }),
    /** Null when the person has come back meanwhile, or a platform holds them again. */
    async eraseFromLedger(erasureId: string, anyway: boolean): Promise<ErasedRows | null> {
      const { personIds } = await find(erasureId);
      return (await ledger.eraseFromLedger(personIds, anyway)) ?? null;
    },
    /** The warehouses of this worker's headgate.yaml. */
    listWarehouses: (): Promise<string[]> => Promise.resolve([...exporters.keys()]),
    /** A second time changes nothing. */
    async eraseFromWarehouse(erasureId: string, name: string): Promise<WarehouseErasure> {
      const exporter = exporters.get(name);
      if (!exporter) throw new Error(`this worker's headgate.yaml has no exporter ${name}; tried again, also by other workers`);
      const { personIds } = await find(erasureId);
      if (!(await ledger.hasCaughtUp(name, erasureId))) return { later: 'the export has yet to send what it had read before' };
      return exporter.erase(personIds, AbortSignal.any([AbortSignal.timeout(exporter.timeoutMs), cancellationSignal()]));
    },
    async finishErasure(erasureId: string, receipt: Record<string, unknown>): Promise<void> {
      await ledger.finishErasure(erasureId, receipt);
      logger.info({ erasure: erasureId }, 'A person was erased.');
    },
  };
}
