import { describe, expect, test } from 'vitest';
import { decide, mergeMemberships, outranks, wantedAtPlatforms, type Change, type Membership } from '../../src/domain/membership.ts';
import { DAY } from '../support/events.ts';

const NOON = Date.UTC(2026, 10, 24, 12);
const WEEK = 7 * DAY;

type Add = Extract<Change, { kind: 'add' }>;
type Remove = Extract<Change, { kind: 'remove' }>;

const add = (overrides: Partial<Add> = {}): Add => ({ kind: 'add', eventId: 'add', occurredAt: NOON, receivedAt: NOON, windowMs: WEEK, arm: 'treatment', ...overrides });
const remove = (overrides: Partial<Remove> = {}): Remove => ({ kind: 'remove', eventId: 'remove', occurredAt: NOON, reason: 'removed', arm: 'treatment', ...overrides });

function after(...changes: Change[]): Membership {
  const final = changes.reduce<Membership | undefined>((current, change) => decide(current, change)?.membership, undefined);
  if (!final) throw new Error('nothing was decided');
  return final;
}

describe('the newest decision counts', () => {
  test('a first add brings the person in until the end of the window', () => {
    expect(decide(undefined, add())).toEqual({
      outcome: 'applied',
      changed: true,
      membership: { state: 'in', reason: 'added', occurredAt: NOON, removal: false, eventId: 'add', expiresAt: NOON + WEEK, arm: 'treatment', revision: 1 },
    });
  });

  test('a first removal is recorded too, so that an older add cannot come after it', () => {
    const removed = after(remove());
    expect(removed).toMatchObject({ state: 'out', reason: 'removed', expiresAt: null, revision: 1 });
    expect(decide(removed, add({ occurredAt: NOON - 1 }))).toEqual({ membership: removed, outcome: 'superseded', changed: false });
  });

  test('a purchase that arrives before the cart that it followed still wins', () => {
    expect(after(remove({ occurredAt: NOON + 1 }), add()).state).toBe('out');
  });

  test('coming back after a removal enters again', () => {
    expect(after(remove(), add({ eventId: 'again', occurredAt: NOON + 1 }))).toMatchObject({ state: 'in', eventId: 'again', revision: 2 });
  });

  test('the same event again changes nothing, not even the revision', () => {
    const once = after(add());
    expect(decide(once, add())).toEqual({ membership: once, outcome: 'superseded', changed: false });
  });
});

describe('ties', () => {
  test('a removal outranks an add of the same millisecond, whichever comes first and whatever their ids', () => {
    for (const [addId, removeId] of [['a', 'z'], ['z', 'a']] as const) {
      expect(after(add({ eventId: addId }), remove({ eventId: removeId })).state).toBe('out');
      expect(after(remove({ eventId: removeId }), add({ eventId: addId })).state).toBe('out');
    }
  });

  test('of two adds of the same millisecond the greater event_id decides', () => {
    expect(after(add({ eventId: 'b' }), add({ eventId: 'a' })).eventId).toBe('b');
    expect(after(add({ eventId: 'a' }), add({ eventId: 'b' })).eventId).toBe('b');
  });

  test('event ids compare by code unit as in Postgres, not as in a dictionary', () => {
    const order = { occurredAt: NOON, removal: false };
    expect(outranks({ ...order, eventId: 'a' }, { ...order, eventId: 'Z' })).toBe(true);
    expect(outranks({ ...order, eventId: '10' }, { ...order, eventId: '9' })).toBe(false);
  });

  test('nothing outranks itself', () => {
    const order = { occurredAt: NOON, removal: true, eventId: 'a' };
    expect(outranks(order, order)).toBe(false);
  });
});

