/** Exporting rows to BigQuery's stand-in through Temporal and the ledger, against writing the same bytes with neither. */
import { setTimeout as wait } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { connectExporters } from '../../src/config/connect-exporters.ts';
import { parseRegistry } from '../../src/config/registry.ts';
import { openLedger, type UnsentRow } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { exportWorkflowId } from '../../src/workflows/contract.ts';
import { BENCH_SECRET } from './registry.ts';
import { comparison, inTurns, type Row } from './row.ts';
import type { BenchServers } from './servers.ts';
import { residentMegabytes } from './memory.ts';
import { startSplitService } from './split-service.ts';

const EXPORTER = 'warehouse';
const REGISTRY = `
sources:
  demo: { signing_secret: ${BENCH_SECRET} }
exporters:
  ${EXPORTER}: { platform: bigquery, sandbox: true, project: acme-analytics, dataset: headgate, every: 1s }
`;

export async function benchExport(servers: BenchServers, rows: number, rounds: number): Promise<Row[]> {
  const registry = parseRegistry(REGISTRY, 'bench.yaml', { variables: {}, sandboxAllowed: true });
  const ledger = openLedger({ url: servers.databaseUrl, logger: createLogger({ level: 'error', pretty: false }), policies: registry.policies });
  const database = new pg.Pool({ connectionString: servers.databaseUrl, max: 1 });
  await database.query(
    `insert into exposures (event_id, source, name, person_id, customer_id, audience_key, occurred_at, received_at, status, outcome, reason, arm, campaign_id, campaign_name, message_variant, delivery_id, context, attributes)
     select 'event-' || n, 'demo', 'cio.audience_add', 'p-' || md5(n::text), 'c_' || n, 'high_intent_cart_7d_v1', now() - n * interval '1 second', now(), 'applied', 'entered', 'added', 'treatment', '7', 'Cart abandoners', 'B', md5(n::text),
            jsonb_build_object('campaign_id', 7, 'message_variant', 'B'), jsonb_build_object('cart_value', n) from generate_series(1, $1::int) n`,
    [rows],
  );
  const service = await startSplitService(servers, REGISTRY);
  const exporter = connectExporters(registry, service.sandboxUrl).get(EXPORTER)!;
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const handle = new Client({ connection }).workflow.getHandle(exportWorkflowId(EXPORTER));
  const finished = async (): Promise<void> => {
    while (!(await database.query<{ done: boolean }>('select exists (select 1 from exporters where caught_up_at is not null) as done')).rows[0]?.done) await wait(20);
  };
  const perSecond = async (work: () => Promise<void>): Promise<number> => {
    const began = performance.now();
    await work();
    return rows / ((performance.now() - began) / 1_000);
  };
  await finished();
  const memoryAtFirst = await residentMegabytes(service.worker.pid ?? 0);
  const all: UnsentRow[] = [];
  for (let after = { writtenBy: '-1', eventId: '' }; ; ) {
    const batch = await ledger.readUnsent(after, exporter.rowsPerCall);
    const last = batch.at(-1);
    if (!last) break;
    all.push(...batch);
    after = { writtenBy: last.writtenBy, eventId: last.eventId };
  }
  /** The same bodies, put together beforehand and sent one after the other. */
  const post = (): Promise<number> => {
    const calls = Array.from({ length: Math.ceil(all.length / exporter.rowsPerCall) }, (_, index) => exporter.prepare(all.slice(index * exporter.rowsPerCall, (index + 1) * exporter.rowsPerCall), Date.now()));
    return perSecond(async () => {
      for (const call of calls) await call.send(AbortSignal.timeout(60_000));
    });
  };
  const send = (): Promise<number> => perSecond(async () => {
    await handle.executeUpdate('restart');
    await finished();
  });
  try {
    const measured = await inTurns(rounds, { baseline: post, value: send });
    const memory = { baseline: memoryAtFirst, value: await residentMegabytes(service.worker.pid ?? 0) };
    return [
      comparison(`export of ${String(rows)} exposures to BigQuery's stand-in, against posting the same bodies with no ledger`, 'rows/s', 0.4, measured),
      comparison(`memory of the worker after exporting ${String(rows * (rounds + 1))} rows, against after ${String(rows)}`, 'MB', 1.5, [memory], 'most'),
    ];
  } finally {
    await service.stop();
    await connection.close();
    await database.end();
    await ledger.close();
  }
}
