/** From the moment a token is revoked to the message in its owner's hands: one audience after the other, each stuck for the first time. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sign } from '../../src/api/index.ts';
import { BENCH_SECRET } from './registry.ts';
import { limit, median, type Row } from './row.ts';
import type { BenchServers } from './servers.ts';
import { startSplitService } from './split-service.ts';

const keyOf = (index: number): string => `audience_${String(index)}_v1`;

function registryOf(rounds: number, channel: string): string {
  const audiences = Array.from({ length: rounds }, (_, index) => `  ${keyOf(index)}: { description: Round ${String(index)}, owner: Retention, window: 7d, targets: { meta_${String(index)}: "1" } }`);
  const destinations = Array.from({ length: rounds }, (_, index) => `  meta_${String(index)}: { platform: meta, sandbox: true, access_token: a-token-for-benches, ad_account: act_1 }`);
  return `
sources:
  demo: { signing_secret: ${BENCH_SECRET} }
destinations:
${destinations.join('\n')}
owners:
  Retention: { webhook: { url: "${channel}", secret: "whsec_${Buffer.from('a-secret-for-benches-of-alerts').toString('base64')}" } }
audiences:
${audiences.join('\n')}
`;
}

export async function benchAlert(servers: BenchServers, rounds: number): Promise<Row[]> {
  const waiting = new Map<string, (at: number) => void>();
  const channel = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { alerts } = JSON.parse(text) as { alerts: { rule: string; audience: string }[] };
      for (const { rule, audience } of alerts) if (rule === 'target_stuck') waiting.get(audience)?.(performance.now());
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => channel.listen(0, '127.0.0.1', resolve));
  const { port } = channel.address() as AddressInfo;
  const service = await startSplitService(servers, registryOf(rounds, `http://127.0.0.1:${String(port)}/`));
  const post = async (url: string, body: object, headers: Record<string, string> = {}): Promise<void> => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${url} answered ${String(response.status)}`);
  };
  try {
    const seconds: number[] = [];
    for (let index = 0; index < rounds; index++) {
      const told = new Promise<number>((resolve) => waiting.set(keyOf(index), resolve));
      const began = performance.now();
      await post(`${service.sandboxUrl}/_sandbox/faults`, { destination: `meta_${String(index)}`, fault: 'unauthorised' });
      const event = { schema_version: 1, event_id: crypto.randomUUID(), event: 'cio.audience_add', audience_key: keyOf(index), timestamp: Date.now() / 1_000, customer_id: `c_${String(index)}` , email: `c${String(index)}@example.com` };
      const timestamp = String(Math.floor(Date.now() / 1_000));
      await post(`${service.url}/v1/webhooks/demo`, event, { 'x-cio-timestamp': timestamp, 'x-cio-signature': sign(BENCH_SECRET, timestamp, Buffer.from(JSON.stringify(event))) });
      seconds.push(((await told) - began) / 1_000);
    }
    return [limit('from a revoked token (and the next call) to the message, p50', 's', null, median(seconds)), limit('the slowest of them', 's', null, Math.max(...seconds))];
  } finally {
    await service.stop();
    channel.close();
  }
}
