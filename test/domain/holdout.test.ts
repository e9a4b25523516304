/** Who is held out: what changing a share does, how even the hash is, and that holdouts know nothing of each other. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { areEqualShares, armOf, describeShares, sharesOf } from '../../src/domain/holdout.ts';
import type { Arm } from '../../src/domain/membership.ts';
import { holdoutPosition } from '../../src/ledger/holdout-position.ts';
import { CART, CROSS_SELL, makeAudience } from '../support/events.ts';
import { holds } from '../support/property.ts';

const armAt = (key: string, holdout: number, personId: string, all: number[] = []): Arm =>
  armOf(makeAudience({ key, holdout, holdouts: all.map((share, index) => ({ name: `all_${String(index)}`, share })) }), personId, holdoutPosition);

const anyShare = fc.double({ min: 0, max: 1, noNaN: true });
const anyPerson = fc.stringMatching(/^p_[0-9a-f]{28}$/);

test('raising a share moves persons into the holdout only, lowering it moves some of them back and nobody else', async () => {
  await holds(
    fc.property(anyPerson, fc.constantFrom(CART, CROSS_SELL), anyShare, anyShare, fc.array(anyShare, { maxLength: 2 }), (personId, key, a, b, all) => {
      const [lower, higher] = [armAt(key, Math.min(a, b), personId, all), armAt(key, Math.max(a, b), personId, all)];
      expect([lower, higher]).not.toEqual(['holdout', 'treatment']);
    }),
    1_000,
  );
});

test('whom a holdout over several audiences takes is held out of all that it covers, whatever their own shares', async () => {
  await holds(
    fc.property(anyPerson, anyShare, anyShare, anyShare, (personId, all, cart, crossSell) => {
      const covered = holdoutPosition('holdout:all_0', personId) < all;
      for (const [key, own] of [[CART, cart], [CROSS_SELL, crossSell]] as const) {
        expect(armAt(key, own, personId, [all])).toBe(covered || holdoutPosition(key, personId) < own ? 'holdout' : 'treatment');
      }
    }),
    1_000,
  );
});

describe('of 100,000 persons', () => {
  /** Always the same ones, made like the ledger's. */
  const PERSONS = Array.from({ length: 100_000 }, (_, index) => `p_${(1_764_000_000_000 + index * 977).toString(16).padStart(12, '0')}${((index * 2_654_435_761) % 2 ** 32).toString(16).padStart(16, '0')}`);
  const heldOut = (key: string, share: number): Set<string> => new Set(PERSONS.filter((personId) => armAt(key, share, personId) === 'holdout'));
  /** Four standard deviations of a binomial count: a fair hash stays within them in all but one of 16,000 tries, and these tries are always the same. */
  const isFair = (count: number, of: number, share: number): void => {
    expect(Math.abs(count - of * share)).toBeLessThan(4 * Math.sqrt(of * share * (1 - share)));
  };

  test.each([[CART, 0.05], [CART, 0.5], [CROSS_SELL, 0.05], [CROSS_SELL, 0.08], ['winback_30d_v1', 0.01], ['winback_30d_v2', 0.2]])('%s holds out a share of %d, within sampling error', (key, share) => {
    isFair(heldOut(key, share).size, PERSONS.length, share);
  });

  test('raising 5% to 8% adds 3% and keeps the others', () => {
    const [before, after] = [heldOut(CART, 0.05), heldOut(CART, 0.08)];
    expect([...before].filter((personId) => !after.has(personId))).toEqual([]);
    isFair(after.size - before.size, PERSONS.length, 0.03);
  });

  test('one audience says nothing of another, nor does a new version of it', () => {
    for (const [a, b] of [[CART, CROSS_SELL], ['winback_30d_v1', 'winback_30d_v2'], [CART, `holdout:${CART}`]] as const) {
      const [of, other] = [heldOut(a, 0.2), heldOut(b, 0.1)];
      isFair([...of].filter((personId) => other.has(personId)).length, of.size, 0.1);
    }
  });
});

test('shares are compared and told by what they do', () => {
  const audience = makeAudience({ key: CART, holdout: 0.05, holdouts: [{ name: 'all_ads', share: 0.07 }, { name: 'off', share: 0 }] });
  expect(sharesOf(audience)).toEqual({ [CART]: 0.05, 'holdout:all_ads': 0.07 });
  expect(describeShares(sharesOf(audience), CART)).toBe('5% of its own, 7% by all_ads');
  expect(describeShares({}, CART)).toBe('none');
  expect(areEqualShares(sharesOf(audience), { 'holdout:all_ads': 0.07, [CART]: 0.05 })).toBe(true);
  expect(areEqualShares({ [CART]: 0.05 }, { [CROSS_SELL]: 0.05 })).toBe(false);
  expect(areEqualShares({ [CART]: 0.05 }, { [CART]: 0.05, 'holdout:all_ads': 0.07 })).toBe(false);
});
