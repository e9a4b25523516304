/** Exports of Customer.io become bodies of its reporting webhook. */
import { describe, expect, test } from 'vitest';
import { mappingOf, reportsOf, secondsOf } from '../../../src/cli/files/customerio-columns.ts';

const bodies = (record: Record<string, unknown>, ...map: string[]) => {
  const made = reportsOf(record, mappingOf(map));
  return 'bodies' in made ? made.bodies : made.problem;
};

describe('a record', () => {
  test('that is a body of the webhook already stays as it is, also one of the old form, which the door refuses with its reason', () => {
    const body = { event_id: 'e', metric: 'sent', data: { new_field: 1 } };
    expect(bodies(body)).toEqual([body]);
    expect(bodies({ event_type: 'email_sent', event_id: 'e' })).toEqual([{ event_type: 'email_sent', event_id: 'e' }]);
  });
  test('of one metric is one report, with the id that it has', () => {
    expect(bodies({ event_id: 'e', delivery_id: 'd', metric: 'Bounced', reason: 'full', created_at: '2026-01-01 00:00:00 UTC', link_url: null })).toEqual([
      { event_id: 'e', metric: 'bounced', timestamp: 1_767_225_600, data: { identifiers: {}, delivery_id: 'd', failure_message: 'full' } },
    ]);
  });
  test('of a message of the App API is a report for each metric that has a time', () => {
    const message = {
      id: 'd', deduplicate_id: 'd:1', message_template_id: 5, customer_id: 'deprecated', customer_identifiers: { id: 'c', email: 'a@example.com', cio_id: 'a1' }, recipient: 'a@example.com', subject: 'Hi', type: 'email', created: 1,
      campaign_id: 3, action_id: '4', parent_action_id: null, failure_message: null, forgotten: false, metrics: { created: 1, sent: 2, opened: 3, human_opened: 4, prefetch_opened: 3, clicked: 5, human_clicked: 5, bounced: null },
    };
    const data = { identifiers: { id: 'c', email: 'a@example.com', cio_id: 'a1' }, delivery_id: 'd', campaign_id: 3, action_id: '4' };
    expect(bodies(message)).toEqual([
      { metric: 'sent', timestamp: 2, object_type: 'email', data },
      { metric: 'opened', timestamp: 3, object_type: 'email', data: { ...data, prefetched: true } },
      { metric: 'clicked', timestamp: 5, object_type: 'email', data: { ...data, machine: false } },
    ]);
    expect(reportsOf(message, mappingOf([]))).toMatchObject({ ignored: [] });
  });
  test('of a table is what its columns say, and --map for those that nobody knows', () => {
    expect(bodies({ 'Delivery ID': 'd', 'Nutzer-Nr.': '7', 'Sent at': '2026-01-01T00:00:00Z', Opened: '' }, 'nutzer nr=customer_id')).toEqual([{ metric: 'sent', timestamp: 1_767_225_600, data: { identifiers: { id: '7' }, delivery_id: 'd' } }]);
    expect(reportsOf({ id: 'd', weather: 'rain', sent: 1 }, mappingOf([]))).toMatchObject({ ignored: ['weather'] });
    expect(bodies({ weather: 'rain' })).toMatch(/has no metric.*--map/);
    expect(() => mappingOf(['weather=forecast'])).toThrow(/--map weather=forecast is no column=field; fields are event_id, metric, .*nothing/);
  });
  test('of two names for the same keeps the one that stands first', () => {
    expect(bodies({ delivery_id: 'd', id: 'other', metric: 'sent', time: 5, created_at: 1 })).toEqual([{ metric: 'sent', timestamp: 5, data: { identifiers: {}, delivery_id: 'd' } }]);
  });
});

test.each<[unknown, number | undefined]>([
  [1_700_000_000, 1_700_000_000], ['1700000000', 1_700_000_000], [1_700_000_000_500, 1_700_000_000.5], ['2023-11-14T22:13:20Z', 1_700_000_000], ['2023-11-14 22:13:20', 1_700_000_000], ['2023-11-14 22:13:20 UTC', 1_700_000_000],
  ['2023-11-14T23:13:20+01:00', 1_700_000_000], ['2023-11-14', 1_699_920_000], ['soon', undefined], ['', undefined], [null, undefined], [0, undefined], [{}, undefined], [true, undefined],
])('the time %j is %j', (given, seconds) => {
  expect(secondsOf(given)).toBe(seconds);
});
