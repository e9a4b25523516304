/** Decided acks a second at the door, against a bare server that stores nothing. */
import { launch } from './launch.ts';
import { load } from './load.ts';
import { BENCH_REGISTRY } from './registry.ts';
import { comparison, inTurns, type Row } from './row.ts';
import type { BenchServers } from './servers.ts';
import { startSplitService } from './split-service.ts';

const CONNECTIONS = 500;

async function acksPerSecond(url: string, seconds: number): Promise<number> {
  const { answers, rate } = await load(url, { connections: CONNECTIONS, seconds });
  const others = Object.keys(answers).filter((status) => status !== '200');
  if (others.length > 0) throw new Error(`answers that are no 200: ${JSON.stringify(answers)}`);
  return rate;
}

async function besideBareServer(value: string, rounds: number, seconds: number, row: (rounds: { value: number; baseline: number }[]) => Row): Promise<Row> {
  const bare = await launch(new URL('./bare-server.ts', import.meta.url));
  try {
    await acksPerSecond(bare.url, 2);
    await acksPerSecond(value, 4);
    return row(await inTurns(rounds, { baseline: () => acksPerSecond(bare.url, seconds), value: () => acksPerSecond(value, seconds) }));
  } finally {
    await bare.stop();
  }
}

/** Nothing but the door and its ledger. */
export async function benchDoor({ databaseUrl }: BenchServers, rounds: number, seconds: number): Promise<Row[]> {
  const door = await launch(new URL('./door-server.ts', import.meta.url), [databaseUrl]);
  try {
    return [await besideBareServer(door.url, rounds, seconds, (measured) => comparison(`decided acks at the door, three destinations, ${String(CONNECTIONS)} connections, against a bare server`, 'acks/s', 0.4, measured))];
  } finally {
    await door.stop();
  }
}

/** Api and worker as production runs them: relay, workflows and pushes go on beside the door, on the same cores. */
export async function benchBusyDoor(servers: BenchServers, rounds: number, seconds: number): Promise<Row[]> {
  const service = await startSplitService(servers, BENCH_REGISTRY);
  try {
    return [await besideBareServer(service.url, rounds, seconds, (measured) => comparison('the same while relay and worker drain into Temporal and push, on the same cores', 'acks/s', 0.25, measured))];
  } finally {
    await service.stop();
  }
}
