/** The whole attack, in its order: broken HTTP, hostile bodies, requests from the description, slow senders; then what is left of it. */
import type { Description } from '../../src/api/openapi/document.ts';
import { DescribedApi, routesOf } from '../support/described-api.ts';
import { checkLedger, checkLog, checkMemory } from './afterwards.ts';
import type { Report } from './findings.ts';
import { hostileBodies } from './hostile-bodies.ts';
import { runOpenApi } from './openapi.ts';
import type { FuzzOptions } from './options.ts';
import { rawAttacks } from './raw-attacks.ts';
import { SECRETS } from './registry.ts';
import { runRaw } from './run-raw.ts';
import { runBodies } from './run-bodies.ts';
import { webhookBytes } from './signed.ts';
import { runCrowd, runSlow } from './slow.ts';
import type { Memory, Target } from './target.ts';
import { exchange } from './wire.ts';

/** Requests for each route in one round. */
const ROUND = 25;

export async function attack(target: Target, options: FuzzOptions, report: Report, say: (line: string) => void): Promise<{ before: Memory; after: Memory }> {
  const { quick, only } = options;
  const until = Date.now() + options.minutes * 60_000;
  const chosen = (kind: string, name = ''): boolean => only === undefined || `${kind}/${name}`.startsWith(only) || only.startsWith(`${kind}/`);
  const exactly = (kind: string, name: string): boolean => only === undefined || `${kind}/${name}`.startsWith(only);
  const description = (await (await fetch(`${target.url}/openapi.json`)).json()) as Description;
  const api = new DescribedApi(target.url, description, { signingSecret: () => SECRETS.signing, tokens: {} });
  const routes = routesOf(description);
  const routeOf = (id: string) => routes.find(({ operation }) => operation.operationId === id) ?? raise(`there is no operation ${id}`);
  const doors = { webhook: routeOf('sendWebhook'), report: routeOf('sendReport') };
  const { webhook: ask } = everyday(target);
  await ask();
  const before = await target.memory();

  const slow = !quick && chosen('slow') ? runSlow(target, report) : Promise.resolve();
  say('Broken and ambiguous HTTP …');
  await runRaw(target, rawAttacks(target).filter(({ kind, name }) => exactly(kind, name)), report);
  say('Hostile bodies …');
  const bodies = hostileBodies().filter(({ name, report: isReport }) => exactly(isReport ? 'reports' : 'webhooks', name));
  await runBodies(target, quick ? bodies.filter((_body, index) => index % 3 === options.seed % 3) : bodies, api, doors, report);
  if (chosen('openapi')) {
    say('Requests made from the description …');
    const onlyOperation = only?.split('/')[1];
    for (let round = 0; round === 0 || Date.now() < until; round++) await runOpenApi(target, api, description, report, { seed: options.seed, each: ROUND, from: round * 1_000, onlyOperation });
  }
  if (!quick && chosen('crowd')) {
    say('A crowd that holds the door …');
    await runCrowd(target, report, { connections: 2_000, forMs: 10_000 }, ask);
  }
  await slow;
  say('What is left of it …');
  if (target.ended() !== undefined) report.find('ended', `the service ended: ${target.ended() ?? ''}`, target.log().slice(-2_000));
  const { status } = await ask();
  if (status !== 200) report.find('afterwards', `after the attack a webhook is answered ${String(status)}`, 'the same run again');
  const after = target.ended() === undefined ? await checkMemory(target, before, report) : before;
  checkLog(target, report);
  await checkLedger(target, report);
  return { before, after };
}

/** What honest senders do meanwhile. */
function everyday(target: Target): { webhook: () => Promise<{ status: number; ms: number }> } {
  let count = 0;
  return {
    webhook: async () => {
      const body = JSON.stringify({ schema_version: 1, event_id: `fuzz-everyday-${String(++count)}`, event: 'cio.exposure', exposure: 'everyday', customer_id: 'c_everyday' });
      const { answers: [answer], ms } = await exchange({ host: target.host, port: target.port, parts: [webhookBytes(target, body)], deadlineMs: target.deadlineMs });
      return { status: answer?.status ?? 0, ms };
    },
  };
}

function raise(problem: string): never {
  throw new Error(problem);
}
