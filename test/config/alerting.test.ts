/** `owners:` and `alerts:` of headgate.yaml: what they mean, and every mistake with its line. */
import { expect, test } from 'vitest';
import { parseRegistry, type Registry } from '../../src/config/registry.ts';

const SECRET = `whsec_${Buffer.from('a-key-for-the-tests-of-alerts').toString('base64')}`;
const parse = (more: string, owner = 'Retention'): Registry =>
  parseRegistry(
    `sources:
  shop: { signing_secret: a-signing-secret }
destinations:
  meta_main: { platform: meta, access_token: a-token-for-tests, ad_account: act_1 }
audiences:
  cart_7d_v1: { description: Carts, owner: ${owner}, window: 7d, targets: { meta_main: "1" } }
${more}`,
    'headgate.yaml',
    { variables: {}, sandboxAllowed: false },
  );

const OWNERS = `owners:
  Retention: { slack: "#retention", email: r@example.com, quiet_hours: { from: "22:00", to: "07:00", timezone: Europe/Berlin }, escalate_to: Platform, escalate_after: 15m }
  Platform: { webhook: { url: "https://tools.example.com/x", secret: "${SECRET}" }, pagerduty: a-routing-key }
alerts:
  owner: Platform
  slack: { bot_token: xoxb-a-bot-token }
  smtp: { url: "smtps://u:p@mail.example.com", from: h@example.com }
  rules: { source_silent: { warning: 3d, critical: 7d }, webhook_volume: off, failure_rate: { warning: 5%, critical: 50% } }
`;

test('owners, channels and thresholds are read', () => {
  const { alerting, policies } = parse(OWNERS);
  expect(policies.audiences.get('cart_7d_v1')?.owner).toEqual({ name: 'Retention' });
  expect(alerting.contacts.get('Retention')).toMatchObject({ slack: ['#retention'], email: ['r@example.com'], quiet: { from: 1_320, to: 420, timezone: 'Europe/Berlin' }, escalateTo: 'Platform', escalateAfterMs: 900_000 });
  expect(alerting.operators).toEqual(['Platform']);
  expect(alerting.thresholds.get('source_silent')).toMatchObject({ warning: 3 * 86_400_000, critical: 7 * 86_400_000 });
  expect(alerting.thresholds.get('failure_rate')).toMatchObject({ warning: 0.05, critical: 0.5, least: 10 });
  expect(alerting.thresholds.has('webhook_volume')).toBe(false);
  expect(alerting.thresholds.has('target_stuck')).toBe(true);
});

test('without them every rule holds, and the owners of audiences are the operators', () => {
  const { alerting } = parse('', '{ name: Marketing, slack: "#marketing" }');
  expect(alerting.operators).toEqual(['Marketing']);
  // Nothing to reach them by: alerts are logged and shown.
  expect(alerting.contacts.get('Marketing')).toMatchObject({ slack: [], email: [] });
});

test('what is shown of them holds no secret', () => {
  const shown = JSON.stringify(parse(OWNERS).masked);
  for (const secret of ['xoxb-a-bot-token', 'a-routing-key', 'u:p@', SECRET]) expect(shown).not.toContain(secret);
});

test.each([
  ['an owner that is not there', '', 'headgate.yaml:6: audiences.cart_7d_v1.owner: there is no Retention in owners'],
  ['Slack without a bot', 'owners:\n  Retention: { slack: "#x" }', 'owners.Retention.slack: needs alerts.slack'],
  ['e-mail without a server', 'owners:\n  Retention: { email: r@example.com }', 'owners.Retention.email: needs alerts.smtp'],
  ['an escalation to nobody', 'owners:\n  Retention: { escalate_to: Ghost }', 'owners.Retention.escalate_to: there is no Ghost in owners'],
  ['an escalation to oneself', 'owners:\n  Retention: { escalate_to: Retention }', 'cannot be the next one after themselves'],
  ['a secret that nobody could check', 'owners:\n  Retention: { webhook: { url: "https://x.example.com", secret: too-simple-a-secret } }', 'must be whsec_'],
  ['a time that is none', 'owners:\n  Retention: { quiet_hours: { from: "25:00", to: "07:00" } }', 'must be a time such as "22:00"'],
  ['a place that is none', 'owners:\n  Retention: { quiet_hours: { from: "22:00", to: "07:00", timezone: Berlin } }', 'must be a timezone'],
  ['a rule that is none', 'owners:\n  Retention: {}\nalerts: { rules: { moon_phase: off } }', 'alerts.rules.moon_phase: is not a setting that Headgate knows'],
  ['critical before warning', 'owners:\n  Retention: {}\nalerts: { rules: { failure_rate: { warning: 60% } } }', 'critical must not be less than warning'],
  ['operators that are not there', 'owners:\n  Retention: {}\nalerts: { owner: Ghost }', 'alerts.owner: there is no Ghost in owners'],
])('%s is a mistake', (_what, more, expected) => {
  let problems = '';
  try {
    parse(more);
  } catch (error) {
    problems = `${(error as Error).message}\n${((error as { problems?: string[] }).problems ?? []).join('\n')}`;
  }
  expect(problems).toContain(expected);
});
