/** A registry that is broken, hostile or full of misplaced secrets: every mistake is told, and no secret with it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../src/config/configuration-error.ts';
import { parseRegistry } from '../../src/config/registry.ts';
import { holds } from '../support/property.ts';

const VARIABLES = { SIGNING: 'SECRETsigning0001', TOKEN: 'SECRETtoken0002', OTHER: 'SECRETother0003' };

/** Undefined when it loads; anything but a ConfigurationError is a failure of the test. */
function mistakesOf(text: string): string | undefined {
  try {
    parseRegistry(text, 'headgate.yaml', { variables: VARIABLES, sandboxAllowed: true });
    return undefined;
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
}

const GOOD = `sources:
  shop: { signing_secret: SECRETwritten0004, bearer_token: "\${TOKEN}" }
`;

describe('a file that would eat time and memory', () => {
  const nested = (opening: string, closing: string, times: number): string => `${GOOD}a: ${opening.repeat(times)}x${closing.repeat(times)}`;
  test.each<[string, string]>([
    ['a billion laughs', `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'.split('').map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[index] ?? ''}`).join(',')}]`).join('\n')}\n${GOOD}`],
    ['a long text, many times', `a: &a "${'x'.repeat(100_000)}"\nb: [${Array(200).fill('*a').join(',')}]\n${GOOD}`],
    ['an anchor in itself', `a: &a [*a]\n${GOOD}`],
    ['lists in lists', nested('[', ']', 10_000)],
    ['lists in lists, not closed', nested('[', '', 10_000)],
    ['groups in groups', nested('{a: ', '}', 3_000)],
    ['a staircase', `${GOOD}${Array.from({ length: 1_500 }, (_, index) => `${' '.repeat(index)}a:`).join('\n')}`],
    ['dashes', `${GOOD}a:\n${'- '.repeat(5_000)}x`],
    ['a file of 5 MiB', `${GOOD}a: "${'x'.repeat(5 * 1024 * 1024)}"`],
    ['thousands of mistakes', `sources:\n${Array.from({ length: 3_000 }, (_, index) => `  S${String(index)}: {}`).join('\n')}`],
  ])('%s is a mistake, told in short', (_name, text) => {
    const told = mistakesOf(text);
    expect(told).toBeDefined();
    expect(told?.length).toBeLessThan(40_000);
  });
});

describe('odd YAML', () => {
  test.each<[string, string, RegExp]>([
    ['a merge key', 'sources:\n  shop: { <<: { signing_secret: SECRETwritten0004 } }', /shop\.<<: is not a setting/],
    ['the same name twice', `${GOOD}sources:\n  other: { signing_secret: SECRETwritten0004 }`, /:3: Map keys must be unique/],
    ['__proto__ as a source', 'sources:\n  __proto__: { signing_secret: SECRETwritten0004 }', /__proto__: must be lower-case/],
    ['__proto__ as a section', `${GOOD}__proto__: { sources: {} }`, /:3: __proto__: is not a section/],
    ['__proto__ as a setting', 'sources:\n  shop: { signing_secret: SECRETwritten0004, __proto__: { bearer_token: [x] } }', /__proto__: is not a setting/],
    ['constructor as a section', `${GOOD}constructor: { prototype: {} }`, /constructor: is not a section/],
    ['toString as a platform', `${GOOD}destinations:\n  meta_main: { platform: toString }`, /toString is not a platform/],
    ['a tag that would make an object elsewhere', 'sources: !!js/function "SECRETwritten0004"', /must be a list of names/],
    ['a group as a name', 'sources:\n  ? { SECRETname0005: a }\n  : { signing_secret: SECRETwritten0004 }', /:2: a list or a group of settings cannot be a name/],
    ['an alias that was to be a secret', 'sources:\n  shop: { signing_secret: *SECRETwritten0004 }', /:2: an alias .* needs quotes/],
    ['a block that was to be a secret', 'sources:\n  shop:\n    signing_secret: |SECRETwritten0004\n', /:3: Block scalar header includes extra characters$/],
    ['an anchor that was to be a secret', 'sources:\n  shop:\n    signing_secret: &SECRETwritten0004\n', /signing_secret/],
    ['two documents', `${GOOD}---\n${GOOD}`, /multiple documents/],
  ])('%s is a mistake with its line, and tells no secret', (_name, text, told) => {
    expect(mistakesOf(text)).toMatch(told);
    expect(mistakesOf(text)).not.toContain('SECRET');
  });
});

