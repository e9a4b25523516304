/** `npm run chaos` in a short form: every kind of process is killed at least once under traffic, and no promise is broken. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { postWebhook } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';
import { SECRET } from './audiences.ts';
import { readLedger } from './evidence.ts';
import { startFleet } from './fleet.ts';
import { describeRows } from './report.ts';
import { runChaos } from './run.ts';
import { startServers, type Servers } from './servers.ts';

let servers: Servers;
beforeAll(async () => {
  servers = await startServers(() => undefined);
});
afterAll(() => servers.stop());

test('no promise is broken by kills, pauses, cut wires, wrong clocks and failing platforms', { timeout: 240_000, retry: 0 }, async () => {
  const said: string[] = [];
  const began = Date.now();
  const { rows, evidence, endings } = await runChaos(servers, {
    name: 'short',
    seed: 'short',
    events: 140,
    lengthMs: 10_000,
    restWithinMs: 120_000,
    disturbances: { everyMs: 700, longestMs: 2_500 },
    hasten: true,
    say: (line) => said.push(`${((Date.now() - began) / 1_000).toFixed(0).padStart(3)} s  ${line}`),
  });
  const table = describeRows(rows);
  process.stdout.write(`${[...said, ...evidence.disturbances.map(({ detail }) => `  ${detail}`), ...endings].join('\n')}\n${table}\n`);
  expect(rows.flatMap(({ promise, violations }) => violations.map((words) => `${String(promise)}: ${words}`))).toEqual([]);
  const killed = new Set(evidence.disturbances.flatMap(({ kind, victim }) => (kind === 'kill' || kind === 'skew' ? [victim.replace(/-\d+$/, '')] : [])));
  expect([...killed].sort()).toEqual(['api', 'postgres', 'sandbox', 'temporal', 'worker']);
  // Each row has something to say; whether a removal met a quiet moment is luck.
  expect(rows.filter(({ checked }) => checked === 0).map(({ promise }) => promise).filter((promise) => promise !== 4)).toEqual([]);
});

test('events that wait in a lifeboat are applied although the worker that waits with them is killed', { timeout: 120_000 }, async () => {
  const fleet = await startFleet(servers, { name: 'lifeboat', apis: 1, workers: 2, wrongValues: [] });
  const connection = Connection.lazy({ address: servers.temporal.address });
  const client = new Client({ connection, namespace: fleet.namespace });
  try {
    const toPostgres = fleet.wires.filter(({ name }) => name.endsWith(' to postgres'));
    for (const { proxy } of toPostgres) proxy.cut();
    const eventId = crypto.randomUUID();
    const body = { ...somebody().person, event_id: eventId };
    expect(await postWebhook(fleet.apiUrls[0] ?? '', body, SECRET)).toMatchObject({ status: 202 });
    const waiting = await until(
      async () => {
        for await (const { workflowId } of client.workflow.list({ query: "WorkflowType = 'lifeboat'" })) return (await client.workflow.getHandle(workflowId).describe()).raw.pendingActivities?.[0];
        return undefined;
      },
      (step) => Boolean(step?.lastWorkerIdentity),
    );
    const worker = fleet.workers.find(({ pid }) => waiting?.lastWorkerIdentity?.startsWith(`${String(pid)}@`));
    await worker?.kill();
    for (const { proxy } of toPostgres) proxy.mend();
    expect(worker).toBeDefined();
    await until(async () => (await readLedger(fleet.databaseUrl())).events.map((row) => row.event_id), (ids) => ids.includes(eventId), 45_000);
  } finally {
    await connection.close();
    await fleet.stop();
  }
});
