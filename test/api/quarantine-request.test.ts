/** What may be asked of the quarantine, and how a wrong request is answered. */
import { describe, expect, test } from 'vitest';
import { BadRequest, readListQuery, readManyDiscards, readManyReplays, readOneDiscard, readOneReplay, setFields } from '../../src/api/quarantine-request.ts';
import type { JsonObject } from '../../src/domain/event.ts';

const why = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof BadRequest) return error.message;
    throw error;
  }
  return 'nothing is wrong';
};

describe('which entries', () => {
  test('a list shows what waits, fifty at a time, unless it is asked for more', () => {
    expect(readListQuery({})).toMatchObject({ state: 'open', limit: 50, before: undefined });
    expect(readListQuery({ state: 'all', limit: '7', before: '12', reason: 'conflict', since: '2026-11-25T10:00:00+01:00', event: 'cio.audience_add', audience: 'cart_v1', problem: 'not an audience' })).toMatchObject({
      state: 'all',
      limit: 7,
      before: 12,
      filter: { reason: 'conflict', since: new Date('2026-11-25T09:00:00Z'), eventName: 'cio.audience_add', audienceKey: 'cart_v1', problem: 'not an audience' },
    });
  });
  test.each([
    [{ raeson: 'invalid' }, /raeson/],
    [{ reason: 'other' }, /reason must be invalid or conflict/],
    [{ since: 'yesterday' }, /since must be a time such as/],
    [{ limit: '0' }, /limit/],
    [{ limit: 'all' }, /limit must be a whole number/],
    [{ source: ['a', 'b'] }, /source/],
  ])('%j is refused, instead of showing more than was meant', (query, words) => {
    expect(why(() => readListQuery(query))).toMatch(words);
  });
  test('in bulk something must be named, or everything meant', () => {
    expect(why(() => readManyReplays({}))).toMatch(/filter is missing.*"all": true/);
    expect(why(() => readManyReplays({ filter: {} }))).toMatch(/filter is missing/);
    expect(why(() => readManyReplays({ all: false }))).toMatch(/all can only be true/);
    expect(why(() => readManyReplays({ filter: { audiance: 'x_v1' } }))).toMatch(/audiance/);
    expect(readManyReplays({ all: true })).toMatchObject({ after: 0, limit: 500, dryRun: false });
    expect(readManyReplays({ filter: { source: 'shop' }, after: 9, limit: 20, dry_run: true })).toMatchObject({ filter: { source: 'shop' }, after: 9, limit: 20, dryRun: true });
    expect(why(() => readManyReplays({ all: true, limit: 501 }))).toMatch(/limit/);
  });
});

describe('what is corrected', () => {
  test('a body or some fields, not both', () => {
    expect(why(() => readOneReplay({ body: {}, set: {} }))).toMatch(/set and body exclude each other/);
    expect(why(() => readOneReplay({ body: [] }))).toMatch(/body must be a JSON object/);
    expect(readOneReplay({})).toMatchObject({ correct: undefined, dryRun: false });
  });
  test('a field that no webhook has is a typing mistake', () => {
    expect(why(() => readOneReplay({ set: { audience: 'cart_v1' } }))).toMatch(/set\.audience is no field of a webhook; there are .*audience_key/);
    expect(why(() => readOneReplay({ set: { 'constructor.name': 'x' } }))).toMatch(/is no field/);
  });
  test.each(['event_id', 'customer_id', 'cio_id', 'email', 'phone'])('%s cannot be made the same for several', (field) => {
    expect(why(() => readManyReplays({ all: true, set: { [field]: 'x' } }))).toMatch(/cannot be the same for several/);
    expect(why(() => readManyReplays({ all: true, set: { [field]: null } }))).toBe('nothing is wrong');
    expect(why(() => readOneReplay({ set: { [field]: 'x' } }))).toBe('nothing is wrong');
  });
});

describe('why', () => {
  test('a discard needs a reason; e-mail addresses in it are hashed', () => {
    expect(why(() => readOneDiscard({}))).toMatch(/reason/);
    expect(why(() => readManyDiscards({ all: true, reason: ' ' }))).toMatch(/reason is missing: say why/);
    const { by, because } = readOneDiscard({ by: 'ada@example.com', reason: 'bob@example.com asked for it' });
    expect(`${by} ${because}`).toMatch(/^sha256:[0-9a-f]{64} sha256:[0-9a-f]{64} asked for it$/);
  });
});

describe('setting fields', () => {
  const set = (changes: JsonObject, kept: JsonObject = { event_id: 'e', context: { a: 1 }, profile: '…' }) => setFields(changes)(kept);
  test('replaces, adds and takes out, also inside of objects', () => {
    expect(set({ audience_key: 'x_v1', event_id: null, 'context.b': 2, 'context.a': '', 'consent.ad_user_data': 'denied' })).toEqual({
      body: { audience_key: 'x_v1', context: { b: 2 }, profile: '…', consent: { ad_user_data: 'denied' } },
    });
  });
  test('does not touch what it was given', () => {
    const kept = { context: { a: 1 } };
    set({ 'context.a': 2 }, kept);
    expect(kept).toEqual({ context: { a: 1 } });
  });
  test('not inside of what was replaced by a mark', () => {
    expect(set({ 'profile.country': 'US' })).toEqual({ problems: [{ path: 'profile.country', message: expect.stringContaining('no object') as string }] });
  });
  test('names that objects have anyway are names like others', () => {
    expect(set({ 'context.__proto__': 'x' }, {})).toEqual({ body: { context: JSON.parse('{"__proto__":"x"}') as object } });
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});
