import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../src/config/configuration-error.ts';
import { parseRegistry, type Registry } from '../../src/config/registry.ts';

const load = (actions: string, sandboxAllowed = true): Registry => parseRegistry(`sources:\n  shop: { signing_secret: a-signing-secret }\nactions:\n${actions}`, 'headgate.yaml', { variables: { KEY: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }, sandboxAllowed });
function mistakesIn(actions: string, sandboxAllowed = true): readonly string[] {
  try {
    load(actions, sandboxAllowed);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map((problem) => problem.replace('headgate.yaml:', ''));
    throw error;
  }
  return [];
}

test('an action has its defaults, and no secret shows', () => {
  const registry = load(`  mail:
    kind: http
    url: https://mail.example/x?key=1
    signing_secret: \${KEY}
    headers: { Authorization: Bearer very-secret }
    body: { to: "{{ customer_id }}" }
  slack_ops: { kind: slack, webhook_url: https://hooks.slack.com/services/T0/B0/very-secret, text: "{{ customer_id }}" }
  cdp: { kind: segment, write_key: very-secret, event: E, ordered: true }`);
  expect(registry.policies.actions?.get('mail')).toEqual({ name: 'mail', kind: 'http', mode: 'live', testProfiles: [], ordered: false });
  const shown = JSON.stringify(registry.masked);
  expect(shown).not.toContain('very-secret');
  expect(shown).not.toContain('MfKQ9r8');
  expect(JSON.parse(shown)).toMatchObject({ actions: { mail: { timeout: '10s', concurrency: 4, headers: { Authorization: '***' }, body: { to: '{{ customer_id }}' }, retry_statuses: [401, 403, 407, 408, 425, 429] }, slack_ops: { webhook_url: '***' }, cdp: { write_key: '***', ordered: true } } });
});

describe('mistakes, with their lines', () => {
  test.each([
    ['  a: { kind: fax }', /^4: actions\.a\.kind: fax is not a kind of action of this version; it knows slack, http, segment/],
    ['  a: { kind: http }', /^4: actions\.a\.url: is missing/],
    ['  a: { kind: http, url: "http://mail.example/" }', /^4: actions\.a\.url: must begin with https/],
    ['  a: { kind: http, url: "https://user:pw@mail.example/" }', /^4: actions\.a\.url: must be an address/],
    ['  a: { kind: http, url: "https://169.254.169.254/latest" }', /^4: actions\.a\.url: is a private address/],
    ['  a: { kind: http, url: "https://[::1]/" }', /^4: actions\.a\.url: is a private address/],
    ['  a: { kind: http, url: "https://localhost:1/" }', /^4: actions\.a\.url: is a private address/],
    ['  a: { kind: http, url: "https://mail.example", signing_secret: not-base64-at-all }', /^4: actions\.a\.signing_secret: must be whsec_/],
    ['  a: { kind: http, url: "https://mail.example", headers: { Webhook-Id: x } }', /headers\.Webhook-Id: is written by Headgate itself/],
    ['  a:\n    kind: http\n    url: https://mail.example\n    body:\n      to:\n        who: "{{ email }}"', /^9: actions\.a\.body\.to\.who: \{\{ email \}\}: e-mail addresses stop at the door/],
    ['  a: { kind: http, url: "https://mail.example", body: "{{ attributes }}" }', /body: must be an object or a list/],
    ['  a: { kind: http, url: "https://mail.example", retry_statuses: [503] }', /retry_statuses\.0: must be 4xx/],
    ['  a: { kind: http, url: "https://mail.example", colour: red }', /^4: actions\.a\.colour: is not a setting/],
    ['  a: { kind: http, url: "https://mail.example", timeout: 5m }', /timeout: must be a duration such as 10s, at most 60s/],
    ['  a: { kind: http, url: "https://mail.example", mode: test }', /mode: test sends only the events of test_profiles/],
    ['  a: { kind: slack, text: "x" }', /^4: actions\.a: needs either a webhook_url, or a bot_token/],
    ['  a: { kind: slack, bot_token: xoxb-123456, text: "x" }', /bot_token and channel go together/],
    ['  a: { kind: slack, webhook_url: "https://hooks.slack.com/x", text: "{% for x in y %}{% endfor %}" }', /text: is no template: \{% for %\} is not allowed here/],
    ['  a: { kind: segment, write_key: wkey }', /event: is missing: what shall the event be called/],
    ['  a: { kind: segment, write_key: wkey, call: identify, event: E }', /event and properties belong to call: track/],
    ['  A-b: { kind: segment }', /actions\.A-b: must be lower-case/],
  ])('%s', (actions, said) => {
    expect(mistakesIn(actions)).toContainEqual(expect.stringMatching(said));
  });
  test('the sandbox does not exist in production', () => {
    expect(mistakesIn('  a: { kind: http, url: "https://mail.example", sandbox: true }', false)).toContainEqual(expect.stringMatching(/sandbox does not exist in production/));
  });
  test('a tool of one\'s own', () => {
    expect(mistakesIn('  a: { kind: http, url: "http://10.0.0.7:8080/x", allow_private: true }')).toEqual([]);
  });
});
