/** What operators and schedules ask for, and what a changed headgate.yaml needs. */
import { describe, expect, test } from 'vitest';
import { actionWorkflowId, auditWorkflowId, eraseWorkflowId, exportWorkflowId, fillWorkflowId, jobWorkflowId, MONITOR_SCHEDULE, sizesWorkflowId, syncWorkflowId, type RegistryJob } from '../../../../src/workflows/contract.ts';
import { runCommand } from '../../../support/command.ts';
import type { Somebody } from '../../../support/somebody.ts';
import { until } from '../../../support/until.ts';
import { CROSS_SELL, DORMANT, EVERY_EXPORTER, FORMER, LAPSED, RECENT } from '../registry.ts';
import { DAY_S, PATIENCE_MS, seconds, type World } from '../world.ts';

const HOUR_MS = 3_600_000;
const COMPLETED = ['WORKFLOW_EXECUTION_COMPLETED'];

export function tellOfJobs(of: () => World): void {
  const enters = async (name: string, key: string, timestamp = seconds() - 60): Promise<Somebody> => {
    const somebody = of().person(name);
    await of().post(`${name}-in`, { ...somebody.person, audience_key: key, timestamp });
    await of().settled(somebody, key);
    return somebody;
  };
  const detailsOf = async (workflowId: string): Promise<string> => (await of().handle(workflowId).query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';
  const done = async (job: RegistryJob): Promise<string> => {
    await (await of().service.parts.gateway.startJob(job)).result();
    return jobWorkflowId(job);
  };

  test('resync, with a look at the sizes, and one that waits for a paused target', async () => {
    const { gateway } = of().service.parts;
    await enters('ada', CROSS_SELL);
    const workflowId = await gateway.startResync(CROSS_SELL, ['meta_main'], { withFormer: true, verify: true });
    await of().recording.keep('verified', { workflowId, holds: COMPLETED });
    await gateway.updateSync({ destination: 'meta_main', audienceKey: CROSS_SELL }, 'pause');
    const waiting = await gateway.startResync(CROSS_SELL, ['meta_main']);
    await of().happened(waiting, 'ACTIVITY_TASK_COMPLETED', 3);
    await gateway.updateSync({ destination: 'meta_main', audienceKey: CROSS_SELL }, 'resume');
    await of().recording.keep('waited', { workflowId: waiting, holds: COMPLETED });
  });

  test('readSizes: of one audience, and of those whose turn it is', async () => {
    for (const [path, input] of [['of-one', { audienceKey: CROSS_SELL }], ['of-all', {}]] as const) {
      await (await of().service.parts.gateway.startSizes(input))();
      await of().recording.keep(path, { workflowId: sizesWorkflowId(input), holds: COMPLETED });
    }
  });

  test('monitor: a look', async () => {
    await of().service.client.schedule.getHandle(MONITOR_SCHEDULE).trigger();
    const ended = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { workflowId } of of().service.client.workflow.list({ query: "WorkflowType = 'monitor' and ExecutionStatus = 'Completed'" })) found.push(workflowId);
      return found;
    };
    const [workflowId] = await until(ended, (ids) => ids.length > 0, PATIENCE_MS);
    await of().recording.keep('looks', { workflowId: String(workflowId), holds: COMPLETED });
  });

  test('audit: what a command did', async () => {
    const key = `${crypto.randomUUID()}/done`;
    await of().service.parts.gateway.writeAudit({ actionId: key.slice(0, 36), via: 'cli', who: 'ada', credential: 'their word', address: null, action: 'target.pause', subject: 'meta_main', outcome: 'done', detail: {}, key });
    await of().recording.keep('written', { workflowId: auditWorkflowId(key), holds: COMPLETED });
  });

  test('reconcile: what it would do, and done', async () => {
    for (const [path, dryRun] of [['dry-run', true], ['done', false]] as const) {
      const { workflowId, result } = await of().service.parts.gateway.startReconcile({ since: Date.now() - HOUR_MS, dryRun, acceptLoss: false, resync: false });
      await result();
      await of().recording.keep(path, { workflowId, holds: COMPLETED });
    }
  });

  describe('erase', () => {
    const erase = (somebody: Somebody, ...more: string[]): Promise<{ status: number; errors: string }> => runCommand(of().service, of().registry, 'person', 'erase', '--customer-id', somebody.person.customer_id, '--json', ...more);
    const newest = async (): Promise<string> => {
      const [row] = await of().service.database.query<{ erasure_id: string }>('select erasure_id from erasures order by requested_at desc limit 1');
      return eraseWorkflowId(String(row?.erasure_id));
    };
    test('from everywhere', async () => {
      // Rows that a warehouse has just taken cannot be changed for a while, half an hour at BigQuery.
      for (const exporter of EVERY_EXPORTER) of().service.sandbox.store.setLimits(exporter, { bufferMs: 1_000 });
      expect(await erase(await enters('tove', CROSS_SELL))).toMatchObject({ status: 0 });
      await of().recording.keep('everywhere', { workflowId: await newest(), holds: COMPLETED });
    });
    test('after a platform has come back', async () => {
      const vera = await enters('vera', CROSS_SELL);
      of().fault('meta_main', 'http_500');
      const erasing = erase(vera);
      const open = (): Promise<unknown[]> => of().service.database.query('select 1 from erasures where finished_at is null');
      await until(open, (rows) => rows.length === 1, PATIENCE_MS);
      const workflowId = await newest();
      await of().happened(workflowId, 'TIMER_FIRED');
      of().fault('meta_main', null);
      await of().handle(syncWorkflowId('meta_main', CROSS_SELL)).signal('pushNow');
      expect(await erasing).toMatchObject({ status: 0 });
      await of().recording.keep('waited', { workflowId, holds: ['TIMER_FIRED', ...COMPLETED] });
    });
    test('although a platform does not let the person go', async () => {
      const rosa = await enters('rosa', CROSS_SELL);
      of().fault('meta_main', 'refuse_removals');
      expect(await erase(rosa, '--anyway')).toMatchObject({ status: 0 });
      of().fault('meta_main', null);
      await of().recording.keep('anyway', { workflowId: await newest(), holds: COMPLETED });
    });
  });

  describe('another headgate.yaml', () => {
    const LAPSED_AT_MORE = { destination: 'meta_more', audienceKey: LAPSED };

    test('fillTarget: a new target is filled, and looked through once more when the last process with another registry is gone', async () => {
      const world = of();
      await enters('hedy', LAPSED);
      await enters('joan', RECENT, seconds() - 5 * DAY_S);
      await world.service.database.query("insert into processes (process_id, role, registry_hash, seen_at) values ('stale', 'api', 'stale', now() + interval '1 hour') on conflict do nothing");
      await world.restart({ more: true, goners: false, recentWindow: '3d' });
      const workflowId = fillWorkflowId(LAPSED_AT_MORE);
      await until(() => detailsOf(workflowId), (details) => details.includes('another headgate.yaml'), PATIENCE_MS);
      await world.service.database.query("delete from processes where process_id = 'stale'");
      await world.recording.keep('twice', { workflowId, holds: ['TIMER_FIRED', ...COMPLETED] });
    });

    test('an action and an exporter that are gone', async () => {
      await of().service.parts.gateway.wakeAction('gone', 'pushNow');
      for (const workflowId of [actionWorkflowId('gone'), exportWorkflowId('bq_gone')]) await of().recording.keep('gone', { workflowId, holds: COMPLETED });
    });

    test('rewindow: what it would do, and done', async () => {
      const input = { audienceKey: RECENT, windowMs: 3 * DAY_S * 1_000 };
      await of().recording.keep('dry-run', { workflowId: await done({ kind: 'rewindow', input: { ...input, dryRun: true } }), holds: COMPLETED });
      await of().recording.keep('done', { workflowId: await done({ kind: 'rewindow', input: { ...input, dryRun: false } }), holds: COMPLETED });
    });

    test('retire: a target, whose sync ends, and adopt takes it up again', async () => {
      const target = { audienceKey: LAPSED, destinations: ['meta_more'] };
      const workflowId = syncWorkflowId('meta_more', LAPSED);
      const runId = await of().runIdOf(workflowId);
      const retiring = await done({ kind: 'retire', input: { ...target, wholeAudience: false, keep: false } });
      await of().recording.keep('target', { workflowId: retiring, holds: COMPLETED });
      await of().recording.keep('given-up', { workflowId, runId, holds: COMPLETED });
      await of().recording.keep('target', { workflowId: await done({ kind: 'adopt', input: target }), holds: COMPLETED });
    });

    test('retire: an audience while a platform is down, and one whose people stay with the platforms', async () => {
      const world = of();
      await enters('mary', DORMANT);
      await enters('edith', FORMER);
      const whole = { destinations: ['meta_main', 'meta_more'], wholeAudience: true };
      const job: RegistryJob = { kind: 'retire', input: { audienceKey: DORMANT, keep: false, ...whole } };
      world.fault('meta_more', 'http_500');
      const { result } = await world.service.parts.gateway.startJob(job);
      await world.happened(jobWorkflowId(job), 'TIMER_FIRED');
      world.fault('meta_more', null);
      await world.handle(syncWorkflowId('meta_more', DORMANT)).signal('pushNow');
      await result();
      await world.recording.keep('audience', { workflowId: jobWorkflowId(job), holds: ['TIMER_FIRED', 'EXTERNAL_WORKFLOW_EXECUTION_SIGNALED', ...COMPLETED] });
      await world.recording.keep('kept', { workflowId: await done({ kind: 'retire', input: { audienceKey: FORMER, keep: true, ...whole } }), holds: COMPLETED });
    });
  });
}
