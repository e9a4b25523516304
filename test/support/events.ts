/** Events and registries for tests: sensible defaults, anything can be overridden. */
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { deliveryKey, membershipKey, type FoldedBatch, type LoadedBatch } from '../../src/domain/fold-batch.ts';
import type { Audience, Policies } from '../../src/domain/registry.ts';
import { sha256 } from '../../src/destinations/user-data.ts';

export const DAY = 86_400_000;
export const CART = 'high_intent_cart_7d_v1';
export const CROSS_SELL = 'post_purchase_cross_sell_14d_v1';

let count = 0;

/** An add of c_1 to the cart audience, now, with an id of its own. */
export function makeEvent(overrides: Partial<HeadgateEvent> = {}): HeadgateEvent {
  const now = Date.now();
  count++;
  return {
    eventId: `event-${String(process.pid)}-${String(count)}`,
    source: 'demo',
    people: 'demo',
    name: 'cio.audience_add',
    audienceKey: CART,
    occurredAt: now,
    receivedAt: now,
    person: { customerId: 'c_1', emailHash: sha256('ada@example.com') },
    identifiers: { meta: [{ type: 'EMAIL', value: sha256('ada@example.com') }] },
    context: {},
    attributes: {},
    ...overrides,
  };
}

/** A person of one's own, by customer id and e-mail. */
export const person = (name: string): Pick<HeadgateEvent, 'person' | 'identifiers'> => ({
  person: { customerId: `c_${name}`, emailHash: sha256(`${name}@example.com`) },
  identifiers: { meta: [{ type: 'EMAIL', value: sha256(`${name}@example.com`) }] },
});

export const makeAudience = (overrides: Partial<Audience> & { key: string }): Audience => ({
  description: 'for a test',
  owner: { name: 'Tests' },
  windowMs: 7 * DAY,
  excludes: [],
  holdout: 0,
  holdouts: [],
  mode: 'live',
  targets: [{ destination: 'meta_main', audienceKey: overrides.key, platformAudienceId: '6000000000001' }],
  ...overrides,
});

/** The two audiences of the mission at one Meta account. */
export function makePolicies(audiences: readonly Audience[] = [makeAudience({ key: CART }), makeAudience({ key: CROSS_SELL, windowMs: 14 * DAY, excludes: [CART] })]): Policies {
  const destination = { name: 'meta_main', platform: 'meta', mode: 'live' as const, testProfiles: [] };
  return { audiences: new Map(audiences.map((audience) => [audience.key, audience])), destinations: new Map([[destination.name, destination]]) };
}

/** What the ledger loads for a batch when it has no rows, except the given ones. */
export const makeLoaded = (overrides: Partial<LoadedBatch> = {}): LoadedBatch => ({
  events: new Map(),
  memberships: new Map(),
  deliveries: new Map(),
  persons: new Map(),
  ...overrides,
});

/** What the ledger loads for the next batch once it has stored this one. */
export const loadedAfter = (loaded: LoadedBatch, folded: FoldedBatch): LoadedBatch => ({
  events: new Map([
    ...loaded.events,
    ...folded.decided.map(({ event, decision }) => [event.eventId, { name: event.name, audienceKey: event.audienceKey ?? null, decision }] as const),
  ]),
  memberships: new Map([...loaded.memberships, ...folded.memberships.map((row) => [membershipKey(row.personId, row.audienceKey), row] as const)]),
  deliveries: new Map([...loaded.deliveries, ...folded.deliveries.map((row) => [deliveryKey(row.personId, row.target), row] as const)]),
  persons: new Map([...loaded.persons, ...folded.persons]),
});

/** A body as `headgate template` makes Customer.io send it; `undefined` takes a field out. */
export const makeBody = (overrides: Record<string, unknown> = {}): Record<string, unknown> => ({
  schema_version: 1,
  event_id: 'RPILAgUBcRhIBqSfeiIwdIYJKxTY',
  event: 'cio.audience_add',
  audience_key: CART,
  timestamp: 1_764_000_000,
  customer_id: 'c_123',
  email: 'ada@example.com',
  phone: '+15551234567',
  cio_id: 'd9c106000001',
  context: { campaign_id: 7, campaign_name: 'Cart abandoners', journey_id: '01J', step_id: '42', message_variant: 'B', delivery_id: 'RPILAgUBcRhIBqSfeiIwdIYJKxTY' },
  consent: { ad_user_data: 'granted', ad_personalization: 'granted' },
  attributes: { cart_value: 182.5, sku: 'BUNDLE-9' },
  ...overrides,
});
