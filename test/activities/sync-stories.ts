/** Random stories of a sync: what is decided, what becomes of each call, which processes stop where, and what happens in between. */
import fc from 'fast-check';
import { FATES, type Fate, type PlatformStyle, type Verdict } from './model-platform.ts';
import type { Plan, Point } from './worker-process.ts';

/** One event; numbers are names. Customers from 4 on only leave in a crowd. */
export interface Happening {
  leaves: boolean;
  audience: number;
  customer: number;
  /** Somebody known by their e-mail only. */
  isLead: boolean;
  /** 0 and 1 are the customer's own, 2 is one that several customers use. */
  email: number | undefined;
  phone: boolean;
  isDenied: boolean;
  /** How long ago it happened, in milliseconds. */
  agoMs: number;
}

/** Numbers pick among what there is; of processes, calls and requests 0 is the newest. */
export type Step =
  | { do: 'decide'; happenings: Happening[] }
  | { do: 'push'; target: number; plan: Plan; now: boolean }
  | { do: 'ask'; target: number; plan: Plan }
  /** A stopped process goes on, hearing (or not) that Temporal has given its work to another one; or dies. */
  | { do: 'go on'; which: number; plan: Plan; cancelled: boolean }
  | { do: 'kill'; which: number }
  | { do: 'pass'; ms: number }
  /** Ends the windows that are over. */
  | { do: 'sweep' }
  /** A call that was given up arrives. */
  | { do: 'arrive'; which: number }
  | { do: 'decide a request'; which: number }
  | { do: 'at once'; steps: Step[] };

export interface Story {
  style: PlatformStyle;
  /** Of requests that are decided later, in turn; then all are decided. */
  verdicts: Verdict[];
  steps: Step[];
}

