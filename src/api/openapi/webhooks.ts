/** The description of the door: a webhook of each event, and the reporting feed. */
import { z } from 'zod';
import { webhookBody } from '../webhook-schema.ts';
import { refusal, reportTaken, webhookConflict, webhookInvalid, webhookQueued, webhookTaken } from './answers.ts';
import type { Operation } from './operation.ts';

const GROUP = 'Webhooks';
const inPath = { source: 'A source of headgate.yaml.' };
const RETRY = { 'Retry-After': 'Seconds to wait before sending it again.' };

/** Each field of the body. A test tells which one is missing here. */
export const WEBHOOK_FIELDS: Record<string, string> = {
  schema_version: 'The version of this schema.',
  event_id: 'Recommended: `{{delivery_id}}`. The same id is the same event, however often it comes. Without one it is derived from source, event, audience, person, delivery or step, and `timestamp`, which is required then.',
  event: 'What Customer.io decided.',
  audience_key: 'An audience of headgate.yaml. Required of `cio.audience_*`.',
  exposure: 'Of `cio.exposure`: what you call it, such as `journey_entered`.',
  action: 'Of `cio.forward`, and required there: an action of headgate.yaml.',
  timestamp: 'When it was decided, in seconds since 1970 (milliseconds are understood). Default: when it arrives. More than 5 minutes ahead is taken as now.',
  customer_id: 'Your own id of the person. At least one of `customer_id`, `cio_id` and `email` is required.',
  cio_id: "Customer.io's id of the person.",
  email: 'Hashed on receipt, never stored in the clear.',
  phone: 'With its country code, or read by `profile.country` or the source\'s `default_country`. Hashed on receipt.',
  profile: 'Raises match rates. Hashed on receipt, all but `mobile_ad_id`. `country` is ISO 3166-1 alpha-2, `birth_date` like `1990-12-31`.',
  consent: 'A denial, on whichever event, takes the person out of every audience at every platform; the newest word counts.',
  context: 'Campaign, journey, step, variant, delivery: kept with the event.',
  attributes: 'Whatever else shall be kept with the event. E-mail addresses and phone numbers in it are replaced by hashes.',
};

const add = {
  schema_version: 1,
  event_id: 'example-add-1',
  event: 'cio.audience_add',
  audience_key: 'high_intent_cart_7d_v1',
  customer_id: 'c_example',
  cio_id: 'd9c106000001',
  email: 'ada@example.com',
  context: { campaign_id: 7, campaign_name: 'Cart abandoners', journey_id: '01HF', step_id: 12, message_variant: 'B', delivery_id: 'example-add-1' },
  consent: { ad_user_data: 'granted', ad_personalization: 'granted' },
  attributes: { cart_value: 182.5, sku: 'BUNDLE-9' },
};

