/**
 * A made-up shop's September, the same each time: who abandoned carts, bought, came as a lead and turned out to be a customer, and what became of
 * the mails. The ledger decides it all as if it came by webhooks; `truth` says what happened, for answers that are computed without the ledger.
 */
import type { HeadgateEvent, JsonObject } from '../../src/domain/event.ts';
import type { Audience } from '../../src/domain/registry.ts';
import type { Report } from '../../src/domain/report.ts';
import type { Applicable, Ledger } from '../../src/ledger/index.ts';
import { Random } from '../chaos/random.ts';
import type { TestDatabase } from './database.ts';
import { CART, CROSS_SELL, DAY, makeAudience } from './events.ts';
import { isHeldOut } from './oracle.ts';

export const WINBACK = 'winback_30d_v1';
export const SINCE = Date.UTC(2025, 8, 1);
export const UNTIL = Date.UTC(2025, 9, 1);
const HOUR = DAY / 24;
const WINDOW: Readonly<Record<string, number>> = { [CART]: 7 * DAY, [CROSS_SELL]: 14 * DAY, [WINBACK]: 30 * DAY };
/** How likely a cart is bought within ten days. */
const BUYS = { treatment: 0.16, holdout: 0.1 } as const;

const ALL_ADS = { name: 'all_ads', share: 0.02 };
export const SHOP_AUDIENCES: Audience[] = [
  makeAudience({ key: CART, windowMs: WINDOW[CART]!, holdout: 0.2, holdouts: [ALL_ADS] }),
  makeAudience({ key: CROSS_SELL, windowMs: WINDOW[CROSS_SELL]!, holdouts: [ALL_ADS], excludes: [CART] }),
  makeAudience({ key: WINBACK, windowMs: WINDOW[WINBACK]!, holdouts: [ALL_ADS] }),
];

/** From the words of the docs, not from the code. */
export const armIn = (audience: Audience, personId: string): 'treatment' | 'holdout' =>
  isHeldOut(audience, personId) || audience.holdouts.some(({ name, share }) => isHeldOut({ ...audience, key: `holdout:${name}`, holdout: share }, personId)) ? 'holdout' : 'treatment';

interface Stay {
  audience: string;
  /** Who they were when they entered. */
  personId: string;
  from: number;
  until: number;
}

export interface Message {
  campaignId?: string;
  newsletterId?: string;
  variant?: string;
  /** `opened by machine` and so on. */
  metrics: Set<string>;
}

/** Somebody, and what they did. Times in milliseconds. */
export interface Shopper {
  /** The person of today. */
  personId: string;
  /** The lead by e-mail who entered the cart audience, before it was known whose e-mail that is; undefined: they were known. */
  leadId?: string;
  /** Whether lead and customer are known to be one. */
  merged: boolean;
  /** The first cart, and who that was decided for. */
  cartAt: number;
  cartPersonId: string;
  boughtAt?: number;
  stays: Stay[];
  messages: Message[];
}

export interface Shop {
  shoppers: Shopper[];
  items: { at: number; item: Applicable }[];
  persons: { personId: string; customerId: string | null; emailHash: string | null }[];
}

const idOf = (number: number, random: Random): string => `p_${(SINCE - 60 * DAY + number * 1_000).toString(16).padStart(12, '0')}${random.hex(16)}`;

class Making {
  readonly shop: Shop = { shoppers: [], items: [], persons: [] };
  readonly #random: Random;
  #count = 0;
  constructor(seed: string) {
    this.#random = new Random(seed);
  }