describe('variables', () => {
  test('are put in once: a value that looks like one is a value', () => {
    const { sources } = parseRegistry('sources:\n  shop: { signing_secret: "${A}" }', 'f', { variables: { A: 'x${SECRET}${A}$1$&', SECRET: 'no' }, sandboxAllowed: true });
    expect(sources.get('shop')?.signingSecrets).toEqual(['x${SECRET}${A}$1$&']);
  });
  test('are not looked for among what every object has', () => {
    expect(() => parseRegistry('sources:\n  shop: { signing_secret: "${constructor}${__proto__}" }', 'f', { variables: {}, sandboxAllowed: true })).toThrow(/the environment variable constructor is not set[^]*__proto__ is not set/);
  });
  test('that stand where no secret belongs are told by their names', () => {
    expect(mistakesOf(`${GOOD}destinations:\n  meta_main: { platform: "\${SIGNING}" }`)).toContain('${SIGNING} is not a platform');
  });
});

/** Texts that a registry could hold, with secrets of every kind in places where they belong and where they do not. */
const NAMES = ['sources', 'destinations', 'exporters', 'actions', 'audiences', 'holdouts', 'owners', 'alerts', 'guard', 'prices', 'shop', 'meta_main', 'cart_7d_v1', 'signing_secret', 'bearer_token', 'access_token', 'webhook_url', 'platform', 'kind', 'targets', 'excludes', 'owner', 'window', 'headers', 'smtp', 'url', 'slack', 'mode', 'text', '__proto__', '"a b"', '${OTHER}'];
const VALUES = ['${SIGNING}', '"${TOKEN}"', 'x${OTHER}y', 'meta', 'bigquery', 'slack', 'http', '7d', '"1"', '1', 'true', 'null', '[]', '{}', '[ ${SIGNING}, "${TOKEN}" ]', '{ a: ${TOKEN} }', '*a', '&a b', '!!binary x', '|', '>-', '"unclosed', "'it''s'", '- - -', '%', '@x', '`'];
const entry = fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES), fc.nat(4));
const file = fc.array(entry, { minLength: 1, maxLength: 25 }).map((entries) => entries.map(([name, value, depth]) => `${'  '.repeat(depth)}${name}: ${value}`).join('\n'));

const WHOLE = `sources:
  shop: { signing_secret: ["\${SIGNING}", SECRETwritten0004], reporting_secret: SECRETwritten0005, bearer_token: "\${TOKEN}" }
destinations:
  meta_main: { platform: meta, access_token: "\${OTHER}", app_secret: SECRETwritten0006, ad_account: act_1 }
actions:
  tool: { kind: http, url: https://tool.example.com/SECRETwritten0007, signing_secret: SECRETwritten0008, headers: { x-key: SECRETwritten0009 } }
  ops_slack: { kind: slack, webhook_url: https://hooks.slack.com/services/T/B/SECRETwritten0010, text: hello }
owners:
  ada: { slack_webhook: https://hooks.slack.com/services/T/B/SECRETwritten0011, pagerduty: SECRETwritten0012 }
alerts:
  smtp: { url: "smtps://ada:SECRETwritten0013@mail.example.com", from: headgate@example.com }
audiences:
  cart_7d_v1: { description: Cart, owner: ada, window: 7d, targets: { meta_main: "120200000000000001" } }
`;

test('whatever is broken in a registry, no message holds a secret', async () => {
  const damage = fc.tuple(fc.nat(WHOLE.length), fc.nat(12), fc.constantFrom('', ' ', '\n', '\t', ':', '{', '}', '[', ']', '"', "'", '*', '&', '!', '|', '#', '- ', '? ', '%', '\\', '\0', '\ufeff', '${TOKEN}', '${MISSING}', '__proto__: ', '<<: '));
  const broken = fc.array(damage, { minLength: 1, maxLength: 4 }).map((damages) => damages.reduce((text, [at, length, instead]) => text.slice(0, at) + instead + text.slice(at + length), WHOLE));
  await holds(fc.property(broken, (text) => {
    const told = mistakesOf(text) ?? '';
    for (const secret of Object.values(VARIABLES)) expect(told).not.toContain(secret);
    // Where the name and the colon before it are still there, the file says that it is a secret.
    for (const [, secret = ''] of text.matchAll(/(?:secret|token|url|pagerduty|x-key): [^ ,}]*(SECRETwritten\d{4})\b/g)) expect(told).not.toContain(secret);
  }), 300);
});

test('variables in any place of any file are never told by their values', async () => {
  await holds(fc.property(file, (text) => {
    const told = mistakesOf(text) ?? '';
    for (const secret of Object.values(VARIABLES)) expect(told).not.toContain(secret);
  }), 300);
});
