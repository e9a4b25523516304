/** From a body of Customer.io's reporting feed to an event: every pair it documents, what it does not, and what is never kept. */
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keepReport, reportFromBody, type ReportContext } from '../../src/api/report-from-body.ts';
import { eventFromKept } from '../../src/api/event-from-kept.ts';
import { catalog } from '../../src/destinations/catalog.ts';
import { identifyPerson } from '../../src/destinations/identify-person.ts';
import { sha256 } from '../../src/destinations/user-data.ts';
import type { HeadgateEvent } from '../../src/domain/event.ts';

const NOW = 1_764_000_500_000;
const context: ReportContext = {
  source: 'shop', people: 'shop', receivedAt: NOW, identify: (person) => identifyPerson(person, [...catalog.values()]),
  policy: { workflowsOnlyWhereNeeded: false, endsMemberships: ['*.deleted', 'email.unsubscribed'] },
};
const FIXTURES = new URL('../fixtures/customerio/', import.meta.url);
const fixture = (name: string): string => readFileSync(new URL(name, FIXTURES), 'utf8');
const { objects, parents } = JSON.parse(fixture('reporting-metrics.json')) as {
  objects: Record<string, Record<string, { data_fields: string[]; sent_by: string[] }>>;
  parents: Record<string, { fields: string[] }>;
};

function reportOf(body: object | string): HeadgateEvent {
  const understood = reportFromBody(typeof body === 'string' ? body : JSON.stringify(body), context);
  if (!('event' in understood)) throw new Error(JSON.stringify(understood.problems));
  return understood.event;
}
const problemsOf = (raw: string): string[] => {
  const understood = reportFromBody(raw, context);
  return 'problems' in understood ? understood.problems.map(({ path }) => path) : [];
};

/** A value of each field, as its description says. */
const VALUES: Record<string, unknown> = {
  identifiers: { id: 'c_1', email: 'ada@example.com', cio_id: 'd9c106000001' },
  customer_id: 'c_1', email_address: 'ada@example.com', recipient: 'ada@example.com', to: '+15550000000',
  recipients: [{ device_id: 'token', device_platform: 'ios', failure_message: 'Unregistered' }],
  subject: 'Hello', content: '<p>Hello Ada</p>', headers: { 'X-A': ['1'] }, failure_message: 'it failed', href: 'https://shop.example/?a=1',
  link_id: 3, campaign_id: 7, broadcast_id: 9, newsletter_id: 11, content_id: 12, transactional_message_id: '13', trigger_id: 14, trigger_event_id: '01TRIGGER',
  action_id: 15, parent_action_id: 16, journey_id: '01JOURNEY', delivery_id: 'DELIVERY', machine: true, prefetched: true, proxied: false, synthetic: false,
};
const COLUMN: Record<string, (event: HeadgateEvent) => unknown> = {
  campaign_id: ({ context }) => context['campaign_id'], action_id: ({ context }) => context['step_id'], delivery_id: ({ context }) => context['delivery_id'],
  journey_id: ({ context }) => context['journey_id'], broadcast_id: ({ report }) => report?.broadcastId, newsletter_id: ({ report }) => report?.newsletterId,
  transactional_message_id: ({ report }) => report?.transactionalMessageId, trigger_id: ({ report }) => report?.triggerId, trigger_event_id: ({ report }) => report?.triggerEventId,
  parent_action_id: ({ report }) => report?.parentStepId, content_id: ({ report }) => report?.contentId, link_id: ({ report }) => report?.linkId, href: ({ report }) => report?.linkUrl,
};
const pairs = Object.entries(objects).flatMap(([channel, metrics]) =>
  Object.entries(metrics).flatMap(([metric, { data_fields, sent_by }]) => (sent_by.length === 0 ? ['nobody'] : sent_by).map((parent) => ({ channel, metric, parent, fields: [...new Set([...data_fields, ...(parents[parent]?.fields ?? [])])] }))),
);