  person(customerId: string | null, emailHash: string | null): string {
    const personId = idOf(this.#count++, this.#random);
    this.shop.persons.push({ personId, customerId, emailHash });
    return personId;
  }

  event(id: string, occurredAt: number, given: Partial<HeadgateEvent>, late = this.#random.between(200, 3_000)): void {
    const receivedAt = Math.round(occurredAt + late);
    const event: HeadgateEvent = {
      eventId: id, source: 'shop', people: 'shop', name: 'cio.exposure', occurredAt, receivedAt, person: {}, identifiers: {}, context: {}, attributes: {}, ...given,
    };
    this.shop.items.push({ at: receivedAt, item: { kind: 'event', event } });
    // As Customer.io does when it did not hear the answer.
    if (this.#random.chance(0.02)) this.shop.items.push({ at: receivedAt + 60_000, item: { kind: 'event', event } });
  }

  /** An add with the timer that its workflow sets. */
  add(id: string, audienceKey: string, occurredAt: number, personId: string, given: Partial<HeadgateEvent>, late?: number): void {
    this.event(id, occurredAt, { name: 'cio.audience_add', audienceKey, ...given }, late);
    const end = occurredAt + (WINDOW[audienceKey] ?? 0);
    this.shop.items.push({ at: end + 500, item: { kind: 'expire', personId, audienceKey, eventId: id, at: end + 500 } });
  }

  shopper(number: number): void {
    const random = this.#random;
    const name = `c_${String(number).padStart(5, '0')}`;
    const emailHash = random.hex(64);
    const isLead = random.chance(0.15);
    const known = { customerId: name, ...(isLead ? {} : { emailHash }) };
    const personId = this.person(name, isLead ? null : emailHash);
    const leadId = isLead ? this.person(null, emailHash) : undefined;
    const cartPersonId = leadId ?? personId;
    const person = isLead ? { emailHash } : known;
    const cartAt = Math.round(random.between(SINCE, UNTIL));
    const shopper: Shopper = { personId, cartPersonId, merged: false, cartAt, stays: [], messages: [], ...(leadId === undefined ? {} : { leadId }) };
    this.event(`${name}-visit`, cartAt - 20 * DAY, { person: known, attributes: { event: 'visit' } });
    if (random.chance(0.25)) this.#winback(shopper, name, known);

    const buys = random.chance(BUYS[armIn(SHOP_AUDIENCES[0]!, cartPersonId)]);
    const boughtAt = buys ? Math.round(cartAt + random.between(HOUR, 10 * DAY)) : undefined;
    const again = Math.round(cartAt + random.between(HOUR, 3 * DAY));
    const context = { campaign_id: '7', campaign_name: 'Cart abandoners', step_id: '42', message_variant: random.pick(['A', 'B']) };
    this.add(`${name}-cart`, CART, cartAt, cartPersonId, { person, context });
    let end = cartAt + WINDOW[CART]!;
    if (random.chance(0.3) && again < (boughtAt ?? Infinity)) {
      this.add(`${name}-cart-2`, CART, again, cartPersonId, { person, context });
      end = again + WINDOW[CART]!;
    }
    if (boughtAt !== undefined) {
      // Both names at once: a lead turns out to be the customer. Some of it comes late.
      const late = boughtAt + 3 * HOUR < end && random.chance(0.2) ? random.between(60_000, 2 * HOUR) : undefined;
      const both = { person: { customerId: name, emailHash } };
      this.event(`${name}-bought`, boughtAt, { ...both, attributes: { event: 'purchase', value: random.whole(20, 300) } }, late);
      this.add(`${name}-cross`, CROSS_SELL, boughtAt + 1_000, personId, both, late);
      Object.assign(shopper, { boughtAt, merged: isLead });
      shopper.stays.push({ audience: CROSS_SELL, personId, from: boughtAt + 1_000, until: boughtAt + 1_000 + WINDOW[CROSS_SELL]! });
    }
    shopper.stays.push({ audience: CART, personId: cartPersonId, from: cartAt, until: boughtAt === undefined ? end : Math.min(end, boughtAt + 1_000) });
    if (random.chance(0.6)) this.#message(shopper, `${name}-mail`, cartAt + HOUR, person, { campaignId: '7' });
    if (random.chance(0.4)) this.#message(shopper, `${name}-news`, SINCE + 3 * DAY, known, { newsletterId: '3', variant: random.pick(['31', '32']) });
    this.shop.shoppers.push(shopper);
  }

  #winback(shopper: Shopper, name: string, person: HeadgateEvent['person']): void {
    const from = Math.round(shopper.cartAt - this.#random.between(-5 * DAY, 35 * DAY));
    this.add(`${name}-winback`, WINBACK, from, shopper.personId, { person });
    shopper.stays.push({ audience: WINBACK, personId: shopper.personId, from, until: from + WINDOW[WINBACK]! });
  }

  #message(shopper: Shopper, id: string, sentAt: number, person: HeadgateEvent['person'], of: { campaignId?: string; newsletterId?: string; variant?: string }): void {
    const random = this.#random;
    const metrics = new Set<string>();
    const context: JsonObject = { delivery_id: id, ...(of.campaignId === undefined ? {} : { campaign_id: of.campaignId, step_id: '43' }) };
    const report = (metric: string, at: number, more: Partial<Report> = {}): void => {
      metrics.add(more.machine === undefined ? metric : `${metric} by ${more.machine ? 'machine' : 'person'}`);
      // The variant is not said by every metric.
      const ids = of.newsletterId === undefined ? {} : { newsletterId: of.newsletterId, ...(metric === 'sent' && of.variant !== undefined ? { contentId: of.variant } : {}) };
      this.event(`${id}-${metric}-${String(metrics.size)}`, at, { name: 'cio.report', person, context, report: { channel: 'email', metric, ...ids, ...more } });
    };
    report('sent', sentAt);
    if (random.chance(0.03)) report('bounced', sentAt + 60_000);
    else {
      report('delivered', sentAt + 60_000);
      if (random.chance(0.35)) report('opened', sentAt + 61_000, { machine: true });
      if (random.chance(0.4)) {
        const opened = Math.round(sentAt + random.between(HOUR, 5 * HOUR));
        report('opened', opened, { machine: false });
        if (random.chance(0.3)) report('clicked', opened + 60_000, { machine: false });
        // Twice.
        if (random.chance(0.2)) report('opened', opened + 120_000, { machine: false });
        if (shopper.boughtAt !== undefined && shopper.boughtAt > opened && metrics.has('clicked by person')) report('converted', shopper.boughtAt + 5_000);
        if (random.chance(0.02)) report('unsubscribed', opened + 90_000);
      }
    }
    shopper.messages.push({ ...of, metrics });
  }
}

/** @param size persons, besides leads */
export function makeShop(size: number, seed = 'a shop'): Shop {
  const making = new Making(seed);
  for (let number = 1; number <= size; number++) making.shopper(number);
  making.shop.items.sort((a, b) => a.at - b.at);
  return making.shop;
}

/** Has the ledger decide all of it, in the order in which it came. Persons are there before, because their ids decide on arms. */
export async function openShop(shop: Shop, ledger: Ledger, { query }: TestDatabase): Promise<void> {
  const { persons } = shop;
  await query("insert into persons (person_id, people, customer_id) select person_id, 'shop', customer_id from unnest($1::text[], $2::text[]) as r (person_id, customer_id)", [
    persons.map((one) => one.personId), persons.map((one) => one.customerId),
  ]);
  const aliases = persons.flatMap(({ personId, customerId, emailHash }) => [...(customerId === null ? [] : [['customer_id', customerId, personId]]), ...(emailHash === null ? [] : [['email', emailHash, personId]])]);
  await query("insert into person_identifiers (kind, value, people, person_id, claimed_at) select kind, value, 'shop', person_id, 'epoch' from unnest($1::text[], $2::text[], $3::text[]) as r (kind, value, person_id)", [0, 1, 2].map((column) => aliases.map((row) => row[column])));
  for (let from = 0; from < shop.items.length; from += 500) await ledger.applyEvents(shop.items.slice(from, from + 500).map(({ item }) => item));
}
