/** What the queue of an action and the export to a warehouse live through: each story at one of its own. */
import { describe, test } from 'vitest';
import { actionWorkflowId, exportWorkflowId } from '../../../../src/workflows/contract.ts';
import { until } from '../../../support/until.ts';
import { pathOf, PATIENCE_MS, type World } from '../world.ts';

export function tellOfActions(of: () => World): void {
  const forward = (name: string, action: string, attributes: Record<string, unknown> = {}): Promise<string> =>
    of().post(`${name}-to-${pathOf(action)}`, { ...of().person(name).person, event: 'cio.forward', audience_key: undefined, action, attributes });
  const arrives = async (eventId: string, state = 'sent'): Promise<void> => {
    await until(() => of().service.database.query<{ state: string }>('select state from forwards where event_id = $1', [eventId]), ([row]) => row?.state === state, PATIENCE_MS);
  };

  describe('actionQueue', () => {
    test('events that are sent', async () => {
      const workflowId = actionWorkflowId('direct_mail');
      await arrives(await forward('ada', 'direct_mail'));
      await of().recording.keep('sends', { workflowId, holds: ['ACTIVITY_TASK_COMPLETED'] });
    });
    test('a tool that is down', async () => {
      const workflowId = actionWorkflowId('outage');
      of().fault('outage', 'http_500');
      const waits = await forward('grace', 'outage');
      await of().happened(workflowId, 'TIMER_FIRED', 2);
      of().fault('outage', null);
      await of().handle(workflowId).signal('pushNow');
      await arrives(waits);
      await of().shows(workflowId, 'ok');
      await of().recording.keep('outage', { workflowId, holds: ['TIMER_FIRED', 'UPSERT_WORKFLOW_SEARCH_ATTRIBUTES'] });
    });
    test('what operators ask for', async () => {
      const workflowId = actionWorkflowId('updates');
      const { gateway } = of().service.parts;
      await gateway.updateAction('updates', 'pause');
      of().fault('updates', 'named_invalid', { values: ['poison'] });
      const [other, wrong] = [await forward('mary', 'updates'), await forward('hedy', 'updates', { sku: 'poison' })];
      await gateway.updateAction('updates', 'resume');
      await arrives(other);
      await arrives(wrong, 'refused');
      of().fault('updates', null);
      await gateway.updateAction('updates', 'retry');
      await arrives(wrong);
      await of().recording.keep('updates', { workflowId, holds: ['WORKFLOW_EXECUTION_UPDATE_COMPLETED'] });
    });
    test('an event that fails alone and is tried again later', async () => {
      const workflowId = actionWorkflowId('wrong_event');
      of().fault('wrong_event', 'unnamed_invalid', { values: ['breaks'] });
      const broken = await forward('joan', 'wrong_event', { sku: 'breaks' });
      await arrives(await forward('rosa', 'wrong_event'));
      await of().happened(workflowId, 'TIMER_STARTED');
      of().fault('wrong_event', null);
      await of().handle(workflowId).signal('pushNow');
      await arrives(broken);
      await of().recording.keep('wrong-event', { workflowId, holds: ['TIMER_STARTED'] });
    });
    test('calls that are used up for this minute', async () => {
      const workflowId = actionWorkflowId('rests');
      // Ten may go at once after a quiet time.
      await Promise.all(Array.from({ length: 12 }, () => forward('vera', 'rests')));
      await of().recording.keep('rests', { workflowId, holds: ['TIMER_STARTED'] });
    });
    test('a run that hands over to the next one', async () => {
      const workflowId = actionWorkflowId('handed_over');
      const before = await of().runIdOf(workflowId);
      await of().service.parts.gateway.updateAction('handed_over', 'pause');
      await of().signalOften(workflowId, 'wake');
      await of().service.parts.gateway.updateAction('handed_over', 'resume');
      await of().keepBothRuns(workflowId, before);
    });
  });
}

export function tellOfExports(of: () => World): void {
  const seen = (name: string): Promise<string> => of().post(`${name}-saw`, { ...of().person(name).person, event: 'cio.exposure', audience_key: undefined, context: { campaign_id: 7 } });

  describe('exposureExport', () => {
    test('rows that are sent', async () => {
      const workflowId = exportWorkflowId('bq_calm');
      await of().happened(workflowId, 'TIMER_FIRED');
      await seen('ada');
      await of().happened(workflowId, 'TIMER_STARTED', 3);
      await of().recording.keep('sends', { workflowId, holds: ['ACTIVITY_TASK_COMPLETED', 'TIMER_FIRED'] });
    });
    test('a warehouse that is down', async () => {
      const workflowId = exportWorkflowId('bq_outage');
      of().fault('bq_outage', 'http_500');
      await seen('grace');
      await of().shows(workflowId, 'retrying');
      await of().happened(workflowId, 'ACTIVITY_TASK_FAILED', 2);
      of().fault('bq_outage', null);
      await of().handle(workflowId).signal('pushNow');
      await of().shows(workflowId, 'ok');
      await of().recording.keep('outage', { workflowId, holds: ['ACTIVITY_TASK_FAILED', 'TIMER_FIRED'] });
    });
    test('what operators ask for', async () => {
      const workflowId = exportWorkflowId('bq_updates');
      const { gateway } = of().service.parts;
      await of().runs(workflowId);
      for (const update of ['pause', 'resume', 'retry', 'restart'] as const) await gateway.updateExport('bq_updates', update);
      await of().recording.keep('updates', { workflowId, holds: ['WORKFLOW_EXECUTION_UPDATE_COMPLETED'] });
    });
    test('a row that the warehouse refuses', async () => {
      const workflowId = exportWorkflowId('bq_parked');
      await of().service.parts.gateway.updateExport('bq_parked', 'pause');
      const wrong = await seen('hedy');
      of().fault('bq_parked', 'named_invalid', { values: [wrong] });
      await of().service.parts.gateway.updateExport('bq_parked', 'resume');
      await of().shows(workflowId, 'stuck');
      of().fault('bq_parked', null);
      await of().service.parts.gateway.updateExport('bq_parked', 'retry');
      await of().shows(workflowId, 'ok');
      await of().recording.keep('parked', { workflowId, holds: ['UPSERT_WORKFLOW_SEARCH_ATTRIBUTES'] });
    });
    test('a run that hands over to the next one', async () => {
      const workflowId = exportWorkflowId('bq_handed_over');
      const before = await of().runIdOf(workflowId);
      await of().service.parts.gateway.updateExport('bq_handed_over', 'pause');
      await of().signalOften(workflowId, 'pushNow');
      await of().service.parts.gateway.updateExport('bq_handed_over', 'resume');
      await of().keepBothRuns(workflowId, before);
    });
  });
}
