/** What becomes of alerts from one look to the next, and what is told of them. */
import { describe, expect, test } from 'vitest';
import { composeMessage } from '../../src/alerting/message.ts';
import { dueAt, netOf, stepsOf, type Finding, type OpenAlert, type Patience, type WaitingNote } from '../../src/domain/alerts.ts';

const PATIENCE: Patience = { confirmMs: 50_000, settleMs: 110_000 };
const NOW = Date.UTC(2026, 10, 29, 3, 0);
const finding = (over: Partial<Finding> = {}): Finding => ({ rule: 'failure_rate', subject: 'meta_main', level: 'warning', what: 'x', since: null, stillTargeted: 0, cure: 'y', ...over });
const alert = (over: Partial<OpenAlert> = {}): OpenAlert => ({ alertId: 1, rule: 'failure_rate', subject: 'meta_main', level: 'warning', seenAt: NOW - 60_000, lastSeenAt: NOW - 60_000, raisedAt: NOW - 60_000, ...over });
const steps = (open: OpenAlert[], findings: Finding[], atOnce = false) => stepsOf(open, findings, NOW, PATIENCE, () => atOnce);

describe('from one look to the next', () => {
  test('what counts is believed at the second look, a state at once', () => {
    expect(steps([], [finding()])).toEqual([{ step: 'open', finding: finding(), raised: false }]);
    expect(steps([], [finding()], true)).toEqual([{ step: 'open', finding: finding(), raised: true }]);
    expect(steps([alert({ raisedAt: null })], [finding()])).toMatchObject([{ step: 'keep', change: 'raised' }]);
    expect(steps([alert({ raisedAt: null, seenAt: NOW - 10_000 })], [finding()])).toMatchObject([{ step: 'keep', change: null }]);
  });

  test('what was seen once and not again is forgotten, and nobody hears of it', () => {
    expect(steps([alert({ raisedAt: null })], [])).toMatchObject([{ step: 'forget' }]);
  });

  test('the same again is told nobody; worse is told once', () => {
    expect(steps([alert()], [finding()])).toMatchObject([{ step: 'keep', change: null }]);
    expect(steps([alert()], [finding({ level: 'critical' })])).toMatchObject([{ step: 'keep', change: 'worse' }]);
    expect(steps([alert({ level: 'critical' })], [finding({ level: 'critical' })])).toMatchObject([{ step: 'keep', change: null }]);
  });

  test('a level that goes up and down is not told again and again', () => {
    const [down] = steps([alert({ level: 'critical' })], [finding({ level: 'warning' })]);
    expect(down).toMatchObject({ step: 'keep', change: null, finding: { level: 'critical' } });
  });

  test('it is over after two quiet minutes, and not at the first quiet look', () => {
    expect(steps([alert()], [])).toEqual([]);
    expect(steps([alert({ lastSeenAt: NOW - 120_000 })], [])).toMatchObject([{ step: 'recover' }]);
  });

  test('rules and subjects are told apart', () => {
    expect(steps([alert()], [finding(), finding({ subject: 'google_main' }), finding({ rule: 'failed_calls' })]).map(({ step }) => step)).toEqual(['keep', 'open', 'open']);
  });
});

describe('notes that waited together', () => {
  const note = (messageId: number, change: WaitingNote['change'], alertId = 1): WaitingNote => ({ messageId, alertId, change, level: 'warning' });

  test('of an alert that came and went nothing is left', () => {
    expect(netOf([note(1, 'raised'), note(2, 'worse'), note(3, 'recovered')])).toEqual({ told: [], dropped: [1, 2, 3] });
  });

  test('raised and worse are one', () => {
    expect(netOf([note(1, 'raised'), note(2, 'worse')])).toEqual({ told: [{ alertId: 1, change: 'raised', level: 'warning', messageIds: [1, 2] }], dropped: [] });
  });

  test('the end of what was told before is told', () => {
    expect(netOf([note(3, 'recovered'), note(4, 'raised', 2)]).told).toMatchObject([{ alertId: 1, change: 'recovered' }, { alertId: 2, change: 'raised' }]);
  });
});

describe('quiet hours', () => {
  const quiet = { from: 22 * 60, to: 7 * 60, timezone: 'Europe/Berlin' };

  test('a warning waits until they are over, over midnight and by the clock of the place', () => {
    // 03:00 UTC is 04:00 in Berlin.
    expect(new Date(dueAt(NOW, 'warning', 'raised', quiet)).toISOString()).toBe('2026-11-29T06:00:00.000Z');
    expect(dueAt(Date.UTC(2026, 10, 29, 6, 0), 'warning', 'raised', quiet)).toBe(Date.UTC(2026, 10, 29, 6, 0));
    expect(new Date(dueAt(Date.UTC(2026, 10, 28, 21, 30), 'warning', 'raised', quiet)).toISOString()).toBe('2026-11-29T06:00:00.000Z');
  });

  test('what is critical does not wait; that it is over does', () => {
    expect(dueAt(NOW, 'critical', 'raised', quiet)).toBe(NOW);
    expect(dueAt(NOW, 'critical', 'recovered', quiet)).toBeGreaterThan(NOW);
    expect(dueAt(NOW, 'warning', 'raised', undefined)).toBe(NOW);
  });
});

test('what a platform or a sender says writes no line and no header of its own into a message', () => {
  const { title, text } = composeMessage('Ada', [{ alertId: 1, change: 'raised', level: 'critical', raisedAt: NOW, recoveredAt: null, finding: finding({ level: 'critical', what: 'refused\r\nBcc: all@example.com\u001b[2J\u202e', cure: 'a\nb' }) }], { headgate: undefined });
  expect(title).toBe('[Headgate] critical: refused Bcc: all@example.com [2J ');
  expect(text).not.toMatch(/\r|\u001b|\u202e|\nBcc|\nb/);
});
