import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ReadSizesInput, SizesRead } from './contract.ts';

const { readSizes: readThem } = proxyActivities<Activities>({ startToCloseTimeout: '1h', heartbeatTimeout: '30s', retry: { initialInterval: '10s', maximumAttempts: 5 } });

/** Asks platforms for the sizes of audiences: those that are due (the sweep starts it), or those of one audience now. */
export async function readSizes(input: ReadSizesInput): Promise<SizesRead> {
  return readThem(input);
}
