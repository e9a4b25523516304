/** What syncs live through: each story at a target of its own. */
import { describe, test } from 'vitest';
import { syncWorkflowId } from '../../../../src/workflows/contract.ts';
import { until } from '../../../support/until.ts';
import { audienceOf, type GOOGLE_SYNCS, type META_SYNCS } from '../registry.ts';
import { pathOf, PATIENCE_MS, seconds, type World } from '../world.ts';

export function tellOfSyncs(of: () => World): void {
  const metaSync = (sync: (typeof META_SYNCS)[number]) => ({ key: audienceOf(sync), workflowId: syncWorkflowId('meta_main', audienceOf(sync)), path: pathOf(sync) });
  const googleSync = (sync: (typeof GOOGLE_SYNCS)[number]) => ({ key: audienceOf(sync), workflowId: syncWorkflowId('google_main', audienceOf(sync)), path: pathOf(sync) });
  const enters = async (name: string, key: string, more: Record<string, unknown> = {}) => {
    const somebody = of().person(name);
    await of().post(`${name}-in`, { ...somebody.person, audience_key: key, timestamp: seconds() - 60, ...more });
    return somebody;
  };

  describe('audienceSync', () => {
    test('an add and a removal', async () => {
      const { key, workflowId, path } = metaSync('pushes');
      const ada = await enters('ada', key);
      await of().settled(ada, key);
      await of().post('ada-out', { ...ada.person, audience_key: key, event: 'cio.audience_remove' });
      await of().settled(ada, key, 'accepted', 'out');
      await of().recording.keep(path, { workflowId, holds: ['ACTIVITY_TASK_COMPLETED'] });
    });

    test('an outage: failures, growing pauses, and all well again', async () => {
      const { key, workflowId, path } = metaSync('outage');
      of().fault('meta_main', 'http_500');
      const grace = await enters('grace', key);
      await of().happened(workflowId, 'TIMER_FIRED', 2);
      await of().shows(workflowId, 'retrying');
      of().fault('meta_main', null);
      await of().handle(workflowId).signal('pushNow');
      await of().settled(grace, key);
      await of().shows(workflowId, 'ok');
      await of().recording.keep(path, { workflowId, holds: ['ACTIVITY_TASK_FAILED', 'TIMER_FIRED', 'UPSERT_WORKFLOW_SEARCH_ATTRIBUTES'] });
    });

    test('what operators ask for: pause, resume, retry, resync', async () => {
      const { key, workflowId, path } = metaSync('updates');
      const sync = of().handle(workflowId);
      await sync.executeUpdate('pause');
      const hedy = await enters('hedy', key);
      await sync.executeUpdate('resume');
      await of().settled(hedy, key);
      await sync.executeUpdate('retry', { args: [hedy.person.customer_id] });
      await sync.executeUpdate('resync', { args: [true] });
      await of().happened(workflowId, 'CHILD_WORKFLOW_EXECUTION_COMPLETED');
      await of().settled(hedy, key);
      await of().recording.keep(path, { workflowId, holds: ['WORKFLOW_EXECUTION_UPDATE_COMPLETED', 'START_CHILD_WORKFLOW_EXECUTION_INITIATED', 'CHILD_WORKFLOW_EXECUTION_STARTED'] });
    });

    test('a pause that comes while a push is under way', async () => {
      const { key, workflowId, path } = metaSync('paused_meanwhile');
      const calls = async (): Promise<number> => (await of().service.database.query('select 1 from pushes where audience_key = $1 and finished_at is null', [key])).length;
      of().fault('meta_main', 'slow_ms', { ms: 3_000, calls: 1 });
      const joan = await enters('joan', key);
      await until(calls, (open) => open === 1, PATIENCE_MS);
      await of().handle(workflowId).executeUpdate('pause');
      await of().settled(joan, key);
      // The patch `a-pause-stays-shown` stands in the history.
      await of().happened(workflowId, 'MARKER_RECORDED', 2);
      await of().recording.keep(path, { workflowId, holds: ['MARKER_RECORDED'] });
    });

    test('a row that the platform refuses without saying which', async () => {
      const { key, workflowId, path } = metaSync('wrong_row');
      await of().handle(workflowId).executeUpdate('pause');
      const people = [];
      for (const name of ['mary', 'rosa', 'tove', 'vera']) people.push(await enters(name, key));
      const [wrong] = people.slice(2);
      of().fault('meta_main', 'unnamed_invalid', { values: [wrong?.hash ?? ''] });
      await of().handle(workflowId).executeUpdate('resume');
      for (const one of people) await of().settled(one, key, one === wrong ? 'rejected' : 'accepted');
      of().fault('meta_main', null);
      await of().recording.keep(path, { workflowId, holds: ['ACTIVITY_TASK_FAILED'] });
    });

    test('an account that is to rest', async () => {
      const { key, workflowId, path } = metaSync('rests');
      of().fault('meta_main', 'rate_limit', { ms: 6_000, calls: 1 });
      const lise = await enters('lise', key);
      await of().shows(workflowId, 'throttled');
      await of().settled(lise, key);
      await of().shows(workflowId, 'ok');
      await of().recording.keep(path, { workflowId, holds: ['TIMER_STARTED'] });
    });

    test('removals that the platform refuses for now', async () => {
      const { key, workflowId, path } = metaSync('removals_refused');
      const edith = await enters('edith', key);
      await of().settled(edith, key);
      of().fault('meta_main', 'refuse_removals');
      await of().post('edith-out', { ...edith.person, audience_key: key, event: 'cio.audience_remove' });
      await of().settled(edith, key, 'blocked', 'out');
      await of().shows(workflowId, 'stuck');
      of().fault('meta_main', null);
      await of().handle(workflowId).executeUpdate('retry', { args: [null] });
      await of().settled(edith, key, 'accepted', 'out');
      await of().shows(workflowId, 'ok');
      await of().recording.keep(path, { workflowId, holds: ['WORKFLOW_EXECUTION_UPDATE_COMPLETED'] });
    });

    test('a run that hands over to the next one', async () => {
      const { workflowId } = metaSync('handed_over');
      const before = await of().runIdOf(workflowId);
      await of().handle(workflowId).executeUpdate('pause');
      await of().signalOften(workflowId, 'wake');
      await of().handle(workflowId).executeUpdate('resume');
      await of().keepBothRuns(workflowId, before);
    });

    test('a platform that decides later', async () => {
      const { key, workflowId, path } = googleSync('decided_later');
      of().service.sandbox.store.setLimits('google_main', { processingMs: 1_000 });
      const chien = await enters('chien', key);
      await of().settled(chien, key);
      await of().post('chien-out', { ...chien.person, audience_key: key, event: 'cio.audience_remove' });
      await of().settled(chien, key, 'accepted', 'out');
      await of().recording.keep(path, { workflowId, holds: ['TIMER_FIRED', 'ACTIVITY_TASK_COMPLETED'] });
    });

    test('a platform that cannot be asked what became of requests', async () => {
      const { key, workflowId, path } = googleSync('cannot_be_asked');
      of().fault('google_main', 'no_status');
      const emmy = await enters('emmy', key);
      await of().shows(workflowId, 'retrying');
      of().fault('google_main', null);
      await of().settled(emmy, key);
      await of().shows(workflowId, 'ok');
      await of().recording.keep(path, { workflowId, holds: ['ACTIVITY_TASK_FAILED'] });
    });

    test('a platform that refuses a whole request later', async () => {
      const { key, workflowId, path } = googleSync('refused_later');
      of().fault('google_main', 'late_refused');
      const sofia = await enters('sofia', key);
      await of().shows(workflowId, 'stuck');
      of().fault('google_main', null);
      await of().handle(workflowId).signal('pushNow');
      await of().settled(sofia, key);
      await of().shows(workflowId, 'ok');
      await of().recording.keep(path, { workflowId, holds: ['WORKFLOW_EXECUTION_SIGNALED'] });
    });
  });
}