const weighted = <T>(weights: readonly (readonly [weight: number, value: T])[]): fc.Arbitrary<T> =>
  fc.oneof(...weights.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

const fate: fc.Arbitrary<Fate> = weighted<Fate>([[8, 'applies'], [3, 'refuses the call'], [3, 'applies silently'], [3, 'applies late'], ...FATES.map((one) => [1, one] as const)]);

const STEPS_OF_PUSH = ['loadPending', 'takeCall', 'startPush', 'finishPush', 'notePushUnanswered', 'abandonPush', 'rejectMembers', 'hasPending'];
const STEPS_OF_ASK = ['findDueRequests', 'settleRequest', 'postponeCheck'];
const around = (steps: readonly string[]): Point[] => steps.flatMap((step): Point[] => [`before ${step}`, `after ${step}`]);
/** Where it matters most to sleep. */
const TELLING_POINTS: Point[] = ['before startPush', 'after startPush', 'sending', 'answered', 'before finishPush'];

const plan = (points: readonly Point[], losses: readonly string[]): fc.Arbitrary<Plan> =>
  fc.record({
    fates: fc.array(fate, { maxLength: 3 }),
    stop: fc.option(fc.record({ at: fc.constantFrom(...points), time: weighted([[5, 0], [1, 1]]) }), { nil: undefined, freq: 2 }),
    loses: fc.option(fc.constantFrom(...around(losses)), { nil: undefined, freq: 1 }).chain((lost) => fc.constantFrom(lost, undefined, undefined, undefined)),
  });
const planOfPush = plan([...TELLING_POINTS, ...TELLING_POINTS, ...TELLING_POINTS, ...around(STEPS_OF_PUSH)], STEPS_OF_PUSH);
const planOfAsk = plan(['asked', 'asked', 'before settleRequest', ...around(STEPS_OF_ASK)], STEPS_OF_ASK);

const happening: fc.Arbitrary<Happening> = fc.record({
  leaves: weighted([[3, false], [2, true]]),
  audience: weighted([[3, 0], [2, 1]]),
  customer: fc.nat({ max: 3 }),
  isLead: weighted([[7, false], [1, true]]),
  email: weighted([[4, 0], [1, 1], [2, 2], [1, undefined]]),
  phone: weighted([[2, false], [1, true]]),
  isDenied: weighted([[15, false], [1, true]]),
  agoMs: weighted([[5, 0], [1, 5_000], [1, 60_000]]),
});

const which = fc.nat({ max: 5 });
const target = weighted([[3, 0], [2, 1]]);
const WELL: Plan = { fates: [] };

/** Something that makes what a call carries wrong while it is under way. */
interface Change {
  audience: number;
  before: Happening[];
  first: Happening;
  second: Happening;
}

/**
 * - `changes`: the person is decided on anew, by this e-mail or another
 * - `shares`: someone leaves who has a phone in common with one who stays, and comes back: a removal of the one takes the other out as well
 * - `is merged`: somebody known by their e-mail only turns out to be a customer who is known already
 * - `loses`: the e-mail is another customer's now, who leaves
 */
const change: fc.Arbitrary<Change> = fc
  .record({ one: happening, audience: target, email: fc.constantFrom(0, 1, 2), kind: weighted<'changes' | 'shares' | 'is merged' | 'loses'>([[4, 'changes'], [2, 'shares'], [1, 'is merged'], [1, 'loses']]) })
  .map(({ one: given, audience, email, kind }): Change => {
    const one = { ...given, audience, isDenied: false };
    const [customer, other] = [one.customer % 3, (one.customer + 1) % 3];
    switch (kind) {
      case 'changes':
        return { audience, before: [], first: one, second: { ...one, leaves: !one.leaves, email, agoMs: 0 } };
      case 'shares': {
        const shared: Happening = { ...one, customer, leaves: false, isLead: false, email: 0, phone: true, agoMs: 0 };
        return { audience, before: [shared, { ...shared, customer: other }], first: { ...shared, leaves: true }, second: shared };
      }
      case 'is merged': {
        const known: Happening = { ...one, customer, isLead: false, email: undefined };
        return { audience, before: [known], first: { ...known, isLead: true, email: 0, agoMs: 0 }, second: { ...known, leaves: !one.leaves, email: 0, agoMs: 0 } };
      }
      case 'loses': {
        const entered: Happening = { ...one, customer, leaves: false, isLead: false, email: 2 };
        return { audience, before: [], first: entered, second: { ...entered, customer: other, leaves: true, agoMs: 0 } };
      }
    }
  });

/** What a change begins with: those before it are pushed. */
const beginning = ({ audience, before, first }: Change): Step[] => [
  ...(before.length === 0 ? [] : [{ do: 'decide' as const, happenings: before }, { do: 'push' as const, target: audience, plan: WELL, now: true }]),
  { do: 'decide', happenings: [first] },
];

/** A process sleeps in its call, or just before or after it, while something changes, and is pushed by another process. */
const sleeper: fc.Arbitrary<Step[]> = fc
  .record({
    change,
    plan: fc.record({ fates: fc.array(fate, { maxLength: 1 }), stop: fc.record({ at: fc.constantFrom(...TELLING_POINTS), time: fc.constant(0) }) }),
    sleepsMs: fc.constantFrom(0, 6_000, 20_000, 20_000),
    isReplaced: fc.boolean(),
    end: weighted<'go on' | 'cancelled' | 'kill'>([[3, 'go on'], [1, 'cancelled'], [1, 'kill']]),
  })
  .map(({ change: one, plan: slept, sleepsMs, isReplaced, end }): Step[] => [
    ...beginning(one),
    { do: 'push', target: one.audience, plan: slept, now: true },
    { do: 'pass', ms: sleepsMs },
    { do: 'decide', happenings: [one.second] },
    ...(isReplaced ? [{ do: 'push' as const, target: one.audience, plan: WELL, now: true }] : []),
    end === 'kill' ? { do: 'kill', which: 0 } : { do: 'go on', which: 0, plan: WELL, cancelled: end === 'cancelled' },
  ]);

/** A call that was given up arrives after something has changed and was pushed. */
const lateCall: fc.Arbitrary<Step[]> = fc.record({ change, arrives: fc.boolean() }).map(({ change: one, arrives }): Step[] => [
  ...beginning(one),
  { do: 'push', target: one.audience, plan: { fates: ['applies late'] }, now: true },
  { do: 'decide', happenings: [one.second] },
  { do: 'push', target: one.audience, plan: WELL, now: true },
  arrives ? { do: 'arrive', which: 0 } : { do: 'pass', ms: 6_000 },
]);

/** Two requests are under way, one from before a change and one from after it, and decided one after the other, the newer one first. */
const twoRequests: fc.Arbitrary<Step[]> = fc.record({ change, isAskedBetween: fc.boolean() }).map(({ change: one, isAskedBetween }): Step[] => [
  ...beginning(one),
  { do: 'push', target: one.audience, plan: WELL, now: true },
  { do: 'decide', happenings: [one.second] },
  { do: 'push', target: one.audience, plan: WELL, now: true },
  { do: 'decide a request', which: 0 },
  ...(isAskedBetween ? [{ do: 'pass' as const, ms: 60_000 }, { do: 'ask' as const, target: one.audience, plan: WELL }] : []),
  { do: 'decide a request', which: 0 },
]);

/** Customer 3, whom the platform does not take, is in a call with others. */
const wrongRow: fc.Arbitrary<Step[]> = fc
  .record({ others: fc.array(happening, { minLength: 1, maxLength: 2 }), audience: target, fate: fc.constantFrom<Fate>('applies', 'refuses the call', 'sends nothing', 'rejects one') })
  .map(({ others, audience, fate: one }): Step[] => [
    { do: 'decide', happenings: [{ ...others[0]!, customer: 3, isLead: false, email: 0 }, ...others].map((happens): Happening => ({ ...happens, leaves: false, audience, isDenied: false, agoMs: 0 })) },
    { do: 'push', target: audience, plan: { fates: [one, one] }, now: true },
  ]);

/** More people leave than go into four calls of one each, and one enters. */
const crowd: fc.Arbitrary<Step[]> = fc.record({ enters: happening, audience: target, plan: planOfPush }).map(({ enters, audience, plan: made }): Step[] => {
  const leaving = [4, 5, 6, 7, 8, 9].map((customer): Happening => ({ leaves: true, audience, customer, isLead: false, email: 0, phone: false, isDenied: false, agoMs: 0 }));
  return [
    { do: 'decide', happenings: [...leaving, { ...enters, leaves: false, audience }] },
    { do: 'push', target: audience, plan: made, now: true },
  ];
});

const step = (decidesLater: boolean): fc.Arbitrary<Step> => {
  const simple: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('decide' as const), happenings: fc.array(happening, { minLength: 1, maxLength: 3 }) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('push' as const), target, plan: planOfPush, now: weighted([[2, false], [1, true]]) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('go on' as const), which, plan: planOfPush, cancelled: weighted([[3, false], [1, true]]) }) },
    { weight: decidesLater ? 4 : 0, arbitrary: fc.record({ do: fc.constant('ask' as const), target, plan: planOfAsk }) },
  );
  return fc.oneof(
    { weight: 20, arbitrary: simple },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), which }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1_000, 6_000, 20_000, 20_000, 15 * 60_000, 90 * 60_000, 6 * 60 * 60_000) }) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'sweep' }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('arrive' as const), which }) },
    { weight: decidesLater ? 5 : 0, arbitrary: fc.record({ do: fc.constant('decide a request' as const), which }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('at once' as const), steps: fc.array(simple, { minLength: 2, maxLength: 3 }) }) },
  );
};

