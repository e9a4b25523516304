/** What happens to one person or a few, as Customer.io would tell it: the stuff that recorded traffic is made of. Times in milliseconds from the beginning of the traffic. */
import { audienceOf, CART, CROSS_SELL, FLASH, VIP, WINBACK } from './audiences.ts';
import type { Random } from './random.ts';

export type EventName = 'cio.audience_add' | 'cio.audience_remove' | 'cio.exposure';
export type ConsentWord = 'granted' | 'denied';

/** Who a body says that it is about. */
export interface Who {
  customer_id?: string;
  cio_id?: string;
  email?: string;
  phone?: string;
}

/** One event of a story. */
export interface Act {
  /** When Customer.io decided; null leaves the timestamp out. */
  at: number | null;
  /** When it is first sent. */
  send: number;
  event: EventName;
  audience?: string;
  who: Who;
  consent?: { ad_user_data?: ConsentWord; ad_personalization?: ConsentWord };
  /** Events of one story with the same word share an id, which is a conflict unless they are alike. */
  sharedId?: string;
  /** Sent without an id, which Headgate then derives. */
  withoutId?: true;
  expected?: 'invalid' | 'test';
  /** What else the body says, or says instead. */
  extra?: Record<string, unknown>;
  /** The body as it is sent, instead of all the above. */
  raw?: string;
}

export interface Stage {
  random: Random;
  /** How long the traffic lasts. */
  lengthMs: number;
  /** A moment of the traffic: mostly in a burst, sometimes in a quiet time. */
  moment: () => number;
  /** Somebody whom no other story knows. */
  somebody: () => Required<Who>;
  /** The same, with an e-mail that some platforms refuse. */
  outcast: () => Required<Who>;
}

const MINUTE = 60_000;

/** Adds, mostly sent at once, sometimes late, so that they come out of order. */
function act(stage: Stage, at: number, event: EventName, audience: string | undefined, who: Who, more: Partial<Act> = {}): Act {
  const { random, lengthMs } = stage;
  const send = Math.max(0, at) + (random.chance(0.2) ? random.between(0, Math.max(0, lengthMs - at)) : random.between(0, 500));
  return { at, send: Math.min(send, lengthMs), event, ...(audience === undefined ? {} : { audience }), who, ...more };
}

/** So many moments in order. */
const moments = (stage: Stage, count: number): number[] => Array.from({ length: count }, stage.moment).sort((a, b) => a - b);

const byCustomer = ({ customer_id: customer, email }: Required<Who>): Who => ({ customer_id: customer, email });

