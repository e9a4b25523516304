/** `npm run fuzz` in a short form: a sample of every kind of attack on a process of its own, and nothing is found. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Description } from '../../src/api/openapi/document.ts';
import { checkLedger, checkLog } from '../fuzz/afterwards.ts';
import { Report } from '../fuzz/findings.ts';
import { hostileBodies } from '../fuzz/hostile-bodies.ts';
import { runOpenApi } from '../fuzz/openapi.ts';
import { rawAttacks } from '../fuzz/raw-attacks.ts';
import { runBodies } from '../fuzz/run-bodies.ts';
import { runRaw } from '../fuzz/run-raw.ts';
import { startTarget, type Target } from '../fuzz/target.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { DescribedApi, routesOf } from '../support/described-api.ts';
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts';

let database: TestDatabase;
let temporal: TestTemporal;
let target: Target;
beforeAll(async () => {
  database = await createDatabase();
  temporal = await startTestTemporal();
  target = await startTarget({ temporalBinary: inject('temporalBinary'), databaseUrl: database.url, temporalAddress: temporal.address, deadlineMs: 60_000 });
});
afterAll(async () => {
  await target.stop();
  await temporal.stop();
  await database.drop();
});

/** One in so many: `npm run fuzz` sends them all. */
const sample = <T>(all: readonly T[], oneIn: number): T[] => all.filter((_one, index) => index % oneIn === 0);
const LARGE = /MiB|bomb|2,000|60,000|100,000|200 KiB|30,000|300,000|4000000/;

test('broken HTTP, hostile bodies and requests from the description find nothing', { timeout: 240_000, retry: 0 }, async () => {
  const report = new Report();
  const description = (await (await fetch(`${target.url}/openapi.json`)).json()) as Description;
  const api = new DescribedApi(target.url, description, { signingSecret: () => '', tokens: {} });
  const [webhook, feed] = ['sendWebhook', 'sendReport'].map((id) => routesOf(description).find(({ operation }) => operation.operationId === id)!);
  const attacks = rawAttacks(target).filter(({ name }) => !LARGE.test(name));
  await runRaw(target, [...attacks.filter(({ kind }) => !['targets', 'methods'].includes(kind)), ...sample(attacks.filter(({ kind }) => ['targets', 'methods'].includes(kind)), 6)], report);
  await runBodies(target, sample(hostileBodies().filter(({ name }) => !LARGE.test(name)), 8), api, { webhook: webhook!, report: feed! }, report);
  await runOpenApi(target, api, description, report, { seed: 1, each: 8 });
  expect(target.ended()).toBeUndefined();
  checkLog(target, report);
  await checkLedger(target, report);
  expect(report.findings).toEqual([]);
  expect(report.requests).toBeGreaterThan(500);
});