test('all 69 documented pairs are tried', () => {
  expect(new Set(pairs.map(({ channel, metric }) => `${channel} ${metric}`)).size).toBe(69);
});

test.each(pairs)('$channel $metric of $parent is an exposure with its context', ({ channel, metric, fields }) => {
  const data = Object.fromEntries(fields.map((field) => [field, VALUES[field] ?? `some ${field}`]));
  const event = reportOf({ event_id: 'e_1', object_type: channel, metric, timestamp: 1_764_000_000, data });
  expect(event).toMatchObject({ name: 'cio.report', occurredAt: 1_764_000_000_000, person: { customerId: 'c_1' }, report: { channel, metric } });
  for (const [field, read] of Object.entries(COLUMN)) if (fields.includes(field)) expect([field, read(event)]).toEqual([field, String(VALUES[field])]);
  if (fields.includes('failure_message')) expect(event.report?.failureReason).toBe('it failed');
  if (fields.includes('machine') || fields.includes('prefetched')) expect(event.report?.machine).toBe(true);
  expect(JSON.stringify(event)).not.toMatch(/ada@example|15550000000|Hello Ada|X-A/);
});

test.each(readdirSync(FIXTURES).filter((file) => /^(customer|email|sms|webhook)_/.test(file)))('%s is an exposure with its context', (file) => {
  const { event_id: eventId, object_type: channel, metric, data } = JSON.parse(fixture(file)) as { event_id: string; object_type: string; metric: string; data: { action_id?: number; delivery_id?: string } };
  const event = reportOf(fixture(file));
  expect(event).toMatchObject({ eventId, report: { channel, metric } });
  if (data.action_id !== undefined) expect(event.context).toMatchObject({ step_id: String(data.action_id), delivery_id: data.delivery_id });
  expect(JSON.stringify(event)).not.toMatch(/@example\.com|5551234567/);
});

describe('who it is about', () => {
  const who = (data: object): HeadgateEvent['person'] => reportOf({ event_id: 'e', metric: 'sent', object_type: 'email', data }).person;
  test('identifiers count, not the deprecated customer_id', () => {
    expect(who({ customer_id: '0200000001', identifiers: { id: '42', email: 'Ada@Example.com', cio_id: 'd9c1' } })).toEqual({ customerId: '42', cioId: 'd9c1', emailHash: sha256('ada@example.com') });
    expect(who({ customer_id: '0200000001', identifiers: { id: null, email: 'ada@example.com' } })).toEqual({ emailHash: sha256('ada@example.com') });
    expect(who({ customer_id: 77 })).toEqual({ customerId: '77' });
  });
  test('nobody, when Customer.io has deleted the person', () => {
    expect(who({ customer_id: '', identifiers: { id: null, email: null } })).toEqual({});
    expect(who({})).toEqual({});
  });
});

test('what is new in the feed is kept, what is of another type is no mistake', () => {
  const event = reportOf({ event_id: 5, object_type: 'fax', metric: 'deferred', timestamp: '1764000000', data: { delivery_id: 9, pages: 3, by: 'bob@example.com', link_id: {} } });
  expect(event).toMatchObject({ eventId: '5', occurredAt: 1_764_000_000_000, report: { channel: 'fax', metric: 'deferred' }, context: { pages: 3, delivery_id: '9' } });
  expect(event.report?.linkId).toBeUndefined();
  expect(JSON.stringify(event)).not.toContain('bob@');
  expect(reportOf({ event_id: 'e', metric: 'sent', timestamp: 'soon', data: null }).occurredAt).toBe(NOW);
  expect(reportOf({ event_id: 'e', metric: 'cio_subscription_preferences_changed', object_type_type: 'email', data: { content: '{"topics":{"topic_1":true}}' } })).toMatchObject({
    report: { channel: 'email' }, attributes: { topics: { topic_1: true } },
  });
});

test('opens of programs are told from those of people, and from silence', () => {
  const machine = (data: object): unknown => reportOf({ event_id: 'e', object_type: 'email', metric: 'opened', data }).report?.machine;
  expect([machine({ prefetched: true }), machine({ prefetched: false, proxied: true }), machine({})]).toEqual([true, false, undefined]);
});

