/** From a revoked token to the message that an owner reads, by every channel, over real HTTP and SMTP; and back. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Watchdog, type WatchdogOptions } from '../../src/api/watchdog.ts';
import type { Finding } from '../../src/domain/alerts.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { runCommand } from '../support/command.ts';
import { startMailServer, type MailServer } from '../support/mail-server.ts';
import { startRecorder, type Recorder } from '../support/recorder.ts';
import { CART_AT_META, CROSS_SELL_AT_META, REGISTRY, startService, type TestService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const WEBHOOK_SECRET = `whsec_${Buffer.from('a-key-for-the-tests-of-alerts').toString('base64')}`;
let slack: Recorder;
let pagerduty: Recorder;
let webhook: Recorder;
let ghost: Recorder;
let mail: MailServer;
let service: TestService;
let registry = '';

beforeAll(async () => {
  [slack, pagerduty, webhook, ghost] = await Promise.all([startRecorder(), startRecorder(), startRecorder(), startRecorder()]);
  slack.answers({ body: { ok: true } });
  mail = await startMailServer();
  registry = `${REGISTRY.replaceAll('owner: { name: Tests }', 'owner: Retention')}
owners:
  Retention:
    slack: "#retention-oncall"
    email: [retention@example.com]
    pagerduty: a-routing-key
    webhook: { url: "${webhook.url}/alerts", secret: ${WEBHOOK_SECRET} }
    escalate_to: Platform
    escalate_after: 1m
  Platform: { webhook: { url: "${ghost.url}/platform", secret: ${WEBHOOK_SECRET} } }
alerts:
  owner: Platform
  slack: { bot_token: xoxb-a-bot-token, api_url: "${slack.url}/api" }
  smtp: { url: "${mail.url}", from: Headgate <headgate@example.com> }
  pagerduty_url: "${pagerduty.url}/v2/enqueue"
`;
  service = await startService({ registry, patience: { confirmMs: 0, settleMs: 0 } });
});
afterAll(async () => {
  await service.stop();
  await Promise.all([slack, pagerduty, webhook, ghost].map((one) => one.close()));
  await mail.close();
});

interface WebhookBody {
  level: string | null;
  alerts: { rule: string; subject: string; change: string; still_targeted: number; what: string; command: string | null; what_to_do: string; alert_id: number; runbook: string | null }[];
}
const told = (recorder: Recorder): WebhookBody[] => recorder.calls.map(({ body }) => body as WebhookBody);
const changes = (recorder: Recorder, change: string) => told(recorder).flatMap(({ alerts }) => alerts.filter((alert) => alert.change === change));
const round = () => until(() => service.parts.monitor.round(), ({ ran }) => ran);
/** The schedule may be at it; then once more. */
const standIn = (findings: Finding[]) => until(() => service.parts.monitor.standIn(findings), ({ ran }) => ran);

test('the schedule looks each minute, and does not make up for what it missed', async () => {
  const { policies, spec } = await until(() => service.client.schedule.getHandle('headgate/monitor').describe(), () => true);
  expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 120_000 });
  expect(spec.intervals).toMatchObject([{ every: 60_000 }]);
});

