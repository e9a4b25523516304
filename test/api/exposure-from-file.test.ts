/** Lines of files as the ledger may take them in. */
import { describe, expect, test } from 'vitest';
import { eventFromReport, rowFromFile } from '../../src/api/exposure-from-file.ts';
import type { JsonObject } from '../../src/domain/event.ts';

const row: JsonObject = { event_id: 'e-1', name: 'cio.exposure', source: 'demo', status: 'applied', occurred_at: '2026-11-01T00:00:00Z', received_at: '2026-11-01 01:00:00+01', context: { step: 1 }, machine: null };
const read = (more: JsonObject = {}, source?: string) => rowFromFile({ ...row, ...more }, { file: 'f.csv', source });
const problems = (more: JsonObject): string[] => {
  const made = read(more);
  return 'problems' in made ? made.problems.map(({ path, message }) => `${path} ${message}`) : [];
};

describe('a row', () => {
  test('is taken as it is, with the file that brought it', () => {
    expect(read({ campaign_id: 7, imported_from: 'elsewhere' })).toEqual({ row: expect.objectContaining({ ...row, received_at: '2026-11-01T00:00:00.000Z', occurred_at: '2026-11-01T00:00:00.000Z', campaign_id: '7', caused_by: null, attributes: {}, imported_from: 'f.csv' }) as unknown });
  });
  test('that an event brought about needs no source, and has the id of its kind', () => {
    expect(read({ event_id: 'e-1/left/a_v1', caused_by: 'e-1', source: null })).toHaveProperty('row.source', null);
    expect(problems({ event_id: 'e-1/left/a_v1' })).toEqual([expect.stringContaining('event_id must be 1 to 200')]);
    expect(problems({ caused_by: 'e-1' })).toEqual([expect.stringContaining('event_id must be <caused_by>/')]);
  });
  test('of an event needs a source, which --source gives', () => {
    expect(problems({ source: null })).toEqual(['source is missing: say it by --source']);
    expect(read({ source: null }, 'shop')).toHaveProperty('row.source', 'shop');
  });
  test('lists every mistake, and repeats no value', () => {
    const found = problems({ event_id: null, occurred_at: '2026-11-01T00:00:00', received_at: 5, status: 'ada@example.com', context: 'ada@example.com', machine: 'yes', 'ada@example.com': 1, name: null });
    expect(found.map((problem) => problem.split(' ')[0])).toEqual(expect.arrayContaining(['occurred_at', 'received_at', 'context', 'machine', 'name', 'event_id', 'status', expect.stringMatching(/^sha256:/)]));
    expect(found.join()).not.toContain('ada@');
  });
  test('keeps no address and no phone, wherever they stand', () => {
    const made = read({ customer_id: 'ada@example.com', campaign_name: 'to ada@example.com', link_url: 'https://x.example/?mail=ada@example.com', context: { note: '+49 151 2345678' }, attributes: { 'ada@example.com': ['ada@example.com'] } });
    expect(made).toHaveProperty('row');
    expect(JSON.stringify(made)).not.toMatch(/ada@|151 234/);
    expect(problems({ event_id: 'ada@example.com' })).toEqual(['event_id must not hold an e-mail address']);
  });
  test('stores nothing that Postgres does not', () => {
    expect(read({ campaign_name: 'a\0b\ud800', context: { 'k\0': '\0' } })).toMatchObject({ row: { campaign_name: 'ab\ufffd', context: { k: '' } } });
  });
});

describe('a report', () => {
  const given = { file: 'f', source: { name: 'shop', people: 'shop' }, receivedAt: 5_000, identify: () => ({ claim: {}, identifiers: {} }) };
  const report = (more: JsonObject = {}): JsonObject => ({ event_id: 'r', metric: 'unsubscribed', timestamp: 4, data: { delivery_id: 'd' }, ...more });
  test('decides nothing, whatever its source ends memberships by, and starts no workflow', () => {
    const made = eventFromReport(report(), given);
    expect(made).toMatchObject({ byDelivery: false, event: { importedFrom: 'f', rowOnly: true, occurredAt: 4_000 } });
    expect(made).not.toHaveProperty('event.report.endsMemberships');
  });
  test('without an id has one by its delivery and metric, the same in every export of the same source', () => {
    const idOf = (more: JsonObject, source = given.source) => {
      const made = eventFromReport(report({ event_id: null, ...more }), { ...given, source });
      return 'event' in made ? made.event.eventId : undefined;
    };
    expect(idOf({})).toMatch(/^delivery-[0-9a-f]{40}$/);
    expect(idOf({ timestamp: 9, metric: 'Unsubscribed' })).toBe(idOf({}));
    expect(new Set([idOf({}), idOf({ metric: 'sent' }), idOf({ data: { delivery_id: 'e' } }), idOf({}, { name: 'other', people: 'shop' })]).size).toBe(4);
    expect(idOf({ data: {} })).toBeUndefined();
  });
  test('without a time is refused: now would be wrong', () => {
    expect(eventFromReport(report({ timestamp: '' }), given)).toMatchObject({ problems: [{ path: 'timestamp' }] });
  });
});
