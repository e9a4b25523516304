/** Properties of the decision rule. When one fails, fast-check prints the seed and the smallest counter-example. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, mergeMemberships, type Change, type Membership } from '../../src/domain/membership.ts';
import { holds } from '../support/property.ts';

const RECEIVED_AT = 10;
/** Some windows are over on arrival at 10, some end later, some never end. */
const windows = fc.constantFrom(null, 3, 8, 100);

const change: fc.Arbitrary<Extract<Change, { kind: 'add' | 'remove' }>> = fc
  // Few times and ids, so that ties are common; upper and lower case, because dictionaries sort them otherwise.
  .record({ removal: fc.boolean(), eventId: fc.stringMatching(/^[aAbBz09~]{1,2}$/), occurredAt: fc.integer({ min: 0, max: 4 }), windowMs: windows })
  .map(({ removal, eventId, occurredAt, windowMs }) =>
    removal
      ? { kind: 'remove', eventId, occurredAt, reason: 'removed', arm: 'treatment' }
      : { kind: 'add', eventId, occurredAt, receivedAt: RECEIVED_AT, windowMs, arm: 'treatment' },
  );

const changes = fc.uniqueArray(change, { selector: ({ eventId }) => eventId, minLength: 1, maxLength: 8 });
const anyOrder = <T>(items: readonly T[]): fc.Arbitrary<T[]> => fc.shuffledSubarray([...items], { minLength: items.length });
/** A set of changes, and the same set in some order with some of it repeated. */
const arrivals = changes.chain((set) =>
  fc.array(fc.constantFrom(...set), { maxLength: 6 }).chain((repeated) => fc.record({ set: fc.constant(set), arrived: anyOrder([...set, ...repeated]) })),
);

const apply = (arrived: readonly Change[], from?: Membership): Membership | undefined =>
  arrived.reduce<Membership | undefined>((current, one) => decide(current, one)?.membership ?? current, from);

/** The oracle: the maximum over the set, by a rule written down here once more. */
function newestOf(set: readonly Extract<Change, { kind: 'add' | 'remove' }>[]): { state: 'in' | 'out'; eventId: string } {
  const latest = Math.max(...set.map(({ occurredAt }) => occurredAt));
  const tied = set.filter(({ occurredAt }) => occurredAt === latest);
  const removals = tied.filter(({ kind }) => kind === 'remove');
  const [winner] = (removals.length > 0 ? removals : tied).toSorted((a, b) => (a.eventId < b.eventId ? 1 : -1));
  if (!winner) throw new Error('an empty set decides nothing');
  const over = winner.kind === 'add' && winner.windowMs !== null && winner.occurredAt + winner.windowMs <= RECEIVED_AT;
  return { state: winner.kind === 'add' && !over ? 'in' : 'out', eventId: winner.eventId };
}

test('any order and repetition of adds and removals ends in the newest decision', async () => {
  await holds(fc.property(arrivals, ({ set, arrived }) => {
    expect(apply(arrived)).toMatchObject(newestOf(set));
  }));
});

test('the revision counts exactly the changes of the row', async () => {
  await holds(fc.property(arrivals, ({ arrived }) => {
    let current: Membership | undefined;
    let changed = 0;
    for (const one of arrived) {
      const decided = decide(current, one);
      if (decided?.changed) changed++;
      current = decided?.membership;
      expect(current?.revision).toBe(changed);
    }
  }));
});

test('timers that fire at any moment, early, late or twice, never change which event decides', async () => {
  const LONG_AFTER = 1_000;
  const withTimers = arrivals.chain(({ set, arrived }) =>
    fc
      .array(fc.record({ at: fc.nat({ max: 200 }), of: fc.constantFrom(...set), position: fc.nat({ max: arrived.length }) }), { maxLength: 6 })
      .map((timers) => {
        const all: Change[] = [...arrived];
        for (const { at, of, position } of timers) all.splice(position, 0, { kind: 'expire', eventId: of.eventId, at });
        return { set, all };
      }),
  );
  await holds(fc.property(withTimers, ({ set, all }) => {
    const final = apply([...all, ...set.map(({ eventId }): Change => ({ kind: 'expire', eventId, at: LONG_AFTER }))]);
    const { state, eventId } = newestOf(set);
    const winner = set.find((one) => one.eventId === eventId);
    const keeps = state === 'in' && winner?.kind === 'add' && winner.windowMs === null;
    expect(final).toMatchObject({ eventId, state: keeps ? 'in' : 'out' });
  }));
});

test('two persons who turn out to be one end where one person would have ended', async () => {
  const split = arrivals.chain(({ set, arrived }) => fc.record({ set: fc.constant(set), parts: fc.constant(arrived).map((all) => [all.filter((_, i) => i % 2 === 0), all.filter((_, i) => i % 2 === 1)] as const) }));
  await holds(fc.property(split, ({ set, parts: [left, right] }) => {
    const [a, b] = [apply(left), apply(right)];
    const merged = a && b ? mergeMemberships(a, b) : (a ?? b);
    expect(merged).toMatchObject(newestOf(set));
  }));
});
