/** Random stories for property tests: who did what when, and in which order, how often and together with what it arrives. */
import fc from 'fast-check';
import type { Consent, HeadgateEvent } from '../../src/domain/event.ts';
import type { Audience, Policies } from '../../src/domain/registry.ts';
import { makeAudience } from './events.ts';

/** Times of a story are small numbers, so that ties are common. */
const START = 1_764_000_000_000;
export const timeOf = (tick: number): number => START + tick * 1_000;
/** When a story ends: some windows are over by then, some are not. */
const LAST_TICK = 26;
export const END = timeOf(LAST_TICK);

/** An event without the names of a run. */
interface PlannedEvent {
  id: string;
  name: HeadgateEvent['name'];
  audience: number;
  at: number;
  /** Ticks until it arrives. */
  delay: number;
  scope: string;
  customer?: number;
  cio?: number;
  email?: number;
  phone?: number;
  consent?: Consent;
}

/** What happens between arrivals. Numbers pick among what there is. */
export type Action =
  | { do: 'expire'; event: number; at: number }
  /** The sync does all there is to do. */
  | { do: 'sync' }
  | { do: 'read'; target: number }
  | { do: 'call'; push: number; appliedAtOnce: boolean }
  | { do: 'finish'; push: number }
  | { do: 'lose'; push: number };

export interface Story {
  planned: PlannedEvent[];
  /** Indexes into `planned`, each at least once. */
  arrivals: number[];
  /** Sizes of batches, in turn. */
  sizes: number[];
  /** How many batches are applied at the same time, in turn. */
  together: number[];
  /** After each round, in turn. */
  actions: Action[][];
}

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined, freq: 2 });

const happening = {
  // Upper and lower case, because dictionaries sort them otherwise than code units.
  id: fc.stringMatching(/^[aAbBz09~]{1,3}$/),
  name: fc.constantFrom<HeadgateEvent['name'][]>('cio.audience_add', 'cio.audience_add', 'cio.audience_add', 'cio.audience_remove', 'cio.exposure'),
  audience: fc.nat({ max: 3 }),
  at: fc.nat({ max: 8 }),
  delay: fc.constantFrom(0, 10, 20),
  scope: fc.constantFrom('us', 'us', 'us', 'us', 'us', 'eu'),
  phone: optional(fc.nat({ max: 1 })),
  consent: fc.option(fc.constantFrom<Consent[]>({ ad_user_data: 'granted' }, { ad_user_data: 'denied' }), { nil: undefined, freq: 5 }),
};

type Names = Pick<PlannedEvent, 'customer' | 'cio' | 'email'>;
const isSomebody = ({ customer, cio, email }: { [K in keyof Names]: Names[K] | undefined }): boolean => (customer ?? cio ?? email) !== undefined;

/** Each human has one customer id and names that nobody else ever uses; only phones are shared. */
const ownNames = fc
  .record({ human: fc.constantFrom(0, 0, 1), customer: fc.boolean(), cio: fc.boolean(), email: optional(fc.nat({ max: 1 })) })
  .map(({ human, customer, cio, email }) => ({ customer: customer ? human : undefined, cio: cio ? human : undefined, email: email === undefined ? undefined : human * 2 + email }))
  .filter(isSomebody);
/** Several customers use the same e-mails and cio ids. */
const sharedNames = fc.record({ customer: optional(fc.nat({ max: 2 })), cio: fc.option(fc.nat({ max: 1 }), { nil: undefined, freq: 1 }), email: optional(fc.nat({ max: 1 })) }).filter(isSomebody);

const choice = fc.nat({ max: 4 });
const timer = fc.record({ do: fc.constant('expire' as const), event: fc.nat({ max: 20 }), at: fc.nat({ max: LAST_TICK }) });
const call: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sync' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), target: choice }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('call' as const), push: choice, appliedAtOnce: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('finish' as const), push: choice }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), push: choice }) },
);
const action: fc.Arbitrary<Action> = fc.oneof({ weight: 2, arbitrary: timer }, { weight: 13, arbitrary: call });

const events = (what: typeof happening, who: fc.Arbitrary<{ [K in keyof Names]: Names[K] | undefined }>): fc.Arbitrary<PlannedEvent> =>
  fc.tuple(fc.record(what), who).map(([happens, names]) => withoutUndefined({ ...happens, ...names }) as PlannedEvent);
/** Two customers and leads with one e-mail, one phone and one audience without window, at a platform that decides later. */
const crowded = events(
  {
    ...happening,
    name: fc.constantFrom<HeadgateEvent['name'][]>('cio.audience_add', 'cio.audience_add', 'cio.audience_remove', 'cio.exposure'),
    audience: fc.constant(2),
    scope: fc.constantFrom('us', 'us', 'us', 'us', 'us', 'us', 'us', 'eu'),
    phone: fc.option(fc.constant(0), { nil: undefined, freq: 1 }),
    consent: fc.constant(undefined),
  },
  fc.record({ customer: fc.option(fc.nat({ max: 1 }), { nil: undefined, freq: 4 }), cio: fc.constant(undefined), email: fc.option(fc.constant(0), { nil: undefined, freq: 2 }) }).filter(isSomebody),
);

/**
 * `own names`: nobody uses the names of another customer. `shared names`: customers use each other's e-mails and cio ids. `calls under way`: few
 * events, one after the other, and many calls that overlap with them and with each other.
 */
