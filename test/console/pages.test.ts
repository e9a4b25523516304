/** What the pages reckon and decide, without a server. */
import { describe, expect, test } from 'vitest';
import { everyDay, membersOverTime } from '../../src/console/audience.ts';
import { ofThisConsole } from '../../src/console/desk.ts';
import { costSection } from '../../src/console/cost.ts';
import { choose, type Arrival } from '../../src/console/live.ts';
import { Seal, sealingKey } from '../../src/console/seal.ts';
import { renderRunbook } from '../../src/console/runbook.ts';
import { throughputOf } from '../../src/console/throughput.ts';
import { worstFirst, type ShownTarget } from '../../src/console/targets.ts';
import { counted, duration, shortTime } from '../../src/console/words.ts';
import type { AudienceDay } from '../../src/ledger/index.ts';

const NOW = Date.UTC(2026, 10, 30, 12);

const keyOf = (read: string | undefined, operate: string | undefined): Buffer => sealingKey({ readToken: read, operatorTokens: operate === undefined ? [] : [{ name: null, token: operate }] });

describe('sessions', () => {
  const seal = new Seal(keyOf('read-token', 'operator-token'));
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
    expect(new Seal(keyOf('read-token', 'operator-token')).open('session', sealed, NOW)).toEqual({ role: 'operator' });
    expect(new Seal(keyOf('read-token', 'a new token')).open('session', sealed, NOW)).toBeUndefined();
    expect(new Seal(keyOf(undefined, 'operator-token')).open('session', sealed, NOW)).toBeUndefined();
    const named = { readToken: 'read-token', operatorTokens: [{ name: null, token: 'operator-token' }, { name: 'ada', token: 'the token of ada' }] };
    expect(new Seal(sealingKey(named)).open('session', sealed, NOW)).toBeUndefined();
    expect(new Seal(keyOf(undefined, undefined)).open('session', sealed, NOW)).toBeUndefined();
  });
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

test('the worst target stands first, then one that the guard holds, then the one that waits longest', () => {
  const quiet: ShownTarget['watch'] = { guard: [], clocks: { accepted_until: null, last_success_at: null, adds_effective_by: null, removals_effective_by: null, read_back_at: null, source: null }, size: null, drift: null, too_small: null };
  const target = (audienceKey: string, overrides: Partial<ShownTarget>): ShownTarget => ({
    destination: 'd', audienceKey, platform: 'p', platformAudienceId: '1', mode: 'live', life: 'active', state: 'ok', cause: null, cure: null, since: null, retryAt: null, lastSuccessAt: null, matchRate: null,
    adds: 0, removals: 0, oldestAt: null, held: 0, heldBecause: null, blocked: 0, watch: quiet, ...overrides,
  });
  const targets = [target('a', {}), target('b', { oldestAt: 5 }), target('c', { state: 'paused' }), target('f', { watch: { ...quiet, too_small: '3 people are in it' } }), target('d', { state: 'stuck', oldestAt: 9 }), target('e', { state: 'stuck', oldestAt: 3 })];
  expect(targets.sort(worstFirst).map(({ audienceKey }) => audienceKey)).toEqual(['e', 'd', 'c', 'f', 'b', 'a']);
});

test('numbers and times read well', () => {
  expect([counted(1_234, 20_000), counted(20_001, 20_000)]).toEqual(['1,234', '20,000+']);
  expect([0, 999, 61_000, 3_700_000, 200_000_000].map(duration)).toEqual(['0 s', '0 s', '1 min', '1 h', '2 d']);
  expect(shortTime(Date.UTC(2026, 10, 9, 14, 3, 11), new Date(NOW))).toBe('9 Nov 14:03:11');
  expect(shortTime(Date.UTC(2025, 10, 9, 14, 3, 11), new Date(NOW))).toBe('9 Nov 2025 14:03:11');
});

test('what the door answered is taken, duplicate or refused, in the stretch when it came', () => {
  const count = (answer: string, minutesAgo: number, many = 1) => ({ source: 'demo', feed: 'webhooks' as const, answer, at: NOW - minutesAgo * 60_000, count: many });
  const counts = [
    count('applied', 3), count('held_out', 29), count('queued', 31), count('duplicate', 1, 5), count('invalid', 61), count('unauthorised', 61), count('conflict', 2), count('unavailable', 2), count('quarantined', 2),
    count('applied', -4), count('applied', 120),
  ];
  expect(throughputOf(counts, NOW, { stepMs: 1_800_000, buckets: 3 })).toEqual({ taken: [0, 1, 3], duplicate: [0, 0, 5], refused: [2, 0, 3] });
});

describe('what an audience costs', () => {
  const money = { currency: 'USD', temporal: 12.5, platform: null, warehouse: 0.04, total: 1_212.54 };
  const view = { events: { events: 1_200, temporal_actions: 4_800, rows: 1_250, days: 1 }, targets: [{ destination: 'meta_main', calls: 30, members: 900, temporal_actions: 60, days: 2.5, monthly: money }], monthly: money };

  test('by destination, and what a month like it comes to', () => {
    const { text } = costSection(view, true);
    for (const part of ['4,800', '1,250', 'pushes to meta_main', '2.5 days', 'A month, USD', '1,212.54 USD', 'Temporal 12.50, warehouse 0.04']) expect(text).toContain(part);
    expect(text).not.toContain('platforms ');
  });
  test('without prices it says how to set them; with too little counted, that', () => {
    const without = { ...view, targets: view.targets.map((one) => ({ ...one, monthly: null })), monthly: null };
    expect(costSection(without, false).text).toContain('prices: { currency: USD');
    expect(costSection(without, true).text).toContain('Less than an hour was counted');
    expect(costSection(without, true).text).not.toContain('A month');
  });
});

describe('the runbook', () => {
  const render = (markdown: string): string => renderRunbook(markdown).body.text;

  test('each section can be linked to, and the title is the page\'s own', () => {
    const { sections, body } = renderRunbook('# Runbook\n\n## target_stuck\n\nMake a `token`.\n\n## backlog_growth\n');
    expect(sections).toEqual(['target_stuck', 'backlog_growth']);
    expect(body.text).toBe('<h2 id="target_stuck">target_stuck</h2>\n<p>Make a <code>token</code>.</p>\n<h2 id="backlog_growth">backlog_growth</h2>\n');
  });
  test.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['a <img src=x onerror=alert(1)> b', '<p>a &lt;img src=x onerror=alert(1)&gt; b</p>\n'],
    ['[see](scaling.md)', '<p>see</p>\n'],
    ['[see](javascript:alert(1))', '<p>see</p>\n'],
    ['[see](https://example.com/a?b&c)', '<p><a href="https://example.com/a?b&amp;c" rel="noreferrer">see</a></p>\n'],
    ['[see](#x)', '<p><a href="#x" rel="noreferrer">see</a></p>\n'],
    ['![a "picture"](x.png)', '<p>a &quot;picture&quot;</p>\n'],
    ['## <b onclick=x>', '<h2 id="&lt;b onclick=x&gt;">&lt;b onclick=x&gt;</h2>\n'],
  ])('%s', (markdown, markup) => {
    expect(render(markdown)).toBe(markup);
  });
  test('a table says on a phone what each cell is', () => {
    expect(render('## a\n\n| said | do |\n|---|---|\n| `x` | y |\n')).toContain('<th scope="col">do</th></tr></thead><tbody><tr><th scope="row"><code>x</code></th><td data-label="do" class="wide">y</td></tr>');
  });
});
