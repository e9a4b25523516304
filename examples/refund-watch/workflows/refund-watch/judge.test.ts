/** The rule, by example and on thousands of made-up customers whose workflows run at once, in any order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judge, type Rules, type Seen } from './judge.ts';
import { taskSuffix } from './task-suffix.ts';

const DAY = 86_400_000;
const RULES: Rules = { refunds: 3, within: 60 * DAY, quiet: 30 * DAY };
const START = Date.UTC(2026, 0, 1);

const at = (day: number): number => START + day * DAY;
const refundsAt = (...days: number[]): Seen[] => days.map((day) => ({ eventId: `r${String(day)}`, occurredAt: at(day) }));

function verdictOn(day: number, known: { refunds: number[]; clearedAt?: number; taskAt?: number; now?: number }): string {
  const verdict = judge({ eventId: `r${String(day)}`, occurredAt: at(day) }, { refunds: refundsAt(...known.refunds), clearedAt: known.clearedAt === undefined ? null : at(known.clearedAt), taskAt: known.taskAt === undefined ? null : at(known.taskAt) }, RULES, at(known.now ?? Math.max(...known.refunds)));
  return verdict.opens ? `opens with ${String(verdict.refunds.length)}` : verdict.because;
}

test.each([
  ['the third within the window', 59, { refunds: [0, 30, 59] }, 'opens with 3'],
  ['the window is over to the day', 60, { refunds: [0, 30, 60] }, 'few'],
  ['the one that comes late is the first of three', 0, { refunds: [0, 30, 59], now: 61 }, 'opens with 3'],
  ['the one that comes late is in the middle', 30, { refunds: [0, 30, 59], now: 61 }, 'opens with 3'],
  ['quiet after a task', 20, { refunds: [0, 1, 2, 20], taskAt: 2 }, 'quiet'],
  ['a late one from before the task', 1, { refunds: [0, 1, 2, 3], taskAt: 3 }, 'quiet'],
  ['the quiet is over, and it goes on', 33, { refunds: [0, 1, 2, 33], taskAt: 2 }, 'opens with 4'],
  ['settled: the count begins anew', 12, { refunds: [0, 1, 11, 12], clearedAt: 10 }, 'few'],
  ['settled: so does the quiet', 13, { refunds: [0, 1, 2, 11, 12, 13], taskAt: 2, clearedAt: 10 }, 'opens with 3'],
  ['a late one from before the settlement', 9, { refunds: [8, 9, 11, 12], clearedAt: 10 }, 'cleared'],
  ['three that are history, and three that are not', -20, { refunds: [-61, -20, -19, 0], now: 41 }, 'opens with 3'],
  ['a history that is imported', 2, { refunds: [0, 1, 2], now: 200 }, 'past'],
] as const)('%s', (_what, day, known, expected) => {
  expect(verdictOn(day, { ...known, refunds: [...known.refunds] })).toBe(expected);
});

interface Task {
  id: string;
  at: number;
  refund: Seen;
}

/** The ledger, and two ways to know the customer: by e-mail alone (`lead`) until somebody links that to their id (`shopper`). */
class World {
  readonly refunds: (Seen & { person: string })[] = [];
  readonly tasks: (Task & { person: string })[] = [];
  clearedAt: number | null = null;
  merged = false;
  now = START;

  /** Who that is today. */
  person = (person: string): string => (this.merged ? 'shopper' : person);

  /** They, and who was merged into them. */
  persons = (person: string): string[] => (this.merged ? ['shopper', 'lead'] : [person]);

  know(person: string): { refunds: Seen[]; clearedAt: number | null; tasks: Task[] } {
    const own = <T extends { person: string }>(rows: readonly T[]): T[] => rows.filter((row) => this.person(row.person) === this.person(person));
    return { refunds: own(this.refunds), clearedAt: this.clearedAt, tasks: own(this.tasks) };
  }
}

/** A workflow, as workflow.ts has it: each `yield` is a moment in which others may go on. */
function* watch(world: World, refund: Seen, person: string): Generator<void, void> {
  for (const look of ['first', 'second'] as const) {
    const { refunds, clearedAt, tasks } = world.know(person);
    const last = tasks.at(-1);
    if (!judge(refund, { refunds, clearedAt, taskAt: last?.at ?? null }, RULES, world.now).opens) return;
    yield;
    if (look === 'first') continue;
    const id = `${world.person(person)}~${taskSuffix(last?.id)}`;
    // One that was opened before they were merged has the id of whoever they were then.
    const known = world.persons(person).map((one) => `${one}~${taskSuffix(last?.id)}`);
    if (!world.tasks.some((task) => known.includes(task.id))) world.tasks.push({ id, at: world.now, refund, person });
  }
}

