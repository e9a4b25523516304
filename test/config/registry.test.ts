/** The registry: what loads, and every mistake with its line. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../src/config/configuration-error.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { parseRegistry, type Registry } from '../../src/config/registry.ts';
import { hashOnce } from '../../src/destinations/user-data.ts';

const VARIABLES = { CIO_SIGNING_SECRET: 'a-signing-secret', CIO_REPORTING_SECRET: 'a-reporting-secret', META_ACCESS_TOKEN: 'a-meta-token-1', HEADGATE_SANDBOX_TOKEN: 'a-sandbox-token' };
const GOOD = readFileSync(new URL('../../headgate.example.yaml', import.meta.url), 'utf8');
const parse = (text: string, sandboxAllowed = false, variables: Record<string, string> = VARIABLES): Registry => parseRegistry(text, 'headgate.yaml', { variables, sandboxAllowed });

function mistakes(text: string, sandboxAllowed = false): readonly string[] {
  try {
    parse(text, sandboxAllowed);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

/** The example with one thing replaced, and the line that this thing stands on. */
function broken(from: string, to: string): { problems: string; line: number } {
  expect(GOOD).toContain(from);
  const text = GOOD.replace(from, to);
  return { problems: mistakes(text).join('\n'), line: GOOD.slice(0, GOOD.indexOf(from)).split('\n').length };
}

test('the example of the README loads', () => {
  const registry = parse(GOOD);
  expect([...registry.policies.audiences.keys()]).toEqual(['high_intent_cart_7d_v1', 'post_purchase_cross_sell_14d_v1']);
  expect(registry.policies.audiences.get('post_purchase_cross_sell_14d_v1')).toMatchObject({ windowMs: 14 * 86_400_000, excludes: ['high_intent_cart_7d_v1'] });
  expect(registry.sources.get('shop')).toMatchObject({ signingSecrets: ['a-signing-secret'], people: 'shop', signatureAgeMs: 4 * 3_600_000 });
});

test('the demo loads where the sandbox may be, and nowhere else', () => {
  const demo = readFileSync(new URL('../../src/config/demo.headgate.yaml', import.meta.url), 'utf8');
  expect([...parse(demo, true).destinations.keys()]).toEqual(['meta_main', 'google_main', 'tiktok_main']);
  const refused = ['destinations.meta_main', 'destinations.google_main', 'destinations.tiktok_main', 'exporters.warehouse', 'actions.ops_slack'].map((name) => expect.stringMatching(new RegExp(`^headgate\\.yaml:\\d+: ${name}\\.sandbox: the sandbox does not exist in production$`)) as string);
  expect(mistakes(demo)).toEqual(refused);
});

