/** Bodies of webhooks as Customer.io sends them, for tests: the same calls make the same bodies. */
import type { JsonObject } from '../domain/event.ts';

/** Who a webhook is about, as headgate knows them: at least one of the first three. */
export interface WebhookPerson {
  customer_id?: string;
  cio_id?: string;
  email?: string;
  phone?: string;
}

export interface WebhookOptions {
  /** Default: a customer of whom nothing was heard before, `c_1`, `c_2`, …. */
  person?: WebhookPerson;
  attributes?: JsonObject;
  context?: JsonObject;
  /** When it happened: a date, or milliseconds since the epoch. Default: now, as the test's server has it. */
  at?: Date | number;
  /** Default: `<event>-1`, `<event>-2`, …. */
  event_id?: string;
  /** More fields of the body, such as `audience_key`. */
  fields?: JsonObject;
}

/** Makes bodies. Each has counters of its own, so a test does not depend on those before it. */
export class WebhookFactory {
  #people = 0;
  #events = 0;

  /** Somebody new: `c_1`, `c_2`, …, with an e-mail address of their own. */
  person(): Required<Pick<WebhookPerson, 'customer_id' | 'email'>> {
    const customerId = `c_${String(++this.#people)}`;
    return { customer_id: customerId, email: `${customerId}@example.com` };
  }

  /** A lead, of whom the shop knows nothing but the address. */
  lead(): Required<Pick<WebhookPerson, 'email'>> {
    return { email: `lead_${String(++this.#people)}@example.com` };
  }

  /** @param now milliseconds since the epoch, where `at` is not given */
  body(event: string, { person = this.person(), attributes = {}, context = {}, at, event_id: eventId, fields = {} }: WebhookOptions, now: number): JsonObject {
    const number = ++this.#events;
    return {
      schema_version: 1,
      event_id: eventId ?? `${event}-${String(number)}`,
      event,
      timestamp: Number(at ?? now) / 1_000,
      ...person,
      context,
      attributes,
      ...fields,
    };
  }
}
