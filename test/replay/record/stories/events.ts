/** What becomes of single events: adds with their windows, removals, exposures, forwards, and batches that the ledger could not take. */
import { describe, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../../../src/domain/event.ts';
import { makeEvent } from '../../../support/events.ts';
import { until } from '../../../support/until.ts';
import { DAY_S, PATIENCE_MS, seconds, type World } from '../world.ts';

/** How long a window has left that ends within the story, in seconds: long enough for its workflow to start on a slow machine. */
const SOON = 8;
const endsSoon = (): number => seconds() - 7 * DAY_S + SOON;

/** Starts the workflow of an event that the ledger does not know. */
async function startUndecided(world: World, event: Partial<HeadgateEvent> & Pick<HeadgateEvent, 'eventId' | 'name'>): Promise<string> {
  const made = makeEvent(event);
  if (made.action !== undefined) delete made.audienceKey;
  await world.service.parts.gateway.startEvent(made, { status: 'applied', personId: null });
  return event.eventId;
}

export function tellOfEvents(of: () => World): void {
  describe('audienceAdd', () => {
    test('a window that ends', async () => {
      const workflowId = await of().post('ada-cart', { ...of().person('ada').person, timestamp: endsSoon() });
      await of().recording.keep('window-ended', { workflowId, holds: ['TIMER_FIRED', 'WORKFLOW_EXECUTION_COMPLETED'] });
    });
    test('one that is asleep, and one that a newer add has replaced', async () => {
      const { person } = of().person('grace');
      const workflowId = await of().post('grace-cart', { ...person, timestamp: seconds() - 3_600 });
      await of().happened(workflowId, 'TIMER_STARTED');
      const newer = await of().post('grace-cart-again', person);
      await of().recording.keep('superseded', { workflowId, holds: ['TIMER_STARTED', 'WORKFLOW_EXECUTION_SIGNALED', 'WORKFLOW_EXECUTION_COMPLETED'] });
      await of().recording.keep('asleep', { workflowId: newer, holds: ['TIMER_STARTED'] });
    });
    test('one whose window is over when it comes', async () => {
      const workflowId = await of().post('edith-cart', { ...of().person('edith').person, timestamp: seconds() - 8 * DAY_S });
      await of().recording.keep('over-on-arrival', { workflowId, holds: ['WORKFLOW_EXECUTION_COMPLETED'] });
    });
    test('a window that ends while the ledger is away', async () => {
      const workflowId = await of().post('hedy-cart', { ...of().person('hedy').person, timestamp: endsSoon() });
      await of().happened(workflowId, 'TIMER_STARTED');
      await of().withoutLedger(() => of().happened(workflowId, 'ACTIVITY_TASK_SCHEDULED'));
      await of().recording.keep('ledger-away', { workflowId, holds: ['TIMER_FIRED', 'ACTIVITY_TASK_COMPLETED', 'WORKFLOW_EXECUTION_COMPLETED'] });
    });
    test('a window that has grown when its former end comes', async () => {
      const workflowId = await of().post('joan-cart', { ...of().person('joan').person, timestamp: endsSoon() });
      await of().happened(workflowId, 'TIMER_STARTED');
      await of().service.database.query("update memberships set expires_at = expires_at + interval '3 days' where event_id = $1", [workflowId]);
      await of().happened(workflowId, 'TIMER_STARTED', 2);
      await of().recording.keep('window-grew', { workflowId, holds: ['TIMER_FIRED'] });
    });
  });

  describe('audienceRemove and exposure', () => {
    test('as the ledger has decided them', async () => {
      const { person } = of().person('mary');
      await of().post('mary-cart', { ...person, timestamp: seconds() - 60 });
      const removal = await of().post('mary-bought', { ...person, event: 'cio.audience_remove' });
      await of().recording.keep('settled', { workflowId: removal, holds: ['WORKFLOW_EXECUTION_COMPLETED'] });
      const exposure = await of().post('mary-saw', { ...person, event: 'cio.exposure', audience_key: undefined, context: { campaign_id: 7, message_variant: 'B' } });
      await of().recording.keep('settled', { workflowId: exposure, holds: ['WORKFLOW_EXECUTION_COMPLETED'] });
    });
    test('while the ledger is away', async () => {
      const ids: string[] = [];
      await of().withoutLedger(async () => {
        for (const name of ['cio.audience_remove', 'cio.exposure'] as const) ids.push(await startUndecided(of(), { eventId: `away-${name}-${crypto.randomUUID().slice(0, 4)}`, name }));
        for (const workflowId of ids) await of().happened(workflowId, 'ACTIVITY_TASK_SCHEDULED');
      });
      for (const workflowId of ids) await of().recording.keep('ledger-away', { workflowId, holds: ['ACTIVITY_TASK_COMPLETED', 'WORKFLOW_EXECUTION_COMPLETED'] });
    });
    test('that the ledger has lost: the workflow has them decided', async () => {
      for (const name of ['cio.audience_remove', 'cio.exposure'] as const) {
        const workflowId = await startUndecided(of(), { eventId: `lost-${name}-${crypto.randomUUID().slice(0, 4)}`, name });
        await of().recording.keep('decided-anew', { workflowId, holds: ['MARKER_RECORDED', 'WORKFLOW_EXECUTION_COMPLETED'] });
      }
    });
  });

  describe('forward', () => {
    const forward = (id: string, person: string, more: Record<string, unknown> = {}): Promise<string> =>
      of().post(id, { ...of().person(person).person, event: 'cio.forward', audience_key: undefined, action: 'direct_mail', ...more });
    test('what a tool answers', async () => {
      const workflowId = await forward('rosa-letter', 'rosa', { attributes: { sku: 'BUNDLE-9' } });
      await of().recording.keep('answered', { workflowId, holds: ['WORKFLOW_EXECUTION_COMPLETED'] });
    });
    test('what a tool refuses', async () => {
      of().fault('direct_mail', 'named_invalid', { values: ['poison'] });
      const workflowId = await forward('tove-letter', 'tove', { attributes: { sku: 'poison' } });
      await of().recording.keep('refused', { workflowId, holds: ['WORKFLOW_EXECUTION_COMPLETED'] });
      of().fault('direct_mail', null);
    });
    test('one that waits for its action, and is told', async () => {
      const { gateway } = of().service.parts;
      await gateway.updateAction('direct_mail', 'pause');
      const workflowId = await forward('vera-letter', 'vera');
      await of().happened(workflowId, 'TIMER_STARTED');
      await of().recording.keep('waits', { workflowId, holds: ['TIMER_STARTED'] });
      await gateway.updateAction('direct_mail', 'resume');
      await of().recording.keep('told', { workflowId, holds: ['TIMER_STARTED', 'WORKFLOW_EXECUTION_SIGNALED', 'WORKFLOW_EXECUTION_COMPLETED'] });
    });
    test('while the ledger is away', async () => {
      let workflowId = '';
      await of().withoutLedger(async () => {
        workflowId = await startUndecided(of(), { eventId: `away-letter-${crypto.randomUUID().slice(0, 4)}`, name: 'cio.forward', action: 'direct_mail' });
        await of().happened(workflowId, 'ACTIVITY_TASK_SCHEDULED');
      });
      await of().recording.keep('ledger-away', { workflowId, holds: ['ACTIVITY_TASK_COMPLETED', 'WORKFLOW_EXECUTION_COMPLETED'] });
    });
  });

  test('lifeboat: events that come while the ledger is away', async () => {
    const known = new Set<string>();
    const boats = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { workflowId } of of().service.client.workflow.list({ query: "WorkflowType = 'lifeboat'" })) found.push(workflowId);
      return found;
    };
    for (const id of await boats()) known.add(id);
    await of().withoutLedger(async () => {
      const { person } = of().person('lise');
      await of().post('lise-cart', person);
    });
    const [workflowId] = await until(async () => (await boats()).filter((id) => !known.has(id)), (found) => found.length > 0, PATIENCE_MS);
    expect(workflowId).toBeDefined();
    await of().recording.keep('ledger-away', { workflowId: String(workflowId), holds: ['WORKFLOW_EXECUTION_COMPLETED'] });
  });
}
