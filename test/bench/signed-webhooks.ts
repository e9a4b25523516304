/** Webhooks signed ahead of time, so that a load generator only sends. Every one is another person and another event. */
import { randomUUID } from 'node:crypto';
import { sign } from '../../src/api/verify-signature.ts';

export interface SignedWebhook {
  body: string;
  headers: Record<string, string>;
}

const METRICS = ['sent', 'delivered', 'opened', 'clicked'];

/** Reports of Customer.io's feed, four for each person: each another event. */
export function signReports(count: number, secret: string): SignedWebhook[] {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  let name = '';
  return Array.from({ length: count }, (_, index) => {
    if (index % METRICS.length === 0) name = randomUUID();
    const body = JSON.stringify({
      event_id: randomUUID(),
      object_type: 'email',
      metric: METRICS[index % METRICS.length],
      timestamp: Math.floor(Date.now() / 1_000),
      data: {
        customer_id: `c_${name}`, identifiers: { id: `c_${name}`, email: `${name}@example.com`, cio_id: name.replaceAll('-', '').slice(0, 12) }, recipient: `${name}@example.com`,
        campaign_id: 7, action_id: 42, journey_id: '01JOURNEY', delivery_id: `D${name}`, subject: 'Your cart is waiting', href: 'https://shop.example/cart', link_id: 3, prefetched: false,
      },
    });
    return { body, headers: { 'content-type': 'application/json', 'x-cio-timestamp': timestamp, 'x-cio-signature': sign(secret, timestamp, body) } };
  });
}

export function signWebhooks(count: number, secret: string, fields: (index: number) => Record<string, unknown> = () => ({})): SignedWebhook[] {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  return Array.from({ length: count }, (_, index) => {
    const name = randomUUID();
    const body = JSON.stringify({
      schema_version: 1,
      event_id: name,
      event: 'cio.audience_add',
      audience_key: 'high_intent_cart_7d_v1',
      timestamp: Math.floor(Date.now() / 1_000),
      customer_id: `c_${name}`,
      email: `${name}@example.com`,
      phone: `+1202555${String(1_000 + (index % 9_000))}`,
      context: { campaign_id: 7, campaign_name: 'Cart abandoners', journey_id: '01J', step_id: '42', message_variant: 'B', delivery_id: name },
      attributes: { cart_value: 182.5, sku: 'BUNDLE-9' },
      ...fields(index),
    });
    return { body, headers: { 'content-type': 'application/json', 'x-cio-timestamp': timestamp, 'x-cio-signature': sign(secret, timestamp, body) } };
  });
}
