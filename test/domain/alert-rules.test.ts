/** Each rule finds what it is for, with people in it, and leaves alone what is well. */
import { describe, expect, test } from 'vitest';
import type { AlertFacts, DestinationFacts, ExporterFacts, SourceFacts, TargetFacts } from '../../src/domain/alert-facts.ts';
import { DEFAULT_THRESHOLDS, judge, RULES, ruleOf, span, titleOf, type RuleName } from '../../src/domain/alert-rules.ts';
import { judgeVolume } from '../../src/domain/volume.ts';

const NOW = Date.UTC(2026, 10, 29, 18, 0);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const nothing = { count: 0, oldestAt: null };
const target = (over: Partial<TargetFacts> = {}): TargetFacts => ({
  destination: 'meta_main', audienceKey: 'cart_7d_v1', state: 'ok', since: NOW - 5 * HOUR, cause: null, cure: null, paused: false, waiting: { in: nothing, out: nothing }, held: 0,
  blocked: nothing, stillTargeted: 0, lastHour: { accepted: 0, rejected: 0 }, pendingBefore: null, ...over,
});
const source = (over: Partial<SourceFacts> = {}): SourceFacts => ({
  source: 'shop', quarter: {}, hour: {}, lastAt: NOW - MINUTE, volume: { now: 0, weeks: [], days: [] }, quarantine: { open: 0, lastHour: 0 }, ...over,
});
const destination = (over: Partial<DestinationFacts>): DestinationFacts => ({ destination: 'meta_main', calls: 0, failed: 0, failedLately: 1, failingSince: null, stillTargeted: 0, ...over });
const exporter = (over: Partial<ExporterFacts>): ExporterFacts => ({ exporter: 'warehouse', state: 'ok', since: NOW, paused: false, cause: null, cure: null, unsent: 0, oldestUnsentAt: null, parked: 0, ...over });
const facts = (over: Partial<AlertFacts> = {}): AlertFacts => ({
  now: NOW, targets: [target()], destinations: [], overdue: [], sources: [source()], exporters: [], actions: [], waves: [], drifts: [], swings: [], tooSmall: [], outbox: { waiting: 0, oldestAt: null }, restores: [], registries: 1, channels: [], ...over,
});
const waits = (wanted: 'in' | 'out', count: number, ms: number): TargetFacts['waiting'] => ({ in: nothing, out: nothing, [wanted]: { count, oldestAt: NOW - ms } });

test('when all is well nothing is found', () => {
  expect(judge(facts(), DEFAULT_THRESHOLDS)).toEqual([]);
});