test.each<[string, string, string, RegExp]>([
  ['a key without a version', 'high_intent_cart_7d_v1:', 'high_intent_cart_7d:', /must end with a version/],
  ['no owner', 'owner: { name: Retention, slack: "#retention-oncall" }', 'exit: cio.audience_remove', /owner: is missing/],
  ['an empty description', 'description: High intent, cart abandoners (7d)', 'description: ""', /needs a description/],
  ['a window that is none', 'window: 7d', 'window: a week', /window: must be a duration/],
  ['a window of nothing', 'window: 7d', 'window: 0d', /window: must be a duration/],
  ['an unknown setting', 'window: 7d', 'windwo: 7d', /windwo: is not a setting/],
  ['an id without quotes', '"120200000000000001"', '120200000000000001', /must be in quotes/],
  ['an id that is none of Meta\'s', '"120200000000000001"', '"abc"', /must be the audience's number/],
  ['a destination that does not exist', 'targets: { meta_main: "120200000000000001"', 'targets: { meta_mian: "120200000000000001"', /there is no destination meta_mian/],
  ['an excluded audience that does not exist', 'excludes: [high_intent_cart_7d_v1]', 'excludes: [cart_v9]', /there is no audience cart_v9/],
  ['an audience that excludes itself', 'excludes: [high_intent_cart_7d_v1]', 'excludes: [post_purchase_cross_sell_14d_v1]', /cannot exclude itself/],
  ['a source that may use an audience that does not exist', '    # people: shop', '    audiences: [cart_v9]\n    # people: shop', /sources\.shop\.audiences\.0: there is no audience cart_v9/],
  ['a source that may use an action that does not exist', '    # people: shop', '    actions: [nothing]\n    # people: shop', /sources\.shop\.actions\.0: there is no action nothing/],
  ['a source that may use no audience', '    # people: shop', '    audiences: []\n    # people: shop', /names none, so nothing could be sent/],
  ['a platform that does not exist', 'platform: meta', 'platform: mata', /mata is not a platform/],
  ['a mode that does not exist', 'mode: live', 'mode: on', /mode: must be live, test or paused/],
  ['a test mode without profiles', 'mode: live', 'mode: test', /list some/],
  ["an audience's mode that does not exist", 'window: 7d', 'window: 7d\n    mode: off', /mode: must be live, test or paused/],
  ['an audience in test mode at a destination without profiles', 'window: 7d', 'window: 7d\n    mode: test', /mode: test pushes only the destination's test_profiles: list some at meta_main/],
  ['an ad account that is none', '"act_1234567890"', '"1234567890"', /must look like act_/],
  ['a variable that is not set', '${META_ACCESS_TOKEN}', '${META_TOKEN}', /environment variable META_TOKEN is not set/],
  ['a secret too short', '${CIO_SIGNING_SECRET}', 'abc', /too short to be a secret/],
  ['an unknown section', 'audiences:\n', 'audience:\n', /is not a section/],
])('%s is a mistake, with its line', (_name, from, to, message) => {
  const { problems, line } = broken(from, to);
  expect(problems).toMatch(message);
  const lines = problems.split('\n').filter((problem) => message.test(problem)).map((problem) => Number(/^headgate\.yaml:(\d+):/.exec(problem)?.[1]));
  // A missing setting has no line of its own: its entry's line stands for it.
  expect(lines.some((found) => Math.abs(found - line) <= 3)).toBe(true);
});

test('an audience without a way out does not load', () => {
  expect(mistakes(GOOD.replace('    window: 14d\n', '')).join()).toMatch(/post_purchase_cross_sell_14d_v1: has no way out/);
});

test('another audience that excludes it is a way out', () => {
  expect(mistakes(GOOD.replace('    window: 7d # each add lasts this long\n', ''))).toEqual([]);
});

test('all mistakes come at once, in the order of their lines', () => {
  const found = mistakes(GOOD.replace('window: 7d', 'window: x').replace('mode: live', 'mode: x').replace('window: 14d', 'window: x'));
  expect(found).toHaveLength(3);
  const lines = found.map((problem) => Number(problem.split(':')[1]));
  expect(lines).toEqual(lines.toSorted((a, b) => a - b));
});

test.each(['sources: [', 'a: &x [*x]', '', 'audiences: text', `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nsources: [*c,*c,*c,*c,*c]`])(
  'a file that is no registry gets mistakes, not a stack (%#)',
  (text) => {
    expect(mistakes(text).length).toBeGreaterThan(0);
  },
);

test('what a source may use is told with the registry, and is no secret', () => {
  const { policies, masked } = parse(GOOD.replace('    # people: shop', '    audiences: [high_intent_cart_7d_v1]\n    actions: []\n    # people: shop'));
  expect(policies.allowed).toEqual(new Map([['shop', { audiences: new Set(['high_intent_cart_7d_v1']), actions: new Set() }]]));
  expect(masked).toMatchObject({ sources: { shop: { signing_secret: ['***'], audiences: ['high_intent_cart_7d_v1'], actions: [] } } });
});

describe('tokens of operators', () => {
  const read = (given: string) => readEnvironment({ HEADGATE_OPERATOR_TOKENS: given }).HEADGATE_OPERATOR_TOKENS;
  test('have names, and may hold a colon', () => {
    expect(read(' ada:a-token-of-ada-1234, grace:a:token-of-grace-56 ')).toEqual([{ name: 'ada', token: 'a-token-of-ada-1234' }, { name: 'grace', token: 'a:token-of-grace-56' }]);
  });
  test.each([
    ['a-token-without-a-name', /entry 1 must be NAME:TOKEN/],
    ['ada:short', /the token of entry 1 is too short/],
    ['ada:the-same-token-twice,grace:the-same-token-twice', /entries 1 and 2 have the same token/],
  ])('%s is refused, and not repeated', (given, message) => {
    const problems = (): string => {
      try {
        read(given);
      } catch (error) {
        return (error as ConfigurationError).problems.join('\n');
      }
      return '';
    };
    expect(problems()).toMatch(message);
    for (const token of ['a-token-without-a-name', 'ada:short', 'the-same-token-twice']) expect(problems()).not.toContain(token);
  });
});

describe('secrets', () => {
  test('are masked when the registry is shown', () => {
    const shown = JSON.stringify(parse(GOOD).masked);
    for (const secret of Object.values(VARIABLES)) expect(shown).not.toContain(secret);
    expect(shown).toContain('***');
  });
  test('cannot add settings', () => {
    const variables = { ...VARIABLES, META_ACCESS_TOKEN: 'token-12345\n    mode: paused' };
    expect(parse(GOOD, false, variables).destinations.get('meta_main')?.entry.mode).toBe('live');
  });
  test('change the hash, which reveals none of them', () => {
    const other = parse(GOOD, false, { ...VARIABLES, META_ACCESS_TOKEN: 'another-token' });
    expect(other.hash).not.toBe(parse(GOOD).hash);
    expect(parse(GOOD).hash).toMatch(/^[0-9a-f]{16}$/);
  });
});

test('test profiles that are e-mail addresses are hashed', () => {
  const registry = parse(GOOD.replace('mode: live', 'mode: test\n    test_profiles: [QA@example.com, c_qa]'));
  expect(registry.policies.destinations.get('meta_main')?.testProfiles).toEqual([`email:${hashOnce('qa@example.com')}`, 'c_qa']);
});

test("an audience has a mode of its own, and is tested with its destinations' profiles", () => {
  const registry = parse(GOOD.replace('mode: live', 'mode: live\n    test_profiles: [c_qa]').replace('window: 7d', 'window: 7d\n    mode: test'));
  expect([...registry.policies.audiences.values()].map(({ mode }) => mode)).toEqual(['test', 'live']);
});

test('holdouts are shares in either form', () => {
  const holdout = (text: string): number | undefined => parse(GOOD.replace('window: 7d', `window: 7d\n    holdout: ${text}`)).policies.audiences.get('high_intent_cart_7d_v1')?.holdout;
  expect([holdout('5%'), holdout('0.05')]).toEqual([0.05, 0.05]);
  expect(() => holdout('120%')).toThrow(/more than 100%/);
});

describe('the environment', () => {
  test('has defaults, and empty variables count as absent', () => {
    expect(readEnvironment({ HEADGATE_PORT: '' })).toMatchObject({ HEADGATE_PORT: 8080, HEADGATE_HOST: '127.0.0.1', TEMPORAL_PORT: 7233, production: false });
  });
  test('names every mistake at once', () => {
    expect(() => readEnvironment({ HEADGATE_PORT: '99999', TEMPORAL_PORT: 'x', HEADGATE_TLS_CERT: 'cert.pem' })).toThrow(/HEADGATE_PORT[^]*TEMPORAL_PORT[^]*HEADGATE_TLS_KEY/);
  });
  test('makes the workers a version of a deployment only when it says which', () => {
    expect(readEnvironment({}).deployment).toBeUndefined();
    expect(readEnvironment({ TEMPORAL_WORKER_BUILD_ID: '0.1.0' }).deployment).toEqual({ name: 'headgate', buildId: '0.1.0' });
    expect(readEnvironment({ TEMPORAL_WORKER_BUILD_ID: '5f3c9a1', TEMPORAL_DEPLOYMENT_NAME: 'ads/headgate' }).deployment).toEqual({ name: 'ads/headgate', buildId: '5f3c9a1' });
    expect(() => readEnvironment({ TEMPORAL_DEPLOYMENT_NAME: 'head.gate' })).toThrow(/TEMPORAL_DEPLOYMENT_NAME: must be[^]*needs TEMPORAL_WORKER_BUILD_ID/);
  });
});

describe('holdouts over several audiences', () => {
  const withHoldouts = (text: string): string => `${GOOD}\nholdouts:\n${text}\n`;
  test('are resolved at each audience that they cover; without a list they cover every one', () => {
    const registry = parse(withHoldouts('  all_ads: { share: 5% }\n  buyers: { share: 0.1, audiences: [post_purchase_cross_sell_14d_v1] }'));
    expect([...registry.policies.audiences.values()].map(({ holdouts }) => holdouts)).toEqual([
      [{ name: 'all_ads', share: 0.05 }],
      [{ name: 'all_ads', share: 0.05 }, { name: 'buyers', share: 0.1 }],
    ]);
    expect(registry.masked).toMatchObject({ holdouts: { all_ads: { share: 0.05 }, buyers: { audiences: ['post_purchase_cross_sell_14d_v1'] } } });
  });
  test.each<[string, string, RegExp]>([
    ['an audience that does not exist', 'all_ads: { share: 5%, audiences: [high_intent_cart_7d_v1, cart_v9] }', /:\d+: holdouts\.all_ads\.audiences\.1: there is no audience cart_v9/],
    ['no audience at all', 'all_ads: { share: 5%, audiences: [] }', /holdouts\.all_ads\.audiences: covers no audience; leave it out to cover every one/],
    ['no share', 'all_ads: { audiences: [high_intent_cart_7d_v1] }', /holdouts\.all_ads\.share: must be a share such as 5% or 0\.05/],
    ['more than everybody', 'all_ads: { share: 120% }', /cannot be more than 100%/],
    ['a name that is none', 'All Ads: { share: 5% }', /holdouts\.All Ads: must be lower-case/],
    ['an unknown setting', 'all_ads: { share: 5%, audience: cart }', /audience: is not a setting/],
  ])('%s is refused with its line', (_what, entry, message) => {
    expect(mistakes(withHoldouts(`  ${entry}`)).join('\n')).toMatch(message);
  });
});
