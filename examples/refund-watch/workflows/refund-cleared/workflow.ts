/** That it is in the ledger is all: refund-watch looks for it there. */
import type { EventInput } from 'headgate/workflow';
import type { Cleared } from './schema.ts';

// eslint-disable-next-line @typescript-eslint/require-await -- workflows are asynchronous
export async function refundCleared({ event, data }: EventInput<Cleared>): Promise<{ settled: string; by: string | null }> {
  return { settled: new Date(event.occurredAt).toISOString(), by: data.by ?? null };
}
