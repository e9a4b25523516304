/** Pushing pending members to the sandbox through Temporal and the ledger, against posting the same bodies with neither. */
import { setTimeout as wait } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { parseRegistry } from '../../src/config/registry.ts';
import { connectDestinations } from '../../src/config/connect-destinations.ts';
import { openLedger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { TemporalGateway } from '../../src/temporal/index.ts';
import { makeEvent, person } from '../support/events.ts';
import { CROWD_REGISTRY } from './registry.ts';
import { comparison, inTurns, type Row } from './row.ts';
import type { BenchServers } from './servers.ts';
import { startSplitService } from './split-service.ts';

const TARGET = { destination: 'meta_main', audienceKey: 'high_intent_cart_7d_v1' };

export async function benchPushRate(servers: BenchServers, members: number, rounds: number): Promise<Row[]> {
  const registry = parseRegistry(CROWD_REGISTRY, 'bench.yaml', { variables: {}, sandboxAllowed: true });
  const logger = createLogger({ level: 'error', pretty: false });
  const ledger = openLedger({ url: servers.databaseUrl, logger, policies: registry.policies });
  const database = new pg.Pool({ connectionString: servers.databaseUrl, max: 1 });
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const gateway = new TemporalGateway({ client: new Client({ connection }), eager: false });
  for (let from = 0; from < members; from += 500) {
    await ledger.applyEvents(Array.from({ length: 500 }, (_, index) => ({ kind: 'event', event: makeEvent(person(`push-${String(from + index)}`)) })));
  }
  // Their workflows are not what this is about.
  await database.query('truncate outbox');
  const service = await startSplitService(servers, CROWD_REGISTRY);
  const destination = connectDestinations(registry, service.sandboxUrl).get(TARGET.destination)!;
  const platformAudienceId = registry.policies.audiences.get(TARGET.audienceKey)?.targets[0]?.platformAudienceId ?? '';

  const settled = async (): Promise<void> => {
    while ((await database.query<{ pending: boolean }>("select exists (select 1 from deliveries where destination = 'meta_main' and audience_key = $1 and wanted = 'in' and status = 'pending') as pending", [TARGET.audienceKey])).rows[0]?.pending) await wait(50);
  };
  const perSecond = async (work: () => Promise<void>): Promise<number> => {
    const began = performance.now();
    await work();
    return members / ((performance.now() - began) / 1_000);
  };
  /** The same bodies, put together beforehand and sent one after the other. */
  const post = async (): Promise<number> => {
    const { rows } = await database.query<{ today: Record<string, { type: string; value: string }[]> }>('select today from persons limit $1', [members]);
    const everybody = rows.map(({ today }) => ({ today: today['meta'] ?? [], former: [] }));
    const calls = Array.from({ length: Math.ceil(members / destination.membersPerCall) }, (_, index) =>
      destination.prepare('add', platformAudienceId, everybody.slice(index * destination.membersPerCall, (index + 1) * destination.membersPerCall)),
    );
    return perSecond(async () => {
      for (const call of calls) await call.send(AbortSignal.timeout(60_000));
    });
  };
  const push = async (): Promise<number> => {
    await settled();
    await database.query("update deliveries set status = 'pending', revision = revision + 1, pending_since = clock_timestamp() where destination = 'meta_main'");
    return perSecond(async () => {
      await gateway.wakeSync(TARGET);
      await settled();
    });
  };
  try {
    await push();
    const measured = await inTurns(rounds, { baseline: post, value: push });
    return [comparison(`push of ${String(members)} pending members to the sandbox, against posting the same bodies with no ledger`, 'rows/s', 0.5, measured)];
  } finally {
    await service.stop();
    await connection.close();
    await database.end();
    await ledger.close();
  }
}