const CASES: [rule: RuleName, what: string, given: Partial<AlertFacts>, level: 'warning' | 'critical' | null][] = [
  ['target_stuck', 'a revoked token', { targets: [target({ state: 'stuck', cause: 'Error validating access token', cure: 'Make a new token.', stillTargeted: 7 })] }, 'critical'],
  ['target_stuck', 'a platform that is down is no case for a person', { targets: [target({ state: 'retrying', cause: '500' })] }, null],
  ['oldest_removal', 'a removal for 20 minutes', { targets: [target({ waiting: waits('out', 3, 20 * MINUTE), stillTargeted: 3 })] }, 'warning'],
  ['oldest_removal', 'a removal for 2 hours', { targets: [target({ waiting: waits('out', 1, 2 * HOUR) })] }, 'critical'],
  ['oldest_removal', 'a removal for a minute', { targets: [target({ waiting: waits('out', 1, MINUTE) })] }, null],
  ['oldest_removal', 'one at a paused target has a rule of its own', { targets: [target({ paused: true, waiting: waits('out', 1, 2 * HOUR) })] }, null],
  ['oldest_add', 'adds wait longer before anybody is told', { targets: [target({ waiting: waits('in', 5, 30 * MINUTE) })] }, null],
  ['oldest_add', 'an add for 2 hours', { targets: [target({ waiting: waits('in', 5, 2 * HOUR) })] }, 'warning'],
  ['overdue_expiry', 'windows that ended 20 minutes ago', { overdue: [{ audienceKey: 'cart_7d_v1', count: 4, oldestAt: NOW - 20 * MINUTE }] }, 'critical'],
  ['failed_calls', '30 failures among many calls', { destinations: [destination({ calls: 1_000, failed: 30 })] }, 'warning'],
  ['failure_rate', '6 of 10', { destinations: [destination({ calls: 10, failed: 6 })] }, 'critical'],
  ['failure_rate', 'what failed is mended', { destinations: [destination({ calls: 10, failed: 6, failedLately: 0 })] }, null],
  ['failure_rate', 'a revoked token is told once, as what it is', { destinations: [destination({ calls: 10, failed: 6 })], targets: [target({ state: 'stuck' })] }, null],
  ['failure_rate', '2 of 3 are too few to say anything', { destinations: [destination({ calls: 3, failed: 2 })] }, null],
  ['backlog_growth', '20,000 after 4,000', { targets: [target({ waiting: waits('in', 20_000, MINUTE), pendingBefore: { anHour: 4_000, halfAnHour: 9_000 } })] }, 'warning'],
  ['backlog_growth', 'a burst that is being worked off', { targets: [target({ waiting: waits('in', 20_000, MINUTE), pendingBefore: { anHour: 0, halfAnHour: 60_000 } })] }, null],
  ['rejected_rows', '30 of 100', { targets: [target({ lastHour: { accepted: 70, rejected: 30 } })] }, 'warning'],
  ['rejected_rows', '5 of 6 are too few', { targets: [target({ lastHour: { accepted: 1, rejected: 5 } })] }, null],
  ['blocked_removals', 'since two hours', { targets: [target({ blocked: { count: 2, oldestAt: NOW - 2 * HOUR } })] }, 'warning'],
  ['blocked_removals', 'since a minute', { targets: [target({ blocked: { count: 2, oldestAt: NOW - MINUTE } })] }, null],
  ['paused_target', 'for five hours with a removal waiting', { targets: [target({ state: 'paused', paused: true, waiting: waits('out', 1, HOUR) })] }, 'warning'],
  ['paused_target', 'for five hours with nothing waiting', { targets: [target({ state: 'paused', paused: true })] }, null],
  ['webhook_volume', 'a tenth of the usual', { sources: [source({ volume: { now: 90, weeks: [1_000, 1_100, 950, 1_020], days: [] } })] }, 'critical'],
  ['source_silent', 'for two days', { sources: [source({ lastAt: NOW - 48 * HOUR })] }, 'warning'],
  ['source_silent', 'a source that has never sent anything is being set up', { sources: [source({ lastAt: null })] }, null],
  ['signature_failures', 'all of a few', { sources: [source({ quarter: { unauthorised: 12 } })] }, 'critical'],
  ['signature_failures', 'some among many', { sources: [source({ quarter: { unauthorised: 12, applied: 400 } })] }, 'warning'],
  ['invalid_rate', 'a third', { sources: [source({ hour: { invalid: 50, applied: 100, unauthorised: 900 } })] }, 'critical'],
  ['invalid_rate', 'one of ten', { sources: [source({ hour: { invalid: 1, applied: 9 } })] }, null],
  ['quarantine_growth', '40 in an hour', { sources: [source({ quarantine: { open: 90, lastHour: 40 } })] }, 'warning'],
  ['export_stuck', 'no permission', { exporters: [exporter({ state: 'stuck', cause: 'Access Denied', cure: 'Grant it.' })] }, 'critical'],
  ['export_lag', 'for an hour', { exporters: [exporter({ unsent: 5, oldestUnsentAt: NOW - HOUR })] }, 'warning'],
  ['export_parked', 'a row', { exporters: [exporter({ parked: 1 })] }, 'warning'],
  ['held_wave', 'removals of a campaign', { waves: [{ holdId: '1', destination: 'meta_main', audienceKey: 'cart_7d_v1', operation: 'remove', causes: ['campaign:7'], since: NOW - MINUTE, held: 900, noticed: 900, audienceSize: 1_000, most: 500, withinMs: HOUR, letGoAt: NOW + 4 * HOUR }] }, 'critical'],
  ['audience_drift', 'twice as many as explained', { drifts: [{ destination: 'meta_main', audienceKey: 'cart_7d_v1', verdict: 'more', since: NOW - 6 * HOUR, readings: 2, takenIn: 1_000, told: { atLeast: 5_000, atMost: 5_000 }, message: 'tells 5000' }] }, 'warning'],
  ['audience_small', '40 people', { tooSmall: [{ destination: 'meta_main', audienceKey: 'cart_7d_v1', why: '40 people are in it' }] }, 'warning'],
  ['audience_swing', 'everybody twice a day', { swings: [{ destination: 'meta_main', audienceKey: 'cart_7d_v1', adds: 5_000, removes: 5_000, size: 2_000 }] }, 'critical'],
  ['audience_swing', 'a small audience', { swings: [{ destination: 'meta_main', audienceKey: 'cart_7d_v1', adds: 600, removes: 600, size: 100 }] }, null],
  ['action_stuck', 'a wrong key', { actions: [{ action: 'crm', state: 'stuck', since: NOW, paused: false, cause: '401', cure: 'A new key.', waiting: 3, oldestWaitingAt: NOW }] }, 'critical'],
  ['action_behind', 'for an hour', { actions: [{ action: 'crm', state: 'retrying', since: NOW, paused: false, cause: '503', cure: '', waiting: 3, oldestWaitingAt: NOW - HOUR }] }, 'warning'],
  ['workflows_behind', 'for an hour', { outbox: { waiting: 9, oldestAt: NOW - HOUR } }, 'critical'],
  ['restored', 'the ledger to an hour ago', { restores: [{ what: 'ledger', since: NOW - HOUR, noticedAt: NOW }] }, 'critical'],
  ['restored', 'a Temporal that was lost', { restores: [{ what: 'temporal', since: null, noticedAt: NOW }] }, 'warning'],
  ['registries_differ', 'two', { registries: 2 }, 'warning'],
  ['channel_failing', 'Slack', { channels: [{ owner: 'Retention', channel: 'slack', failingSince: NOW - HOUR, error: 'channel_not_found', attempts: 5 }] }, 'warning'],
];

