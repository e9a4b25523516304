/** One run: a fleet, traffic, disturbances, rest, audit. */
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { audit } from './audit/auditor.ts';
import { sha256 } from './audit/case.ts';
import type { PromiseNumber, PromiseRow } from './audit/findings.ts';
import { planDisturbances, type DisturbanceOptions } from './disturbance-plan.ts';
import { listWorkflows, readLedger, readMembers, searchTexts, type Evidence } from './evidence.ts';
import { startFleet, type Fleet } from './fleet.ts';
import { Monkey } from './monkey.ts';
import { waitForRest } from './rest.ts';
import { Sender } from './sender.ts';
import type { Servers } from './servers.ts';
import type { StoryName } from './stories.ts';
import { planTraffic, type TrafficPlan } from './traffic-plan.ts';

export interface RunOptions {
  /** See FleetOptions. */
  name: string;
  seed: string;
  events: number;
  lengthMs: number;
  weights?: Partial<Record<StoryName, number>>;
  /** How long to wait for rest after all is mended. */
  restWithinMs: number;
  apis?: number;
  workers?: number;
  /** Breaks a promise on purpose (sabotage.ts). */
  sabotage?: PromiseNumber;
  /** Undefined: nothing is disturbed. */
  disturbances?: Pick<DisturbanceOptions, 'everyMs' | 'longestMs' | 'weights'> & { processes?: readonly string[] };
  /** After everything is mended one api is killed and started again, which sweeps and wakes at once instead of within a minute. */
  hasten?: boolean;
  say: (line: string) => void;
}

export interface RunResult {
  rows: PromiseRow[];
  evidence: Evidence;
  /** Processes that ended although nobody had killed them. */
  endings: string[];
}

export async function runChaos(servers: Servers, options: RunOptions): Promise<RunResult> {
  const { seed, events, lengthMs, say } = options;
  const plan = planTraffic({ seed, events, lengthMs, weights: options.weights });
  const fleet = await startFleet(servers, { name: options.name, apis: options.apis ?? 2, workers: options.workers ?? 2, wrongValues: plan.outcasts.map(sha256), sabotage: options.sabotage });
  const connection = Connection.lazy({ address: servers.temporal.address });
  try {
    return await runWith(servers, fleet, new Client({ connection, namespace: fleet.namespace }), plan, options);
  } finally {
    await connection.close();
    await fleet.stop();
    say(`The fleet ${options.name} has stopped.`);
  }
}

async function runWith(servers: Servers, fleet: Fleet, client: Client, plan: TrafficPlan, options: RunOptions): Promise<RunResult> {
  const { seed, lengthMs, say, disturbances } = options;
  const sends = plan.events.reduce((sum, { sends: own }) => sum + own.length, 0);
  say(`Sending ${String(plan.events.length)} events in ${String(sends)} requests within ${(lengthMs / 1_000).toFixed(0)} s.`);
  const monkey = new Monkey(servers, fleet);
  const beganAt = Date.now();
  const sender = new Sender({ plan, beganAt, apis: fleet.apiUrls, file: join(fleet.folder, 'attempts.ndjson') });
  const sending = sender.run();
  try {
    if (disturbances) {
      const clocks = [...fleet.apis, ...fleet.workers].map(({ name }) => name);
      await monkey.run(planDisturbances({ seed, lengthMs, processes: monkey.processes, clocks, wires: fleet.wires.map(({ name }) => name), ...disturbances }), beganAt);
    }
    await monkey.mend();
    const [firstApi] = fleet.apis;
    if (options.hasten && firstApi) {
      await Promise.race([sending, new Promise((resolve) => setTimeout(resolve, Math.max(0, beganAt + lengthMs - Date.now())))]);
      await monkey.kill(firstApi.name);
    }
    const mendedAt = Date.now();
    say(`All is mended after ${String(monkey.done.length)} disturbances; waiting for rest.`);
    const unrest = await waitForRest({ databaseUrl: fleet.databaseUrl(), client, unsent: () => sender.left, withinMs: Math.max(0, beganAt + lengthMs - Date.now()) + options.restWithinMs, say });
    say(`At rest ${((Date.now() - mendedAt) / 1_000).toFixed(1)} s later${unrest.length === 0 ? '' : `, but for: ${unrest.join('; ')}`}.`);
    const workflows = await listWorkflows(client);
    const evidence: Evidence = {
      plan,
      beganAt,
      mendedAt,
      attempts: sender.attempts,
      disturbances: monkey.done,
      unrest,
      ledger: await readLedger(fleet.databaseUrl()),
      workflows,
      members: await readMembers(fleet.sandboxUrl),
      texts: await searchTexts(fleet, client, workflows, seed),
    };
    return { rows: audit(evidence), evidence, endings: [fleet.sandbox, ...fleet.apis, ...fleet.workers].flatMap(({ endings }) => endings) };
  } finally {
    monkey.stop();
    sender.stop();
    await sending;
  }
}