describe('windows', () => {
  test('an audience without a window keeps the person', () => {
    expect(after(add({ windowMs: null }))).toMatchObject({ state: 'in', expiresAt: null });
  });

  test('an add whose window is over on arrival is recorded and leaves the person out', () => {
    const decided = decide(undefined, add({ receivedAt: NOON + WEEK }));
    expect(decided).toMatchObject({ outcome: 'expired', changed: true, membership: { state: 'out', reason: 'expired', expiresAt: NOON + WEEK, removal: false } });
  });

  test('one millisecond before its end the window still counts', () => {
    expect(decide(undefined, add({ receivedAt: NOON + WEEK - 1 }))?.outcome).toBe('applied');
  });

  test('an expired arrival is no removal: an add of the same time with a greater id can still win', () => {
    const expired = after(add({ eventId: 'a', receivedAt: NOON + WEEK }));
    expect(decide(expired, add({ eventId: 'b' }))?.outcome).toBe('applied');
  });

  test('a newer add extends the window', () => {
    expect(after(add(), add({ eventId: 'later', occurredAt: NOON + DAY })).expiresAt).toBe(NOON + DAY + WEEK);
  });

  test('an older add that arrives late does not shorten it', () => {
    expect(after(add(), add({ eventId: 'earlier', occurredAt: NOON - DAY })).expiresAt).toBe(NOON + WEEK);
  });
});

describe('expiry', () => {
  const expire = (eventId: string, at: number): Change => ({ kind: 'expire', eventId, at });

  test('ends the window of the event that armed it and keeps that event as the deciding one', () => {
    const decided = decide(after(add()), expire('add', NOON + WEEK));
    expect(decided).toMatchObject({ outcome: 'applied', changed: true, membership: { state: 'out', reason: 'expired', eventId: 'add', occurredAt: NOON, revision: 2 } });
  });

  test('does nothing to a person whom nobody knows', () => {
    expect(decide(undefined, expire('add', NOON))).toBeUndefined();
  });

  test.each<[string, Membership, Change]>([
    ['the timer of a superseded add, after a newer add extended the window', after(add(), add({ eventId: 'later', occurredAt: NOON + DAY })), expire('add', NOON + 9 * DAY)],
    ['a clock that runs ahead', after(add()), expire('add', NOON + WEEK - 1)],
    ['a removal in between', after(add(), remove()), expire('add', NOON + WEEK)],
    ['an audience without a window', after(add({ windowMs: null })), expire('add', NOON + WEEK)],
    ['an expiry that was carried out already', after(add(), expire('add', NOON + WEEK)), expire('add', NOON + WEEK)],
  ])('does not act on %s', (_what, current, change) => {
    expect(decide(current, change)).toEqual({ membership: current, outcome: 'superseded', changed: false });
  });

  test('a late add that is older than the expired one stays out', () => {
    expect(after(add(), expire('add', NOON + WEEK), add({ eventId: 'older', occurredAt: NOON - 1 })).state).toBe('out');
  });

  test('a new add after the expiry enters again', () => {
    expect(after(add(), expire('add', NOON + WEEK), add({ eventId: 'new', occurredAt: NOON + WEEK })).state).toBe('in');
  });
});

describe('holdout', () => {
  test('a held-out person is decided and timed, but not wanted at any platform', () => {
    const decided = decide(undefined, add({ arm: 'holdout' }));
    expect(decided).toMatchObject({ outcome: 'held_out', membership: { state: 'in', expiresAt: NOON + WEEK } });
    expect(wantedAtPlatforms(after(add({ arm: 'holdout' })), undefined)).toBe('out');
    expect(wantedAtPlatforms(after(add()), undefined)).toBe('in');
    expect(wantedAtPlatforms(after(remove()), undefined)).toBe('out');
  });

  test('an expired arrival is called expired also in the holdout', () => {
    expect(decide(undefined, add({ arm: 'holdout', receivedAt: NOON + WEEK }))?.outcome).toBe('expired');
  });
});

test('merging two persons keeps the newest decision, in a revision that neither has used', () => {
  const older = after(remove({ occurredAt: NOON - 2 }), add({ occurredAt: NOON - 1 }), add({ eventId: 'c', occurredAt: NOON }));
  const newer = after(remove({ occurredAt: NOON + 1 }));
  for (const merged of [mergeMemberships(older, newer), mergeMemberships(newer, older)]) {
    expect(merged).toEqual({ ...newer, revision: older.revision + 1 });
  }
});
