/** What the pages reckon and decide, without a server. */
import { describe, expect, test } from 'vitest';
import { everyDay, membersOverTime } from '../../src/console/audience.ts';
import { ofThisConsole } from '../../src/console/desk.ts';
import { choose, type Arrival } from '../../src/console/live.ts';
import { Seal, sealingKey } from '../../src/console/seal.ts';
import { SignInLimit } from '../../src/console/sign-in-limit.ts';
import { worstFirst, type ShownTarget } from '../../src/console/targets.ts';
import { counted, duration, shortTime } from '../../src/console/words.ts';
import type { AudienceDay } from '../../src/ledger/index.ts';

const NOW = Date.UTC(2026, 10, 30, 12);

describe('sessions', () => {
  const seal = new Seal(sealingKey('read-token', 'operator-token'));
  const sealed = seal.seal('session', { role: 'operator' }, NOW + 1_000);

  test('a sealed value comes back until it ends', () => {
    expect(seal.open('session', sealed, NOW)).toEqual({ role: 'operator' });
    expect(seal.open('session', sealed, NOW + 1_000)).toBeUndefined();
  });
  test('nothing else is taken', () => {
    const [body, signature] = sealed.split('.');
    const forged = Buffer.from(JSON.stringify({ value: { role: 'operator' }, endsAt: NOW * 2 })).toString('base64url');
    for (const given of [undefined, '', '.', 'x.y', body, `${forged}.${signature ?? ''}`, `${sealed}x`, `${sealed}.x`]) expect(seal.open('session', given, NOW)).toBeUndefined();
    expect(seal.open('visitor', sealed, NOW)).toBeUndefined();
  });
  test('every process with the same tokens takes it; a new token ends it', () => {
    expect(new Seal(sealingKey('read-token', 'operator-token')).open('session', sealed, NOW)).toEqual({ role: 'operator' });
    expect(new Seal(sealingKey('read-token', 'a new token')).open('session', sealed, NOW)).toBeUndefined();
    expect(new Seal(sealingKey(undefined, 'operator-token')).open('session', sealed, NOW)).toBeUndefined();
    expect(new Seal(sealingKey(undefined, undefined)).open('session', sealed, NOW)).toBeUndefined();
  });
});

test('wrong tokens slow their address down, and others only when there are very many', () => {
  const limit = new SignInLimit();
  for (let failure = 0; failure < 8; failure++) {
    expect(limit.waitFor('one', NOW + failure)).toBe(0);
    limit.failed('one', NOW + failure);
  }
  expect(limit.waitFor('one', NOW + 10)).toBe(60_000 - 10);
  expect(limit.waitFor('other', NOW + 10)).toBe(0);
  expect(limit.waitFor('one', NOW + 60_000)).toBe(0);
  for (let address = 0; address < 200; address++) limit.failed(String(address), NOW + 60_000);
  expect(limit.waitFor('other', NOW + 60_000)).toBeGreaterThan(0);
});

test.each([
  ['/console/quarantine?state=all', '/console/quarantine?state=all'],
  ['/console', '/console'],
  ['//elsewhere.example.com/console', '/console'],
  ['https://elsewhere.example.com/console/x', '/console'],
  ['/v1/events/x', '/console'],
  ['/consolex', '/console'],
  ['/console/sign-in', '/console'],
  ['/console/../v1/audiences', '/console'],
  ['javascript:alert(1)', '/console'],
  [undefined, '/console'],
])('after signing in for %s one comes to %s', (next, to) => {
  expect(ofThisConsole(next)).toBe(to);
});

describe('an audience over time', () => {
  const day = (name: string, growth: number): AudienceDay => ({ day: name, entered: 0, renewed: 0, left: 0, expired: 0, held_out: 0, superseded: 0, growth });

  test('members are reckoned back from those of now', () => {
    expect(membersOverTime([day('a', 5), day('b', -2), day('c', 4)], 10)).toEqual([8, 6, 10]);
    expect(membersOverTime([day('a', 1), day('b', 9)], 3)).toEqual([0, 3]);
    expect(membersOverTime([], 3)).toEqual([]);
  });
  test('every day stands there, also those without anything; of a cut history only whole ones', () => {
    const days = everyDay({ days: [day('2026-11-29', 3)], cut: false }, new Date(NOW));
    expect(days).toHaveLength(30);
    expect(days.at(-1)).toEqual(day('2026-11-30', 0));
    expect(days.at(-2)).toEqual(day('2026-11-29', 3));
    expect(everyDay({ days: [day('2026-11-28', 3), day('2026-11-29', 3)], cut: true }, new Date(NOW)).map((one) => one.day)).toEqual(['2026-11-29', '2026-11-30']);
  });
});

describe('the live list', () => {
  const arrival = (key: string, overrides: Partial<Arrival> = {}): Arrival => ({
    key, receivedAt: NOW, source: 'shop', event: 'cio.audience_add', audienceKey: 'cart_7d_v1', personId: null, status: 'applied', outcome: 'entered', eventId: key, quarantineId: null, problem: null, ...overrides,
  });
  const all = { source: '', event: '', audience: '', status: '' };
  const arrivals = [arrival('old', { receivedAt: NOW - 5 }), arrival('new', { source: 'other', event: 'email opened', audienceKey: null }), arrival('bad', { receivedAt: NOW - 1, status: 'invalid' })];

  test('the newest first, whatever store they are from', () => {
    expect(choose(arrivals, all, 2).map(({ key }) => key)).toEqual(['new', 'bad']);
  });
  test.each([
    [{ source: 'other' }, ['new']],
    [{ event: 'OPEN' }, ['new']],
    [{ audience: 'cart_7d_v1' }, ['bad', 'old']],
    [{ status: 'invalid' }, ['bad']],
    [{ source: 'shop', status: 'applied' }, ['old']],
  ])('filtered by %o', (filter, keys) => {
    expect(choose(arrivals, { ...all, ...filter }, 10).map(({ key }) => key)).toEqual(keys);
  });
});

test('the worst target stands first, then the one that waits longest', () => {
  const target = (audienceKey: string, overrides: Partial<ShownTarget>): ShownTarget => ({
    destination: 'd', audienceKey, platform: 'p', platformAudienceId: '1', mode: 'live', life: 'active', state: 'ok', cause: null, cure: null, since: null, retryAt: null, lastSuccessAt: null, matchRate: null,
    adds: 0, removals: 0, oldestAt: null, held: 0, heldBecause: null, blocked: 0, ...overrides,
  });
  const targets = [target('a', {}), target('b', { oldestAt: 5 }), target('c', { state: 'paused' }), target('d', { state: 'stuck', oldestAt: 9 }), target('e', { state: 'stuck', oldestAt: 3 })];
  expect(targets.sort(worstFirst).map(({ audienceKey }) => audienceKey)).toEqual(['e', 'd', 'c', 'b', 'a']);
});

test('numbers and times read well', () => {
  expect([counted(1_234, 20_000), counted(20_001, 20_000)]).toEqual(['1,234', '20,000+']);
  expect([0, 999, 61_000, 3_700_000, 200_000_000].map(duration)).toEqual(['0 s', '0 s', '1 min', '1 h', '2 d']);
  expect(shortTime(Date.UTC(2026, 10, 9, 14, 3, 11), new Date(NOW))).toBe('9 Nov 14:03:11');
  expect(shortTime(Date.UTC(2025, 10, 9, 14, 3, 11), new Date(NOW))).toBe('9 Nov 2025 14:03:11');
});
