/** Registers the search attributes that workflows are started with; a start that names an unknown one is refused. */
import type { Client } from '@temporalio/client';
import type { Logger } from '../monitoring/logger.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/contract.ts';

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
const RETRY_MS = 2_000;

/**
 * Makes sure that they are there; waits for Temporal for as long as it takes. Where this process may not register them
 * (Temporal Cloud), says which command does.
 * @param own those of workflow types
 */
export async function registerSearchAttributes(client: Client, namespace: string, logger: Logger, signal: AbortSignal, own: readonly string[] = []): Promise<void> {
  const names = [...new Set([...SEARCH_ATTRIBUTES, ...own])];
  while (!signal.aborted) {
    try {
      const missing = await findMissing(client, namespace, names);
      if (missing.length === 0) return;
      const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
      await client.connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
      logger.info({ namespace, attributes: missing }, 'Search attributes were registered.');
      return;
    } catch (error) {
      if (isRefused(error)) {
        const flags = names.map((name) => `--name ${name} --type Keyword`).join(' ');
        logger.error({ err: error }, `Search attributes cannot be registered from here: temporal operator search-attribute create ${flags} (Temporal Cloud: in the namespace's settings).`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
    }
  }
}

async function findMissing(client: Client, namespace: string, names: readonly string[]): Promise<string[]> {
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace });
  return names.filter((name) => !(name in customAttributes));
}

/** gRPC INVALID_ARGUMENT (a name of another type, or more than the visibility store holds), PERMISSION_DENIED, UNIMPLEMENTED and UNAUTHENTICATED. */
const isRefused = (error: unknown): boolean => [3, 7, 12, 16].includes(Number((error as { code?: unknown }).code));