export type Plot = 'own names' | 'shared names' | 'calls under way';

export function stories(plot: Plot): fc.Arbitrary<Story> {
  if (plot === 'calls under way') {
    const oneByOne = fc.uniqueArray(crowded, { selector: ({ id }) => id, minLength: 1, maxLength: 9, size: 'max' }).map((planned) => planned.map((event, at) => ({ ...event, at })));
    return oneByOne.chain((planned) =>
      fc.record({
        planned: fc.constant(planned),
        arrivals: fc.constant([...planned.keys()]),
        sizes: fc.constant([1]),
        together: fc.constant([1]),
        actions: fc.array(fc.array(call, { minLength: 1, maxLength: 5, size: 'max' }), { minLength: planned.length, maxLength: planned.length }),
      }),
    );
  }
  const course = {
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
    together: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
    actions: fc.array(fc.array(action, { maxLength: 6, size: 'max' }), { minLength: 1, maxLength: 4, size: 'max' }),
  };
  return fc.uniqueArray(events(happening, plot === 'own names' ? ownNames : sharedNames), { selector: ({ id }) => id, minLength: 1, maxLength: 20, size: 'max' }).chain((planned) => {
    const indexes = [...planned.keys()];
    return fc
      .tuple(fc.shuffledSubarray(indexes, { minLength: indexes.length }), fc.array(fc.tuple(fc.nat({ max: planned.length }), fc.constantFrom(...indexes)), { maxLength: 4 }))
      .chain(([order, repeated]) => {
        const arrivals = [...order];
        for (const [position, index] of repeated) arrivals.splice(position, 0, index);
        return fc.record({ planned: fc.constant(planned), arrivals: fc.constant(arrivals), ...course });
      });
  });
}

/** The story's batches, grouped into rounds whose batches arrive at the same time. */
export function roundsOf({ arrivals, sizes, together }: Story): number[][][] {
  const batches: number[][] = [];
  for (let from = 0; from < arrivals.length; from += batches.at(-1)?.length ?? 1) batches.push(arrivals.slice(from, from + (sizes[batches.length % sizes.length] ?? 1)));
  const rounds: number[][][] = [];
  for (let from = 0; from < batches.length; from += rounds.at(-1)?.length ?? 1) rounds.push(batches.slice(from, from + (together[rounds.length % together.length] ?? 1)));
  return rounds;
}

/** Everything of one run has the run's name in it, so that runs can share a database. */
export class World {
  readonly run: string;
  readonly audiences: Audience[];
  readonly targets: { destination: string; audienceKey: string }[];

  constructor(run: string) {
    this.run = run;
    const key = (name: string): string => `${run}_${name}_v1`;
    const audience = (name: string, windowTicks: number | null, excludes: string[], holdout: number, destinations: string[]): Audience =>
      makeAudience({
        key: key(name),
        windowMs: windowTicks === null ? null : windowTicks * 1_000,
        excludes: excludes.map(key),
        holdout,
        targets: destinations.map((destination) => ({ destination, audienceKey: key(name), platformAudienceId: name })),
      });
    this.audiences = [
      audience('cart', 20, [], 0, ['meta_main']),
      audience('cross', 200, ['cart'], 0, ['meta_main', 'google_main']),
      audience('always', null, ['cross'], 0, ['google_main']),
      audience('half', null, [], 0.5, ['meta_main']),
    ];
    this.targets = this.audiences.flatMap(({ targets }) => targets.map(({ destination, audienceKey }) => ({ destination, audienceKey })));
  }

  get scopes(): string[] {
    return ['us', 'eu'].map((scope) => `${this.run}-${scope}`);
  }

  event({ id, name, audience, at, delay, scope, customer, cio, email, phone, consent }: PlannedEvent): HeadgateEvent {
    const own = (kind: string, number: number | undefined): string | undefined => (number === undefined ? undefined : `${this.run}-${kind}${String(number)}`);
    const person = withoutUndefined({ customerId: own('c', customer), cioId: own('x', cio), emailHash: own('e', email), phoneHash: own('p', phone) });
    const identifiers = (types: [type: string, value: string | undefined][]) => types.flatMap(([type, value]) => (value === undefined ? [] : [{ type, value }]));
    return {
      eventId: `${this.run}-${id}`,
      source: scope,
      people: `${this.run}-${scope}`,
      name,
      audienceKey: this.audiences[audience]?.key ?? '',
      occurredAt: timeOf(at),
      receivedAt: timeOf(Math.min(at + delay, LAST_TICK)),
      person,
      identifiers: {
        meta: identifiers([['EXTERN_ID', person.customerId], ['EMAIL', person.emailHash], ['PHONE', person.phoneHash]]),
        google: identifiers([['emailAddress', person.emailHash], ['phoneNumber', person.phoneHash]]),
      },
      ...(consent ? { consent } : {}),
      context: {},
      attributes: {},
    };
  }
}

/** Decides by whatever audiences the map holds at the time. */
export const policiesOf = (audiences: Map<string, Audience>): Policies => ({
  audiences,
  destinations: new Map(['meta', 'google'].map((platform) => [`${platform}_main`, { name: `${platform}_main`, platform, mode: 'live', testProfiles: [] }])),
});

const withoutUndefined = <T extends object>(given: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as { [K in keyof T]: NonNullable<T[K]> };