type Happening = { kind: 'refund'; daysAgo: number; lead: boolean } | { kind: 'again'; which: number } | { kind: 'cleared' } | { kind: 'merge' } | { kind: 'go on'; which: number } | { kind: 'wait'; days: number };

/** Plays what happens, then lets every workflow that is under way end, in the order in which they are `drawn`. */
function play(happenings: readonly Happening[], drawn: readonly number[]): World {
  const world = new World();
  const seen = new Map<string, string>();
  let running: Generator<void, void>[] = [];
  const goOn = (which: number): void => {
    const one = running[which % Math.max(1, running.length)];
    if (one?.next().done) running = running.filter((other) => other !== one);
  };
  for (const happening of happenings) {
    world.now += 1_000;
    if (happening.kind === 'wait') world.now += happening.days * DAY;
    if (happening.kind === 'merge') world.merged = true;
    if (happening.kind === 'cleared') world.clearedAt = world.now;
    if (happening.kind === 'go on') goOn(happening.which);
    if (happening.kind === 'refund') {
      const refund = { eventId: `r${String(world.refunds.length)}`, occurredAt: world.now - happening.daysAgo * DAY };
      const person = happening.lead && !world.merged ? 'lead' : 'shopper';
      world.refunds.push({ ...refund, person });
      seen.set(refund.eventId, person);
      running.push(watch(world, refund, person));
    }
    // The door starts no second workflow for an event that it knows.
    if (happening.kind === 'again') expect(seen.size).toBe(world.refunds.length);
  }
  for (let index = 0; running.length > 0; index++) goOn(drawn[index % Math.max(1, drawn.length)] ?? 0);
  return world;
}

const which = fc.nat(20);
const refund = fc.record({ kind: fc.constant('refund' as const), daysAgo: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 70 })), lead: fc.boolean() });
const goesOn = fc.record({ kind: fc.constant('go on' as const), which });
const draws = fc.array(which, { minLength: 1, maxLength: 40 });

// What was found stands: other cases are no answer to it.
const FIRST_WORD = { retry: 0 };

test('whatever comes in whatever order: no task too few, none too many', FIRST_WORD, () => {
  const happening: fc.Arbitrary<Happening> = fc.oneof({ weight: 5, arbitrary: refund }, { weight: 5, arbitrary: goesOn }, { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 40 }) }) }, { weight: 1, arbitrary: fc.constant({ kind: 'cleared' as const }) });
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), fc.boolean(), draws, (happenings, mergedAtFirst, drawn) => {
      const world = play([...(mergedAtFirst ? [{ kind: 'merge' as const }] : []), ...happenings, { kind: 'merge' }], drawn);
      for (const person of mergedAtFirst ? ['shopper'] : ['lead', 'shopper']) {
        const tasks = world.tasks.filter((task) => task.person === person);
        for (const [index, { at: time, refund: cause }] of tasks.entries()) {
          const before = tasks[index - 1];
          // Quiet after a task, unless it was settled in between.
          if (before && !(world.clearedAt !== null && world.clearedAt > before.at)) expect(cause.occurredAt).toBeGreaterThanOrEqual(before.at + RULES.quiet);
          expect(time).toBeGreaterThanOrEqual(cause.occurredAt);
        }
      }
      if (!mergedAtFirst) return;
      // Nobody who should have a task is without one.
      const { refunds, clearedAt, tasks } = world.know('shopper');
      for (const one of refunds) expect(judge(one, { refunds, clearedAt, taskAt: tasks.at(-1)?.at ?? null }, RULES, world.now).opens).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test('a burst, shuffled, repeated, of somebody who is merged in the middle of it, opens exactly one task', FIRST_WORD, () => {
  const burst = fc.array(fc.oneof({ weight: 6, arbitrary: refund.map((one) => ({ ...one, daysAgo: one.daysAgo % 25 })) }, { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const), which }) }, { weight: 4, arbitrary: goesOn }), { maxLength: 30 });
  fc.assert(
    fc.property(burst, burst, draws, (before, after, drawn) => {
      // Two persons may each have a task before they turn out to be one: not more than two refunds are the lead's.
      const leads = before.filter((one) => one.kind === 'refund' && one.lead).slice(2);
      const apart = before.map((one) => (leads.includes(one) ? { ...one, lead: false } : one));
      const happenings: Happening[] = [...apart, { kind: 'merge' }, ...after, { kind: 'refund', daysAgo: 0, lead: false }];
      const refunds = happenings.filter(({ kind }) => kind === 'refund').length;
      expect(play(happenings, drawn).tasks).toHaveLength(refunds >= RULES.refunds ? 1 : 0);
    }),
    { numRuns: 2_000 },
  );
});
