/** How soon a removal is at the platform: alone, in the middle of a burst of adds, and while their workflows wait to be started. */
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { load } from './load.ts';
import { BENCH_SECRET, CROWD_REGISTRY } from './registry.ts';
import { limit, median, quantile, type Row } from './row.ts';
import type { BenchServers } from './servers.ts';
import { signWebhooks } from './signed-webhooks.ts';
import { startSplitService } from './split-service.ts';

const DESTINATION = 'meta_main';
const REMOVALS_EVERY_MS = 150;
/** How often a removal may take this many times what it takes alone. */
const BAR = 3;

export async function benchCrowd(servers: BenchServers, adds: number, alone: number): Promise<Row[]> {
  const service = await startSplitService(servers, CROWD_REGISTRY);
  const ledger = new pg.Pool({ connectionString: servers.databaseUrl, max: 2 });
  const ackedAt = new Map<string, number>();
  const remove = async (): Promise<string> => {
    const [webhook] = signWebhooks(1, BENCH_SECRET, () => ({ event: 'cio.audience_remove' }));
    const response = await fetch(`${service.url}/v1/webhooks/demo`, { method: 'POST', ...webhook! });
    const { event_id: id } = (await response.json()) as { event_id: string };
    ackedAt.set(id, Date.now());
    return id;
  };
  /** From the answer to the platform's word, in milliseconds. */
  const delays = async (ids: readonly string[]): Promise<number[]> => {
    const ends = Date.now() + 60_000;
    for (;;) {
      const { rows } = await ledger.query<{ event_id: string; settled_at: Date | null }>(
        "select e.event_id, d.settled_at from events e join deliveries d using (person_id) where d.destination = $1 and d.status = 'accepted' and e.event_id = any($2)",
        [DESTINATION, ids],
      );
      if (rows.length === ids.length) return rows.map(({ event_id: id, settled_at: at }) => Math.max(0, (at?.getTime() ?? 0) - (ackedAt.get(id) ?? 0)));
      if (Date.now() > ends) throw new Error(`${String(ids.length - rows.length)} removals were not accepted within a minute`);
      await wait(200);
    }
  };
  const pendingAdds = async (): Promise<number> =>
    (await ledger.query<{ pending: number }>("select count(*)::int as pending from deliveries where destination = $1 and wanted = 'in' and status = 'pending'", [DESTINATION])).rows[0]?.pending ?? 0;

  try {
    await remove();
    await wait(5_000);
    const lone: string[] = [];
    // Apart from each other, so that each finds the sync asleep.
    for (let count = 0; count < alone; count++) {
      lone.push(await remove());
      await wait(3_000);
    }
    const idle = await delays(lone);

    const during: string[] = [];
    const crowd = new AbortController();
    const trickle = (async () => {
      while (!crowd.signal.aborted) {
        during.push(await remove());
        await wait(REMOVALS_EVERY_MS);
      }
    })();
    await load(service.url, { connections: 100, amount: adds });
    while ((await pendingAdds()) > 0) await wait(200);
    crowd.abort();
    await trickle;
    const inBurst = await delays(during);

    const behind: string[] = [];
    const waiting = (await ledger.query<{ waiting: number }>('select count(*)::int as waiting from outbox')).rows[0]?.waiting ?? 0;
    while (behind.length < during.length) {
      behind.push(await remove());
      await wait(REMOVALS_EVERY_MS);
    }
    const behindWorkflows = await delays(behind);
    const { rows } = await ledger.query<{ calls: number; members: number }>(
      "select count(*)::int as calls, sum(cardinality(person_ids))::int as members from pushes where destination = $1 and operation = 'add'",
      [DESTINATION],
    );
    const [calls = 0, members = 1] = [rows[0]?.calls, rows[0]?.members];
    const most = BAR * quantile(idle, 0.99);
    return [
      limit('ack → accepted by the platform, idle (p50)', 'ms', 1_000, median(idle)),
      limit('… idle (p99)', 'ms', null, quantile(idle, 0.99)),
      limit(`… removals during a burst of ${String(adds)} adds (p99; ≤ ${String(BAR)} × idle)`, 'ms', Math.round(most), quantile(inBurst, 0.99)),
      limit('… removals during the burst (p50)', 'ms', null, median(inBurst)),
      limit(`… removals while ${String(waiting)} workflows wait to be started (p99; ≤ ${String(BAR)} × idle)`, 'ms', Math.round(most), quantile(behindWorkflows, 0.99)),
      limit('platform calls per 1,000 members in the burst', 'calls', 2, (calls * 1_000) / members),
    ];
  } finally {
    await ledger.end();
    await service.stop();
  }
}