const STORIES = {
  /** A cart, mostly a purchase that excludes it, sometimes a refund, sometimes another cart after it. */
  cart(stage: Stage): Act[] {
    const who = stage.somebody();
    const [entered = 0, paid = 0, refunded = 0, again = 0] = moments(stage, 4);
    const acts = [act(stage, entered, 'cio.audience_add', CART, who)];
    if (!stage.random.chance(0.5)) return acts;
    acts.push(act(stage, paid, 'cio.audience_add', CROSS_SELL, byCustomer(who)));
    if (!stage.random.chance(0.4)) return acts;
    acts.push(act(stage, refunded, 'cio.audience_remove', CROSS_SELL, byCustomer(who)));
    if (stage.random.chance(0.6)) acts.push(act(stage, again, 'cio.audience_add', stage.random.pick([CART, CROSS_SELL]), who));
    return acts;
  },
  /** Enters again and again. */
  reentry(stage: Stage): Act[] {
    const who = stage.somebody();
    const audience = stage.random.pick([CART, FLASH, WINBACK, VIP]);
    return moments(stage, stage.random.whole(2, 5)).map((at) => act(stage, at, stage.random.chance(0.8) ? 'cio.audience_add' : 'cio.audience_remove', audience, who));
  },
  /** An event so late that its window ends while the traffic runs, or has ended before it comes. */
  ending(stage: Stage): Act[] {
    const { random, lengthMs } = stage;
    const audience = random.pick([CART, FLASH, WINBACK, CROSS_SELL]);
    const ends = random.between(lengthMs * 0.15, lengthMs);
    const at = ends - (audienceOf(audience).windowMs ?? 0);
    const send = random.chance(0.85) ? random.between(0, ends) : random.between(ends, lengthMs);
    const acts = [{ ...act(stage, at, 'cio.audience_add', audience, stage.somebody()), send }];
    // A later add extends the window.
    const [first] = acts;
    if (first && random.chance(0.15)) acts.push({ ...first, at: at + random.between(1, lengthMs * 0.3), send: random.between(0, lengthMs) });
    return acts;
  },
  /** Times that have not come yet: a little ahead is believed, more is taken as now. */
  future(stage: Stage): Act[] {
    const who = stage.somebody();
    const ahead = stage.random.chance(0.5) ? stage.random.between(MINUTE, 3 * MINUTE) : stage.random.between(20 * MINUTE, 2_000 * MINUTE);
    const [first = 0, second = 0] = moments(stage, 2);
    const acts = [{ ...act(stage, first, 'cio.audience_add', CART, who), at: first + ahead, send: first }];
    return stage.random.chance(0.5) ? [...acts, act(stage, second, 'cio.audience_remove', CART, who)] : acts;
  },
  /** No time at all: when it arrives counts. */
  timeless(stage: Stage): Act[] {
    return [{ ...act(stage, stage.moment(), 'cio.audience_add', FLASH, stage.somebody()), at: null }];
  },
  /** A lead by e-mail alone, who buys as a customer, and may leave by customer id alone. */
  lead(stage: Stage): Act[] {
    const { customer_id: customer, email, cio_id: cio } = stage.somebody();
    const [came = 0, bought = 0, left = 0] = moments(stage, 3);
    const acts = [
      act(stage, came, 'cio.audience_add', CART, stage.random.chance(0.5) ? { email } : { email, cio_id: cio }),
      act(stage, bought, 'cio.audience_add', CROSS_SELL, { customer_id: customer, email }),
    ];
    if (stage.random.chance(0.4)) acts.push(act(stage, left, 'cio.audience_remove', CROSS_SELL, { customer_id: customer }));
    return acts;
  },
  /** Two persons of Headgate's who turn out to be one when a third event links them. */
  link(stage: Stage): Act[] {
    const { customer_id: customer, email, cio_id: cio } = stage.somebody();
    const [first = 0, second = 0, third = 0] = moments(stage, 3);
    const pick = (): string => stage.random.pick([CART, FLASH, VIP]);
    return [
      act(stage, first, 'cio.audience_add', pick(), { email }),
      act(stage, second, stage.random.chance(0.7) ? 'cio.audience_add' : 'cio.audience_remove', pick(), { customer_id: customer, cio_id: cio }),
      act(stage, third, 'cio.exposure', CART, { email, cio_id: cio }),
    ];
  },
  /** Consent is denied by whichever event, and may be granted again. */
  consent(stage: Stage): Act[] {
    const who = stage.somebody();
    const [entered = 0, denied = 0, granted = 0] = moments(stage, 3);
    const acts = [
      act(stage, entered, 'cio.audience_add', stage.random.pick([CART, VIP]), who, { consent: { ad_user_data: 'granted', ad_personalization: 'granted' } }),
      act(stage, denied, stage.random.pick(['cio.exposure', 'cio.audience_add'] as const), FLASH, who, { consent: { ad_user_data: 'denied' } }),
    ];
    if (stage.random.chance(0.5)) acts.push(act(stage, granted, 'cio.exposure', undefined, who, { consent: { ad_user_data: 'granted' } }));
    return acts;
  },
  /** Two customers with one e-mail: one may leave while the other stays. */
  sharing(stage: Stage): Act[] {
    const [one, other] = [stage.somebody(), stage.somebody()];
    const audience = stage.random.pick([CART, FLASH]);
    const [first = 0, second = 0, third = 0] = moments(stage, 3);
    const acts = [
      act(stage, first, 'cio.audience_add', audience, { customer_id: one.customer_id, email: one.email }),
      act(stage, second, 'cio.audience_add', audience, { customer_id: other.customer_id, email: one.email }),
    ];
    if (stage.random.chance(0.6)) acts.push(act(stage, third, 'cio.audience_remove', audience, { customer_id: stage.random.pick([one, other]).customer_id }));
    return acts;
  },
  /** Somebody takes another e-mail, and may leave afterwards. */
  moving(stage: Stage): Act[] {
    const { customer_id: customer, email } = stage.somebody();
    const { email: newer } = stage.somebody();
    const [first = 0, second = 0, third = 0] = moments(stage, 3);
    const acts = [
      act(stage, first, 'cio.audience_add', FLASH, { customer_id: customer, email }),
      act(stage, second, stage.random.pick(['cio.audience_add', 'cio.exposure'] as const), FLASH, { customer_id: customer, email: newer }),
    ];
    if (stage.random.chance(0.5)) acts.push(act(stage, third, 'cio.audience_remove', FLASH, { customer_id: customer }));
    return acts;
  },
  /** Nothing that a platform takes but the customer's own id. */
  nameless(stage: Stage): Act[] {
    return [act(stage, stage.moment(), 'cio.audience_add', stage.random.pick([CART, FLASH]), { customer_id: stage.somebody().customer_id })];
  },
  /** Some platforms refuse this person's rows. */
  outcast(stage: Stage): Act[] {
    const who = stage.outcast();
    return [act(stage, stage.moment(), 'cio.audience_add', stage.random.pick([CART, VIP, FLASH]), who)];
  },
  exposure(stage: Stage): Act[] {
    const audience = stage.random.pick([undefined, CART, CROSS_SELL]);
    return [act(stage, stage.moment(), 'cio.exposure', audience, stage.somebody())];
  },
  /** Two decisions at the very same time. */
  tie(stage: Stage): Act[] {
    const who = stage.somebody();
    const at = stage.moment();
    const names = stage.random.pick([['cio.audience_add', 'cio.audience_remove'], ['cio.audience_add', 'cio.audience_add']] as const);
    return names.map((event) => act(stage, at, event, CART, who));
  },
  /** Leaves without having been seen entering: another tool may have put them in. */
  stranger(stage: Stage): Act[] {
    return [act(stage, stage.moment(), 'cio.audience_remove', stage.random.pick([CART, CROSS_SELL, VIP]), stage.somebody())];
  },
  /** An audience without a window. */
  member(stage: Stage): Act[] {
    const who = stage.somebody();
    const [entered = 0, left = 0, back = 0] = moments(stage, 3);
    const acts = [act(stage, entered, 'cio.audience_add', VIP, who)];
    if (stage.random.chance(0.5)) acts.push(act(stage, left, 'cio.audience_remove', VIP, who));
    if (acts.length === 2 && stage.random.chance(0.5)) acts.push(act(stage, back, 'cio.audience_add', VIP, who));
    return acts;
  },
  winback(stage: Stage): Act[] {
    const who = stage.somebody();
    const [entered = 0, paid = 0] = moments(stage, 2);
    const acts = [act(stage, entered, 'cio.audience_add', WINBACK, who)];
    return stage.random.chance(0.3) ? [...acts, act(stage, paid, 'cio.audience_add', CROSS_SELL, who)] : acts;
  },
  /** A template that uses one id for two webhooks. */
  conflict(stage: Stage): Act[] {
    const who = stage.somebody();
    const [first = 0, second = 0] = moments(stage, 2);
    return [act(stage, first, 'cio.audience_add', CART, who, { sharedId: 'both' }), act(stage, second, 'cio.audience_add', FLASH, who, { sharedId: 'both' })];
  },
  derived(stage: Stage): Act[] {
    return [act(stage, stage.moment(), 'cio.audience_add', CART, stage.somebody(), { withoutId: true })];
  },
  invalid(stage: Stage): Act[] {
    const who = stage.somebody();
    const wrong: Partial<Act>[] = [
      { extra: { audience_key: 'no_such_audience_v1' } },
      { extra: { schema_version: 2 } },
      { extra: { timestamp: 'yesterday' } },
      { raw: `{"schema_version": 1, "email": "${who.email}", "phone": "${who.phone}", "note": "by "quotes""}` },
    ];
    return [act(stage, stage.moment(), 'cio.audience_add', CART, who, { expected: 'invalid', ...stage.random.pick(wrong) })];
  },
  /** A preview of Customer.io: checked, and nothing is decided. */
  preview(stage: Stage): Act[] {
    return [act(stage, stage.moment(), 'cio.audience_add', CART, stage.somebody(), { expected: 'test', extra: { event_id: 'unsent' } })];
  },
} as const satisfies Record<string, (stage: Stage) => Act[]>;

export type StoryName = keyof typeof STORIES;

export const tell = (name: StoryName, stage: Stage): Act[] => STORIES[name](stage);

/** How often each is told. */
export const STORY_WEIGHTS: Readonly<Record<StoryName, number>> = {
  cart: 24, reentry: 7, ending: 14, future: 3, timeless: 2, lead: 6, link: 4, consent: 5, sharing: 4, moving: 4, nameless: 2, outcast: 3, exposure: 6,
  tie: 4, stranger: 4, member: 4, winback: 5, conflict: 2, derived: 2, invalid: 3, preview: 1,
};
