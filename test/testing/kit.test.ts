/** The testing kit itself, on the examples' types and on types that are wrong on purpose. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestKit, HistoryBroken, NotAccepted, StepKeepsFailing, type TestKit } from 'headgate/testing';

const REFUNDS = fileURLToPath(new URL('../../examples/refund-watch/workflows', import.meta.url));

let folder: string;
let kit: TestKit;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-kit-'));
  kit = await createTestKit({ workflows: REFUNDS, actions: ['cx_tool'], audiences: ['refunders_v1'] });
});
afterAll(async () => {
  await kit.close();
  await rm(folder, { recursive: true, force: true });
});

const refund = { attributes: { order_id: 'o-1', amount: 25 } };

test('the door reads events as in production: mistakes, repetitions, conflicts', async () => {
  const refused: unknown = await kit.send('shop.refund', { attributes: { amount: -1 } }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(NotAccepted);
  expect((refused as NotAccepted).problems.map(({ path }) => path).sort()).toEqual(['attributes.amount', 'attributes.order_id']);

  const person = kit.webhooks.person();
  const first = await kit.send('shop.refund', { ...refund, person, event_id: 'e-1' });
  const again = await kit.send('shop.refund', { ...refund, person, event_id: 'e-1' });
  expect([first.status, again.status]).toEqual(['applied', 'duplicate']);
  expect(await again.result()).toEqual(await first.result());
  await expect(kit.send('shop.refund_cleared', { person, event_id: 'e-1' })).rejects.toThrow('e-1 is that of another event');
});

test('memberships are decided too', async () => {
  const run = await kit.send('cio.audience_add', { fields: { audience_key: 'refunders_v1' } }).catch((error: unknown) => error);
  expect(run).toMatchObject({ status: 'applied' });
  expect(kit.isIn((run as { personId: string }).personId, 'refunders_v1')).toBe(true);
});

test('a saved history is replayed; a change that breaks it is told with what to do', async () => {
  const run = await kit.send('shop.refund', refund);
  await run.result();
  const file = join(folder, 'refund.json');
  await kit.save(run, file);
  expect(await kit.replay(file)).toBe(1);

  const changed = join(folder, 'changed');
  await cp(REFUNDS, changed, { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  const workflow = join(changed, 'refund-watch/workflow.ts');
  await writeFile(workflow, (await readFile(workflow, 'utf8')).replace('const rules = await readRules();', "await sleep('1 hour');\n  const rules = await readRules();"));
  const changedKit = await createTestKit({ workflows: changed, actions: ['cx_tool'] });
  try {
    const broken: unknown = await changedKit.replay(folder).catch((error: unknown) => error);
    expect(broken).toBeInstanceOf(HistoryBroken);
    expect((broken as Error).message).toMatch(/1 of 1 saved histories[^]*refund\.json[^]*patched\(/);
  } finally {
    await changedKit.close();
  }
});

test('a step that never succeeds ends the wait with its words; a mistake in a workflow fails it at once', async (context) => {
  kit.needsTimeSkipping(context);
  const broken = await createTestKit({ workflows: REFUNDS, steps: { readRules: () => Promise.reject(new Error('the rules are lost')) } });
  try {
    const run = await broken.send('shop.refund', refund);
    const error: unknown = await run.result().catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(StepKeepsFailing);
    expect((error as Error).message).toMatch(/readRules .*has failed 25 times.*the rules are lost/);
  } finally {
    await broken.close();
  }
  const mistaken = await createTestKit({ workflows: REFUNDS, steps: { readRules: () => Promise.resolve(null) } });
  try {
    const run = await mistaken.send('shop.refund', refund);
    const error: unknown = await run.result().catch((problem: unknown) => problem);
    expect((error as { cause?: Error }).cause?.message).toMatch(/null/);
  } finally {
    await mistaken.close();
  }
});

test('types with mistakes are not run, and every mistake is told', async () => {
  await expect(createTestKit({ workflows: join(folder, 'nowhere') })).rejects.toThrow('nowhere');
});
