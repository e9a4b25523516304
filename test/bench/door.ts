/** Decided acks a second at the door, against a bare server that stores nothing. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { BENCH_SECRET } from './registry.ts';
import { comparison, inTurns, type Row } from './row.ts';
import { signWebhooks } from './signed-webhooks.ts';

const CONNECTIONS = 500;

interface Launched {
  child: ChildProcess;
  port: number;
}

function launch(file: string, ...args: string[]): Promise<Launched> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args);
  return new Promise((resolve, reject) => {
    child.once('message', (message: { port: number }) => {
      resolve({ child, port: message.port });
    });
    child.once('exit', (code) => {
      reject(new Error(`${file} ended with ${String(code)}`));
    });
  });
}

/** Answers of 2xx a second. Every request is another event of another person. */
async function load(port: number, seconds: number): Promise<number> {
  const webhooks = signWebhooks(Math.ceil(seconds * 16_000), BENCH_SECRET);
  let next = 0;
  const setupRequest = (request: object): object => {
    const { body, headers } = webhooks[next++ % webhooks.length]!;
    return { ...request, body, headers };
  };
  const options = { url: `http://127.0.0.1:${String(port)}/v1/webhooks/demo`, method: 'POST', connections: CONNECTIONS, duration: seconds, requests: [{ setupRequest }] };
  const result = await autocannon(options as autocannon.Options);
  if (result.non2xx > 0) throw new Error(`${String(result.non2xx)} answers were not 2xx`);
  return result['2xx'] / result.duration;
}

export async function benchDoor(databaseUrl: string, rounds: number, seconds: number): Promise<Row[]> {
  const [bare, door] = [await launch('./bare-server.ts'), await launch('./door-server.ts', databaseUrl)];
  try {
    await load(bare.port, 2);
    await load(door.port, 5);
    const measured = await inTurns(rounds, { baseline: () => load(bare.port, seconds), value: () => load(door.port, seconds) });
    return [comparison(`decided acks at the door, three destinations, ${String(CONNECTIONS)} connections, against a bare server`, 'acks/s', 0.4, measured)];
  } finally {
    for (const { child } of [bare, door]) child.removeAllListeners('exit').kill('SIGKILL');
  }
}
