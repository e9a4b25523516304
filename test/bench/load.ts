/** Load on the door, on loopback only, that stops by itself. */
import autocannon from 'autocannon';
import { BENCH_SECRET } from './registry.ts';
import { signWebhooks, type SignedWebhook } from './signed-webhooks.ts';

export interface LoadResult {
  /** Answers by status. */
  answers: Record<string, number>;
  /** 2xx a second. */
  rate: number;
  /** Milliseconds. */
  p99: number;
  longest: number;
  /** Requests that were sent again because there were no more: they are answered as duplicates, which is less work. */
  repeated: number;
}

export interface LoadOptions {
  connections: number;
  /** For so long, or so many requests. */
  seconds?: number;
  amount?: number;
  /** Where and what to post, each request another event. Default: webhooks to the door, signed. */
  target?: LoadTarget;
}

export interface LoadTarget {
  path: string;
  make: (count: number) => SignedWebhook[];
  /** So many requests are made ahead for each second; a load that needs more repeats them. */
  mostPerSecond: number;
}

const DOOR: LoadTarget = { path: '/v1/webhooks/demo', make: (count) => signWebhooks(count, BENCH_SECRET), mostPerSecond: 16_000 };

/** Every request is another event of another person. */
export async function load(url: string, { connections, seconds = 0, amount = 0, target = DOOR }: LoadOptions): Promise<LoadResult> {
  const requests = target.make(amount || Math.ceil(seconds * target.mostPerSecond) + connections);
  let next = 0;
  const setupRequest = (request: object): object => {
    const { body, headers } = requests[next++ % requests.length]!;
    return { ...request, body, headers };
  };
  const options = { url: `${url}${target.path}`, method: 'POST', connections, timeout: 30, ...(amount > 0 ? { amount } : { duration: seconds }), requests: [{ setupRequest }] };
  const result = await autocannon(options as autocannon.Options);
  const counted = Object.entries(result.statusCodeStats ?? {}).map(([code, { count = 0 }]) => [code, count]);
  return { answers: { ...(Object.fromEntries(counted) as Record<string, number>), ...(result.errors > 0 ? { errors: result.errors } : {}) }, rate: result['2xx'] / result.duration, p99: result.latency.p99, longest: result.latency.max, repeated: Math.max(0, next - requests.length) };
}