const webhook: Operation = {
  id: 'sendWebhook',
  method: 'post',
  path: '/v1/webhooks/{source}',
  group: GROUP,
  summary: 'An event: a person enters or leaves an audience, sees something, or is told to another tool',
  description:
    'What a webhook action of Customer.io posts (docs/webhooks.md). At most 256 KiB, not compressed. Empty texts and null count as absent, unknown fields are ignored. A 2xx means that the event is durable, and it takes effect once, however often it comes.',
  guard: 'webhook',
  inPath,
  body: { type: 'application/json', name: 'Webhook', schema: webhookBody, descriptions: WEBHOOK_FIELDS, lenient: true },
  answers: {
    200: { description: 'Decided and durable.', schema: webhookTaken },
    202: { description: 'Safe in Temporal while the ledger is down, decided when it is back.', schema: webhookQueued },
    404: { description: 'There is no such source.', schema: refusal },
    409: { description: 'This `event_id` is known under another event, audience or action.', schema: webhookConflict },
    413: { description: 'Too large.', schema: refusal },
    415: { description: 'Not JSON, or compressed.', schema: refusal },
    422: { description: 'Signed, and not understood: every mistake with its place.', schema: webhookInvalid },
    503: { description: 'Neither the ledger nor Temporal took it, or too many are under way: it is not stored, send it again.', schema: refusal, headers: RETRY },
  },
  examples: [
    { name: 'cio.audience_add', summary: 'Somebody enters an audience', path: { source: 'demo' }, body: add, answer: { status: 200, body: { status: 'applied', event_id: 'example-add-1', audience: 'in', until: '2026-12-07T10:00:00.000Z' } } },
    { name: 'duplicate', summary: 'The same webhook again', path: { source: 'demo' }, body: add, answer: { status: 200, body: { status: 'duplicate', event_id: 'example-add-1', first: 'applied', audience: 'in', until: '2026-12-07T10:00:00.000Z' } } },
    {
      name: 'cio.audience_remove',
      summary: 'Somebody leaves it',
      path: { source: 'demo' },
      body: { schema_version: 1, event_id: 'example-remove-1', event: 'cio.audience_remove', audience_key: 'high_intent_cart_7d_v1', customer_id: 'c_example', context: { campaign_id: 8, delivery_id: 'example-remove-1' } },
      answer: { status: 200, body: { status: 'applied', event_id: 'example-remove-1', audience: 'out' } },
    },
    {
      name: 'cio.exposure',
      summary: 'Somebody was exposed to something',
      path: { source: 'demo' },
      body: { schema_version: 1, event_id: 'example-exposure-1', event: 'cio.exposure', exposure: 'journey_entered', customer_id: 'c_example', context: { journey_id: '01HF', message_variant: 'B' } },
      answer: { status: 200, body: { status: 'applied', event_id: 'example-exposure-1' } },
    },
    {
      name: 'cio.forward',
      summary: 'Something for another tool',
      path: { source: 'demo' },
      body: { schema_version: 1, event_id: 'example-forward-1', event: 'cio.forward', action: 'ops_slack', customer_id: 'c_example', context: { campaign_id: 7, campaign_name: 'Cart abandoners' }, attributes: { cart_value: 182.5 } },
      answer: { status: 200, body: { status: 'applied', event_id: 'example-forward-1' } },
    },
    {
      name: 'expired',
      summary: 'An add that comes after its window',
      path: { source: 'demo' },
      body: { schema_version: 1, event_id: 'example-late-1', event: 'cio.audience_add', audience_key: 'high_intent_cart_7d_v1', timestamp: 1_764_000_000, email: 'grace@example.com' },
      answer: { status: 200, body: { status: 'expired', event_id: 'example-late-1', audience: 'out' } },
    },
    {
      name: 'test',
      summary: 'A send test of Customer.io',
      path: { source: 'demo' },
      body: { schema_version: 1, event_id: 'unsent', event: 'cio.audience_add', audience_key: 'high_intent_cart_7d_v1', customer_id: 'c_example' },
      answer: { status: 200, body: { status: 'test', event_id: 'unsent' } },
    },
    {
      name: 'conflict',
      summary: 'One id for two webhooks',
      path: { source: 'demo' },
      body: { ...add, event: 'cio.audience_remove' },
      answer: { status: 409, body: { status: 'conflict', event_id: 'example-add-1', problem: 'this event_id was already used for cio.audience_add high_intent_cart_7d_v1: give each webhook of a template an id of its own' } },
    },
    {
      name: 'invalid',
      summary: 'An audience that does not exist, and nobody in it',
      path: { source: 'demo' },
      body: { schema_version: 1, event_id: 'example-invalid-1', event: 'cio.audience_add', audience_key: 'cart_v9' },
      answer: {
        status: 422,
        body: {
          status: 'invalid',
          event_id: 'example-invalid-1',
          problems: [
            { path: 'audience_key', message: '"cart_v9" is not an audience of headgate.yaml' },
            { path: 'customer_id', message: 'the person is missing: send at least one of customer_id, cio_id and email' },
          ],
        },
      },
    },
    { name: 'nowhere', summary: 'A source that does not exist', path: { source: 'nowhere' }, body: add, answer: { status: 404, body: { status: 'invalid', problem: 'there is no source "nowhere" in headgate.yaml' } } },
  ],
};

/** The feed takes anything; these are the fields that Headgate looks at (https://docs.customer.io/integrations/api/webhooks, read 2026-11). */
const reportBody = z.looseObject({
  event_id: z.string().describe('Required to be understood.'),
  object_type: z.string().optional().describe('`email`, `push`, `sms` …'),
  metric: z.string().describe('`sent`, `opened`, `clicked` … Required to be understood.'),
  timestamp: z.number().optional().describe('Seconds since 1970.'),
  data: z.looseObject({}).optional().describe('Who, which campaign, which delivery.'),
});

const reporting: Operation = {
  id: 'sendReport',
  method: 'post',
  path: '/v1/webhooks/{source}/reporting',
  group: GROUP,
  summary: "What became of a message: Customer.io's reporting feed",
  description: "Takes Customer.io's reporting webhooks as they are (docs/reporting.md), signed with the key of the reporting webhook. At most 8 MiB. A signed body that is not understood is answered 200 `quarantined`, never by a 4xx: that would stop the whole feed.",
  guard: 'webhook',
  inPath,
  body: { type: 'application/json', name: 'Report', schema: reportBody },
  answers: {
    200: { description: 'Durable: a row of exposures, or an entry in quarantine.', schema: reportTaken },
    202: webhook.answers[202] ?? { description: '' },
    404: { description: 'There is no such source.', schema: refusal },
    413: { description: 'Too large.', schema: refusal },
    415: { description: 'Compressed.', schema: refusal },
    503: webhook.answers[503] ?? { description: '' },
  },
  examples: [
    {
      name: 'opened',
      summary: 'An e-mail was opened',
      path: { source: 'demo' },
      body: { event_id: 'example-report-1', object_type: 'email', metric: 'opened', timestamp: 1_764_000_000, data: { customer_id: 'c_example', identifiers: { id: 'c_example', cio_id: 'd9c106000001' }, campaign_id: 7, action_id: 12, delivery_id: 'example-delivery-1' } },
      answer: { status: 200, body: { status: 'applied', event_id: 'example-report-1' } },
    },
    {
      name: 'not_understood',
      summary: 'A body that says neither what happened nor which event it is',
      path: { source: 'demo' },
      body: { data: { delivery_id: 'example-delivery-2' } },
      answer: { status: 200, body: { status: 'quarantined', problems: [{ path: 'metric', message: 'is missing: this is no body of a reporting webhook' }, { path: 'event_id', message: 'is missing, so that a repetition could not be told' }] } },
    },
  ],
};

export const webhookOperations: Operation[] = [webhook, reporting];
