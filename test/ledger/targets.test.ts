/** How syncs stand in the ledger. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TargetStanding } from '../../src/ledger/index.ts';
import { CART } from '../support/events.ts';
import { startLedger, type TestLedger } from '../support/ledger.ts';

const TARGET = { destination: 'meta_main', audienceKey: CART };

let own: TestLedger;
beforeAll(async () => {
  own = await startLedger();
});
afterAll(() => own.stop());

async function standing(): Promise<TargetStanding | undefined> {
  const [found] = await own.ledger.listTargets();
  return found;
}

test('a target that is paused during a push is not shown as ok when the push ends', async () => {
  await own.ledger.reportTarget(TARGET, { state: 'ok', failures: 0 });
  await own.ledger.setTargetPaused(TARGET, true);
  const paused = await standing();
  expect(paused).toMatchObject({ paused: true, state: 'paused' });
  for (const report of [{ state: 'ok' as const, failures: 0 }, { state: 'retrying' as const, failures: 1, cause: 'it answers 503' }]) {
    await own.ledger.reportTarget(TARGET, report);
    expect(await standing()).toMatchObject({ paused: true, state: 'paused', failures: report.failures, since: paused?.since });
  }
  await own.ledger.setTargetPaused(TARGET, false);
  expect(await standing()).toMatchObject({ paused: false, state: 'ok' });
  await own.ledger.reportTarget(TARGET, { state: 'stuck', failures: 1 });
  expect(await standing()).toMatchObject({ paused: false, state: 'stuck' });
});

test('a target that the registry pauses is paused as long as its sync says so', async () => {
  await own.ledger.reportTarget(TARGET, { state: 'paused', failures: 0 });
  expect(await standing()).toMatchObject({ paused: false, state: 'paused' });
  await own.ledger.reportTarget(TARGET, { state: 'ok', failures: 0 });
  expect(await standing()).toMatchObject({ state: 'ok' });
});
