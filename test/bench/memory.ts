/** Memory of the worker while windows are open: they sleep in Temporal, not here. */
import { readFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { load } from './load.ts';
import { BENCH_REGISTRY } from './registry.ts';
import { comparison, median, type Row } from './row.ts';
import type { BenchServers } from './servers.ts';
import { startSplitService } from './split-service.ts';

/** What the process has in memory, in MB. Linux. */
export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024;
}

/** Opens so many windows, and so many more, and compares the worker's memory at rest. */
export async function benchMemory(servers: BenchServers, few: number, many: number): Promise<Row[]> {
  const service = await startSplitService(servers, BENCH_REGISTRY);
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const client = new Client({ connection });
  const untilOpen = async (windows: number): Promise<void> => {
    while ((await client.workflow.count("WorkflowType = 'audienceAdd' and ExecutionStatus = 'Running'")).count < windows) await new Promise((resolve) => setTimeout(resolve, 1_000));
  };
  const atRest = async (): Promise<number> => {
    const seen: number[] = [];
    for (let look = 0; look < 10; look++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      seen.push(await residentMegabytes(service.worker.pid ?? 0));
    }
    return median(seen);
  };
  try {
    await load(service.url, { connections: 50, amount: few });
    await untilOpen(few);
    const baseline = await atRest();
    await load(service.url, { connections: 50, amount: many - few });
    await untilOpen(many);
    return [comparison(`memory of the worker with ${String(many)} open windows, against ${String(few)}`, 'MB', 1.2, [{ value: await atRest(), baseline }], 'most')];
  } finally {
    await connection.close();
    await service.stop();
  }
}
