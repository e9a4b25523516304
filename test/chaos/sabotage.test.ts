/** The auditor can fail: each promise is broken on purpose, and its row says so; with nothing broken, no row does. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROMISES, type PromiseNumber, type PromiseRow } from './audit/findings.ts';
import { describeRows } from './report.ts';
import { runChaos, type RunOptions } from './run.ts';
import { SABOTAGES } from './sabotage.ts';
import { startServers, type Servers } from './servers.ts';

let servers: Servers;
beforeAll(async () => {
  servers = await startServers(() => undefined);
});
afterAll(() => servers.stop());

/** Only promise 10 needs a kill; what platforms fail at in the beginning is enough for the others. */
const KILLS: NonNullable<RunOptions['disturbances']> = { everyMs: 1_200, longestMs: 1_000, weights: { kill: 1, sleep: 0, cut: 0, freeze: 0, reset: 0, skew: 0, fault: 0 }, processes: ['api-1'] };

async function run(name: string, more: Partial<RunOptions> = {}): Promise<PromiseRow[]> {
  const said: string[] = [];
  const { rows } = await runChaos(servers, { name, seed: 'sabotage', events: 70, lengthMs: 4_000, weights: { outcast: 12, stranger: 40 }, apis: 1, workers: 1, restWithinMs: 120_000, say: (line) => said.push(line), ...more });
  process.stdout.write(`${name}\n${said.join('\n')}\n${describeRows(rows)}\n`);
  return rows;
}

describe.concurrent('the auditor', { timeout: 240_000 }, () => {
  test('finds nothing wrong when nothing is', async () => {
    const rows = await run('honest');
    expect(rows.flatMap(({ violations }) => violations)).toEqual([]);
    // It did look: only promise 10 needs a kill.
    expect(rows.filter(({ checked }) => checked === 0).map(({ promise }) => promise)).toEqual([10]);
  });

  test.each((Object.keys(PROMISES).map(Number) as PromiseNumber[]).map((promise) => [promise, SABOTAGES[promise]] as const))('sees promise %i broken: %s', async (promise) => {
    // Windows that never end leave no rest to wait for.
    const rows = await run(`broken${String(promise)}`, { sabotage: promise, ...(promise === 10 ? { disturbances: KILLS } : {}), ...(promise === 5 ? { restWithinMs: 10_000 } : {}) });
    expect(rows.find((row) => row.promise === promise)?.violations).not.toEqual([]);
  });
});