test('what cannot be told apart, or is of the old feed, is no exposure', () => {
  expect(problemsOf('{')).toEqual(['']);
  expect(problemsOf('[]')).toEqual(['']);
  expect(problemsOf('{"metric":"sent"}')).toEqual(['event_id']);
  expect(problemsOf('{"event_type":"email_drafted","event_id":"x"}')).toEqual(['event_type']);
  expect(problemsOf('{"event_id":"a/b"}')).toEqual(['metric', 'event_id']);
});

test('only the reports that the source names end memberships, for any channel with a star', () => {
  const ends = (object_type: string, metric: string): unknown => reportOf({ event_id: 'e', object_type, metric, data: {} }).report?.endsMemberships;
  expect([ends('customer', 'deleted'), ends('email', 'unsubscribed'), ends('sms', 'unsubscribed'), ends('email', 'sent')]).toEqual([true, true, undefined, undefined]);
});

test('a quarantined report holds no contact, and is the same event for the same person once it is corrected', () => {
  const body = { metric: 'sent', object_type: 'sms', timestamp: 1_764_000_000, data: { identifiers: { email: 'ada@example.com' }, recipient: '15551234567', campaign_id: 7, content: 'Hi Ada' } };
  const kept = { ...keepReport(JSON.stringify(body), context), receivedAt: NOW, reason: 'invalid' as const, problems: [] };
  expect(kept.body).not.toMatch(/ada@|5551234567|Hi Ada/);
  const replayed = eventFromKept(kept, { source: { people: 'shop', reports: context.policy }, hasAudience: () => true, identify: context.identify }, (given) => ({ body: { ...given, event_id: 'e_9' } }));
  expect(replayed).toEqual({ event: reportOf({ ...body, event_id: 'e_9' }) });
});

describe('a report with more than can be kept', () => {
  const ids = { identifiers: { id: 'c_1', email: 'ada@example.com' }, campaign_id: 7, delivery_id: 'd' };
  test('is an event without what is too long, which Temporal would refuse for ever', () => {
    const event = reportOf({ event_id: 'e_1', metric: 'sent', data: { ...ids, html: '<p>'.repeat(200_000), subject: 'Hello' } });
    expect(event.context).toEqual({ campaign_id: '7', delivery_id: 'd', subject: 'Hello' });
    const many = reportOf({ event_id: 'e_1', metric: 'sent', data: { ...ids, ...Object.fromEntries(Array.from({ length: 40_000 }, (_, index) => [`a_field_${'x'.repeat(20)}_${String(index)}`, index])) } });
    expect(JSON.stringify(many.context).length).toBeLessThan(520 * 1024);
    expect(many.context).toMatchObject({ campaign_id: '7', delivery_id: 'd' });
    expect(Object.keys(many.context).length).toBeGreaterThan(5_000);
  });
  test('is an event without what is nested too deep to be written', () => {
    const deep = `{"event_id":"e_1","metric":"sent","data":{"campaign_id":7,"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
    expect(reportOf(deep).context).toEqual({ campaign_id: '7' });
    expect(JSON.parse(keepReport(deep, context).body)).toEqual({ event_id: 'e_1', metric: 'sent', data: { campaign_id: 7 } });
  });
  test('is no more in quarantine either, and no contact is cut there', () => {
    const long = `{"broken: ${'ada@example.com +1234567890 '.repeat(40_000)}`;
    const { body } = keepReport(long, context);
    expect(body.length).toBeLessThan(520 * 1024);
    expect(body).not.toMatch(/ada@|1234567/);
    const whole = keepReport(JSON.stringify({ data: { ...ids, html: '<p>'.repeat(200_000), subject: 'Hello' } }), context);
    expect(JSON.parse(whole.body)).toEqual({ data: { campaign_id: 7, delivery_id: 'd', subject: 'Hello' } });
  });
});