/** One step, or several in an order that chance alone seldom finds. */
const steps = (decidesLater: boolean): fc.Arbitrary<Step[]> =>
  fc.oneof(
    { weight: 20, arbitrary: step(decidesLater).map((one) => [one]) },
    { weight: 3, arbitrary: sleeper },
    { weight: 1, arbitrary: lateCall },
    { weight: decidesLater ? 4 : 0, arbitrary: twoRequests },
    { weight: 2, arbitrary: wrongRow },
    { weight: 1, arbitrary: crowd },
  );

/** Mostly few: what is pushed again for another reason hides what went wrong before. */
const told = (decidesLater: boolean, most: number): fc.Arbitrary<Step[][]> => fc.array(steps(decidesLater), { minLength: 1, maxLength: most, size: 'max' });

const verdict: fc.Arbitrary<Verdict> = fc.record({ what: weighted<Verdict['what']>([[5, 'decides'], [1, 'fails'], [1, 'never']]), withinMs: fc.constantFrom(1_000, 5 * 60_000, 40 * 60_000) });

/** @param decidesLater whether the platform takes requests in and decides them later */
export const stories = ({ decidesLater }: { decidesLater: boolean }): fc.Arbitrary<Story> =>
  fc.record({
    style: fc.record({
      decidesLater: fc.constant(decidesLater),
      membersPerCall: weighted([[2, 3], [1, 1]]),
      paceMs: weighted([[3, 0], [1, 1_000]]),
      callsPerMinute: weighted<number | undefined>([[3, undefined], [1, 600]]),
    }),
    verdicts: fc.array(verdict, { maxLength: 8, size: 'max' }),
    steps: fc
      .oneof({ weight: 4, arbitrary: told(decidesLater, 5) }, { weight: 1, arbitrary: told(decidesLater, 20) })
      .map((all) => all.flat()),
  });