test('a revoked token is told once to its owner by every channel, with people, command and runbook; and its end too', async () => {
  const buyer = somebody().person;
  await service.post({ ...buyer });
  await until(() => service.members(CART_AT_META), (members) => members.length === 1);
  service.sandbox.faults.set('meta_main', { fault: 'unauthorised', ms: 0 });
  await service.post({ ...buyer, audience_key: 'post_purchase_cross_sell_14d_v1' });

  // Nobody runs a round here: the sync that got stuck has the monitor look.
  const raised = await until(() => changes(webhook, 'raised'), (found) => found.filter(({ rule }) => rule === 'target_stuck').length === 2);
  const cart = raised.find(({ subject }) => subject === 'meta_main/high_intent_cart_7d_v1');
  expect(cart).toMatchObject({ rule: 'target_stuck', still_targeted: 1, command: 'headgate push-now --destination meta_main --audience high_intent_cart_7d_v1' });
  expect(cart?.what).toContain('high_intent_cart_7d_v1 at meta_main');
  expect(cart?.what_to_do).toMatch(/token/i);
  expect(cart?.runbook).toMatch(/\/runbook#target_stuck$/);

  const call = webhook.calls[0]!;
  const signed = `${String(call.headers['webhook-id'])}.${String(call.headers['webhook-timestamp'])}.${JSON.stringify(call.body)}`;
  const key = Buffer.from(WEBHOOK_SECRET.slice('whsec_'.length), 'base64');
  expect(call.headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);

  await until(() => slack.calls, (calls) => calls.length > 0);
  expect(slack.calls[0]).toMatchObject({ path: '/api/chat.postMessage', headers: { authorization: 'Bearer xoxb-a-bot-token' }, body: { channel: '#retention-oncall' } });
  expect(JSON.stringify(slack.calls[0]?.body)).toContain('still targeted who should not be');
  await until(() => pagerduty.calls, (calls) => calls.length > 1);
  expect(pagerduty.calls[0]?.body).toMatchObject({ routing_key: 'a-routing-key', event_action: 'trigger', payload: { severity: 'critical' }, dedup_key: expect.stringMatching(/^headgate\/target_stuck\/meta_main\//) as string });
  await until(() => mail.mails, (mails) => mails.length > 0);
  expect(mail.mails[0]).toMatchObject({ to: ['retention@example.com'] });
  expect(mail.mails[0]?.text).toMatch(/Subject: [\s\S]*Nothing gets through/);

  // The same again is told nobody.
  await round();
  await round();
  expect(changes(webhook, 'raised').filter(({ rule }) => rule === 'target_stuck')).toHaveLength(2);

  const listed = await runCommand(service, registry, 'alerts');
  expect(listed.output).toContain('CRITICAL  target_stuck · meta_main/high_intent_cart_7d_v1 (open)');
  expect(listed.output).toContain('Retention by slack (raised)');
  const stuck = await runCommand(service, registry, 'stuck');
  expect(stuck.output).toContain('meta_main/high_intent_cart_7d_v1  stuck since');
  expect((await runCommand(service, registry, 'alerts', 'ack', String(cart?.alert_id), '--by', 'ada')).output).toBe(`ada looks after alert ${String(cart?.alert_id)}.\n`);
  expect((await service.read('/v1/alerts')).body['alerts']).toContainEqual(expect.objectContaining({ alert_id: cart?.alert_id, acknowledged_by: 'ada' }));

  service.sandbox.faults.set(undefined, null);
  for (const audience of ['high_intent_cart_7d_v1', 'post_purchase_cross_sell_14d_v1']) await runCommand(service, registry, 'push-now', '--destination', 'meta_main', '--audience', audience);
  await until(() => [service.members(CART_AT_META).length, service.members(CROSS_SELL_AT_META).length], ([cartMembers, others]) => cartMembers === 0 && others === 1);
  await until(async () => {
    await round();
    return changes(webhook, 'recovered');
  }, (over) => over.filter(({ rule }) => rule === 'target_stuck').length === 2);
  await until(() => pagerduty.calls, (calls) => calls.filter(({ body }) => (body as { event_action: string }).event_action === 'resolve').length >= 2);
  expect((await runCommand(service, registry, 'alerts')).output).not.toContain('target_stuck');
  expect((await runCommand(service, registry, 'alerts', '--history')).output).toContain('over since');
});

test('critical and acknowledged by nobody goes to the second owner, once', async () => {
  const finding: Finding = { rule: 'temporal_down', subject: 'temporal', audienceKey: 'high_intent_cart_7d_v1', level: 'critical', what: 'Gone.', since: null, stillTargeted: 0, cure: 'Bring it back.' };
  await standIn([finding]);
  expect(changes(ghost, 'escalated')).toEqual([]);
  // A look of the schedule's, which does not find it, may come between and end it; then it is raised anew.
  await until(async () => {
    await service.database.query("update alerts set raised_at = raised_at - interval '2 minutes', level_since = level_since - interval '2 minutes' where rule = 'temporal_down' and escalated_at is null");
    await standIn([finding]);
    return changes(ghost, 'escalated');
  }, (escalated) => escalated.length > 0);
  await standIn([finding]);
  expect(changes(ghost, 'escalated')).toMatchObject([{ rule: 'temporal_down' }]);
  await round();
});

test('a channel that fails is tried again, told of to the operators, and nothing is lost', async () => {
  webhook.answers({ status: 500, body: 'no' });
  const finding: Finding = { rule: 'ledger_down', subject: 'x', audienceKey: 'high_intent_cart_7d_v1', level: 'critical', what: 'A finding for a failing channel.', since: null, stillTargeted: 0, cure: 'None.' };
  const again = async (): Promise<unknown> => {
    await service.database.query("update alert_messages set due_at = now() where sent_at is null and dropped_at is null");
    return standIn([finding]);
  };
  for (let attempt = 0; attempt < 4; attempt++) await again();
  expect(changes(ghost, 'raised')).toContainEqual(expect.objectContaining({ rule: 'channel_failing', subject: 'Retention/webhook' }));
  webhook.answers({ status: 200 });
  await again();
  expect(changes(webhook, 'raised')).toContainEqual(expect.objectContaining({ what: 'A finding for a failing channel.' }));
});

test('a mute is heeded, and ends', async () => {
  expect((await runCommand(service, registry, 'alerts', 'mute', 'source_silent', '--for', '2h')).output).toContain('Nothing is heard of source_silent for 120 minutes');
  // Counts come to the ledger some seconds after the answers.
  const silence = (): Promise<unknown> =>
    service.database.query(`with recent as (delete from door_counts where at > now() - interval '1 day')
      insert into door_counts (source, feed, answer, at, count) values ('demo', 'webhooks', 'applied', date_trunc('day', now()) - interval '2 days', 1) on conflict do nothing`);
  await silence();
  await round();
  expect((await service.read('/v1/alerts')).body['alerts']).not.toContainEqual(expect.objectContaining({ rule: 'source_silent' }));
  await runCommand(service, registry, 'alerts', 'mute', 'source_silent', '--for', '0');
  await until(async () => {
    await silence();
    await round();
    return (await service.read('/v1/alerts')).body['alerts'];
  }, (alerts) => JSON.stringify(alerts).includes('source_silent'));
});

test('headgate alerts test reaches every owner, and says which channel does not work', async () => {
  slack.answers({ body: { ok: false, error: 'channel_not_found' } });
  const { output, status } = await runCommand(service, registry, 'alerts', 'test');
  expect(status).toBe(1);
  expect(output).toContain('channel_not_found');
  expect(output.match(/sent/g)).toHaveLength(4);
});

test('answers of the door are counted, wrong signatures too', async () => {
  const response = await fetch(`${service.url}/v1/webhooks/demo`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  expect(response.status).toBe(401);
  const counted = await until(() => service.parts.ledger.readDoorCounts(3_600_000), (counts) => counts.some(({ answer }) => answer === 'unauthorised'));
  expect(counted).toContainEqual(expect.objectContaining({ source: 'demo', feed: 'webhooks', answer: 'unauthorised' }));
});

describe('the watchdog', () => {
  async function watch(over: Partial<WatchdogOptions>): Promise<{ looks: Finding[]; tells: string[]; watchdog: Watchdog }> {
    const [looks, tells]: [Finding[], string[]] = [[], []];
    const watchdog = new Watchdog({
      isLedgerUp: () => true,
      askTemporal: () => Promise.resolve(),
      monitorAge: () => Promise.resolve(0),
      look: (findings) => Promise.resolve(looks.push(...findings)),
      tell: (change, { rule }) => Promise.resolve(void tells.push(`${change} ${rule}`)),
      logger: createLogger({ level: 'silent', pretty: false }),
      metrics: createMetrics(),
      timing: { everyMs: 5, awayMs: 20, silentMs: 40 },
      ...over,
    });
    watchdog.start();
    await Promise.resolve();
    return { looks, tells, watchdog };
  }

  test('looks in place of the monitor when Temporal is gone', async () => {
    const { looks, watchdog } = await watch({ askTemporal: () => Promise.reject(new Error('gone')) });
    await until(() => looks, (found) => found.length > 0);
    expect(looks[0]).toMatchObject({ rule: 'temporal_down', level: 'critical' });
    await watchdog.stop();
  });

  test('tells when no worker runs the monitor', async () => {
    const { looks, watchdog } = await watch({ monitorAge: () => Promise.resolve(null) });
    await until(() => looks, (found) => found.length > 0);
    expect(looks[0]).toMatchObject({ rule: 'monitor_silent' });
    await watchdog.stop();
  });

  test('tells once that the ledger is gone, and that it is back', async () => {
    let up = false;
    const { tells, watchdog } = await watch({ isLedgerUp: () => up });
    await until(() => tells, (found) => found.length > 0);
    up = true;
    await until(() => tells, (found) => found.length > 1);
    expect(tells).toEqual(['raised ledger_down', 'recovered ledger_down']);
    await watchdog.stop();
  });
});
