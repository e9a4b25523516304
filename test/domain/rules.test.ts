/** The small rules: times, ids, durations, deliveries, pauses, summaries. */
import { describe, expect, test } from 'vitest';
import { deliveryAfter } from '../../src/domain/delivery.ts';
import { describeEvent } from '../../src/domain/describe.ts';
import { clampTime, conflictsWith, describeUse, EVENT_ID_PATTERN } from '../../src/domain/event.ts';
import { FAILURE_KINDS, LONGEST_REST_MS, pauseAfter, syncStateOf } from '../../src/domain/failures.ts';
import { formatDuration, parseDuration } from '../../src/domain/registry.ts';
import { makeEvent } from '../support/events.ts';

test.each([['30s', 30_000], ['15m', 900_000], ['12h', 43_200_000], ['7d', 604_800_000], ['2w', 1_209_600_000], [' 7d ', 604_800_000]])('%s is a duration', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});
test.each(['', '7', 'd', '0d', '-7d', '7 d', '1.5h', '7D', '7d12h'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
test.each(['7d', '90m', '12h', '45s', '14d'])('%s is written as it was read', (text) => {
  expect(formatDuration(parseDuration(text) ?? 0)).toBe(text);
});

test.each(['a', 'RPILAgUBcRhIBqSfeiIwdIYJKxTY', 'a.b_c:d~e=f+g@h-i', 'x'.repeat(200)])('%s can be an event id', (id) => {
  expect(id).toMatch(EVENT_ID_PATTERN);
});
test.each(['', 'a/b', 'a%b', 'a b', 'ä', 'x'.repeat(201), 'a\n'])('%j cannot be an event id', (id) => {
  expect(id).not.toMatch(EVENT_ID_PATTERN);
});

test('a time up to five minutes ahead stands, one beyond is clamped to the time of receipt and kept as claimed', () => {
  expect(clampTime(1_300_000, 1_000_000)).toEqual({ occurredAt: 1_300_000 });
  expect(clampTime(1_300_001, 1_000_000)).toEqual({ occurredAt: 1_000_000, claimedAt: 1_300_001 });
});

test('an event id under another name or audience, or from another source, is a conflict', () => {
  const known = { name: 'cio.audience_add', audienceKey: 'a_v1', source: 'shop' };
  const again = { name: 'cio.audience_add', audienceKey: 'a_v1', source: 'shop' } as const;
  expect(conflictsWith(known, again)).toBe(false);
  expect(conflictsWith(known, { ...again, name: 'cio.audience_remove' })).toBe(true);
  expect(conflictsWith(known, { ...again, audienceKey: 'b_v1' })).toBe(true);
  expect(conflictsWith(known, { ...again, source: 'other' })).toBe(true);
  expect(conflictsWith({ name: 'cio.exposure', audienceKey: null }, { name: 'cio.exposure', source: 'shop' })).toBe(false);
});

test('what an event id was used for is told to its own source, and to no other', () => {
  const known = { name: 'cio.forward', audienceKey: 'a_v1', action: 'tool', source: 'shop' };
  expect(describeUse(known, { source: 'shop' })).toBe('for cio.forward a_v1 tool');
  expect(describeUse(known, { source: 'other' })).toBe('by another source');
});

describe('a delivery', () => {
  const plain = { explicit: false, identifiersChanged: false };
  test('that is wanted already is not pushed again', () => {
    expect(deliveryAfter({ wanted: 'in', status: 'accepted', revision: 3 }, 'in', plain)).toBeUndefined();
  });
  test('is pushed again when the identifiers changed, but only for those who are in', () => {
    const changed = { explicit: false, identifiersChanged: true };
    expect(deliveryAfter({ wanted: 'in', status: 'accepted', revision: 3 }, 'in', changed)).toEqual({ wanted: 'in', status: 'pending', revision: 4 });
    expect(deliveryAfter({ wanted: 'out', status: 'accepted', revision: 3 }, 'out', changed)).toBeUndefined();
  });
  test('is a removal that is under way, and may be rejected for want of identifiers: new ones are pushed after it', () => {
    const changed = { explicit: false, identifiersChanged: true };
    expect(deliveryAfter({ wanted: 'out', status: 'pending', revision: 1 }, 'out', changed)).toEqual({ wanted: 'out', status: 'pending', revision: 2 });
    expect(deliveryAfter({ wanted: 'out', status: 'rejected', revision: 1 }, 'out', changed)).toEqual({ wanted: 'out', status: 'pending', revision: 2 });
  });
  test('counts its revisions, so that an old answer does not settle a newer wish', () => {
    expect(deliveryAfter({ wanted: 'in', status: 'rejected', revision: 1 }, 'out', plain)).toEqual({ wanted: 'out', status: 'pending', revision: 2 });
  });
});

describe('a pause', () => {
  const pauses = (kind: (typeof FAILURE_KINDS)[number], jitter = 1): number[] => [1, 2, 3, 4, 5, 6, 20, 1_000].map((n) => pauseAfter({ kind, cause: '', cure: '' }, n, jitter) / 1_000);
  test('doubles up to a minute while a platform is down', () => {
    expect(pauses('unavailable')).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
  });
  test('doubles up to a quarter of an hour while somebody must act', () => {
    expect(pauses('unauthorised')).toEqual([15, 30, 60, 120, 240, 480, 900, 900]);
  });
  test('is as long as the platform asks, but never longer than an hour', () => {
    expect(pauseAfter({ kind: 'rate_limited', cause: '', cure: '', retryAfterMs: 300_000 }, 1, 1)).toBe(300_000);
    expect(pauseAfter({ kind: 'rate_limited', cause: '', cure: '', retryAfterMs: 45 * 60_000 }, 1, 1)).toBe(45 * 60_000);
    expect(pauseAfter({ kind: 'rate_limited', cause: '', cure: '', retryAfterMs: 86_400_000 }, 1, 1)).toBe(LONGEST_REST_MS);
  });
  test('varies by a fifth, so that the syncs of one outage do not come back together', () => {
    expect(pauses('unavailable', 0)[0]).toBe(1.6);
  });
  test('each failure shows as a state', () => {
    expect(FAILURE_KINDS.map(syncStateOf)).not.toContain('ok');
  });
});

test('a summary says who, what, until when and why', () => {
  const event = makeEvent({ audienceKey: 'cart_7d_v1', person: { customerId: 'c_1' }, context: { campaign_name: 'Cart' } });
  expect(describeEvent(event, { status: 'applied', personId: 'p', audience: 'in', until: Date.UTC(2026, 11, 1, 10, 15) })).toBe('c_1 enters cart_7d_v1 until 2026-12-01 10:15 UTC · Cart');
});

test.each(['カート放棄'.repeat(60), '"\\'.repeat(300), '😀'.repeat(200)])('a long campaign name does not break Temporal\'s limit of 400 bytes (%#)', (name) => {
  const summary = describeEvent(makeEvent({ context: { campaign_name: name } }), { status: 'applied', personId: 'p' });
  expect(Buffer.byteLength(JSON.stringify(summary))).toBeLessThanOrEqual(400);
  expect(summary.isWellFormed()).toBe(true);
});

test('a summary in the Temporal UI, which renders Markdown, holds no link that a webhook brought along', () => {
  const summary = describeEvent(makeEvent({ context: { campaign_name: '[Click](https://evil.example) <img src=x>\r\n`rm`' } }), { status: 'applied', personId: 'p' });
  expect(summary).toContain('\\[Click\\](https://evil.example) \\<img src=x\\> \\`rm\\`');
});