test.each(CASES)('%s: %s', (rule, _what, given, level) => {
  const found = judge(facts(given), DEFAULT_THRESHOLDS).filter((one) => one.rule === rule);
  expect(found.map((one) => one.level)).toEqual(level === null ? [] : [level]);
  for (const one of found) {
    expect(one.what).toMatch(/^[A-Z0-9a-z].*[^ ]$/);
    expect(one.cure).not.toBe('');
    expect(`${one.what}${one.cure}`).not.toMatch(/undefined|NaN|null/);
  }
});

test('every rule has a case in which it finds something', () => {
  expect([...new Set(CASES.filter(([, , , level]) => level !== null).map(([rule]) => rule))].sort()).toEqual(Object.keys(RULES).sort());
});

test('a rule that is off finds nothing, and another threshold counts', () => {
  const revoked = facts({ targets: [target({ state: 'stuck' })], sources: [source({ lastAt: NOW - 48 * HOUR })] });
  const thresholds = new Map(DEFAULT_THRESHOLDS);
  thresholds.delete('target_stuck');
  thresholds.set('source_silent', { warning: 72 * HOUR, critical: 96 * HOUR, least: 0 });
  expect(judge(revoked, thresholds)).toEqual([]);
});

describe('volume', () => {
  const weeks = [1_000, 1_100, 950, 1_020];

  test.each([
    ['as usual', { now: 990, weeks, days: [] }, null],
    ['a weak hour', { now: 700, weeks, days: [] }, null],
    ['nothing at all', { now: 0, weeks, days: [] }, 'critical'],
    ['less than half', { now: 400, weeks, days: [] }, 'warning'],
    ['four times as much', { now: 4_000, weeks, days: [] }, 'warning'],
    ['twenty times as much', { now: 20_000, weeks, days: [] }, 'critical'],
    ['a sale a week ago does not make this week silent', { now: 1_000, weeks: [9_000, 1_100, 950, 1_020], days: [] }, null],
    ['an outage a week ago does not make this week loud', { now: 1_000, weeks: [0, 1_100, 950, 1_020], days: [] }, null],
    ['two weeks of history and five days', { now: 0, weeks: [1_000, 1_000], days: [1_000, 900, 1_100, 1_000, 950] }, 'critical'],
    ['too little history', { now: 0, weeks: [1_000], days: [1_000, 900] }, null],
    ['a small shop', { now: 0, weeks: [12, 9, 15, 7], days: [] }, null],
    ['a source whose weeks differ much', { now: 300, weeks: [200, 1_500, 900, 3_000], days: [] }, null],
  ] as const)('%s', (_what, volume, level) => {
    expect(judgeVolume(volume, 50)?.level ?? null).toBe(level);
  });
});

test('names and spans are for people', () => {
  expect(titleOf('ledger_down')).toContain('Postgres');
  expect(ruleOf('__proto__')).toBeUndefined();
  expect([30_000, 5 * MINUTE, 3 * HOUR, 72 * HOUR].map(span)).toEqual(['30 s', '5 min', '3 h', '3 days']);
});
