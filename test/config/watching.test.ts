/** The sections guard, sizes and prices. */
import { expect, test } from 'vitest';
import { ConfigurationError } from '../../src/config/configuration-error.ts';
import { parseRegistry, type Registry } from '../../src/config/registry.ts';

const registryOf = (sections: string, audience = ''): string => `
sources: { shop: { signing_secret: a-signing-secret } }
destinations: { meta_main: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_1 } }
audiences:
  cart_7d_v1:
    description: Cart
    owner: { name: Tests }
    window: 7d
    targets: { meta_main: "1" }${audience}
${sections}`;
const parse = (text: string): Registry => parseRegistry(text, 'headgate.yaml', { variables: {}, sandboxAllowed: true });
function mistakes(text: string): readonly string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}
const guardOf = (text: string) => parse(text).policies.audiences.get('cart_7d_v1')?.guard;

test('without a word an audience is guarded, sizes are read every 6 hours, and nothing has a price', () => {
  expect(guardOf(registryOf(''))).toEqual({ removals: 0.5, adds: 3, withinMs: 3_600_000, least: 1_000, singlesPerMinute: 30, letGoAfterMs: 4 * 3_600_000 });
  expect(parse(registryOf('')).watching).toMatchObject({ sizesEveryMs: 6 * 3_600_000, prices: null });
});

test('an audience takes what the section says, and says otherwise itself', () => {
  const section = 'guard: { removals: 30%, adds: off, least: 500, removals_wait: 1h }\nsizes: { every: 12h }\nprices: { currency: EUR, temporal_per_million_actions: 50 }';
  expect(guardOf(registryOf(section))).toMatchObject({ removals: 0.3, adds: null, least: 500, letGoAfterMs: 3_600_000 });
  expect(guardOf(registryOf(section, '\n    guard: { removals: off, adds: 2.5 }'))).toMatchObject({ removals: null, adds: 2.5, least: 500 });
  expect(guardOf(registryOf(section, '\n    guard: off'))).toBeNull();
  expect(guardOf(registryOf('guard: off'))).toBeNull();
  expect(guardOf(registryOf('guard: off', '\n    guard: { least: 10 }'))).toMatchObject({ removals: 0.5, least: 10 });
  expect(parse(registryOf(section)).masked).toMatchObject({ guard: { removals: '30%', adds: 'off', within: '1h' }, sizes: { every: '12h' }, prices: { currency: 'EUR' } });
});

test.each<[string, RegExp]>([
  ['guard: { removals: a lot }', /headgate\.yaml:10: guard\.removals: must be a share/],
  ['guard: on', /:10: guard: must be off, or settings/],
  ['guard: { removal: 50% }', /:10: guard\.removal: is not a setting/],
  ['guard: { within: 1s }', /:10: guard\.within: must lie between 5m and 24h/],
  ['guard: { least: 0 }', /:10: guard\.least: must be at least 1/],
  ['sizes: { every: 1m }', /:10: sizes\.every: must lie between 15m and 7d/],
  ['prices: { temporal_per_million_actions: 50 }', /:10: prices\.currency: must be a code such as USD/],
  ['prices: { currency: USD, platform_per_thousand_calls: -1 }', /must not be negative/],
])('%s is a mistake with its line', (section, said) => {
  expect(mistakes(registryOf(section)).join('\n')).toMatch(said);
});
