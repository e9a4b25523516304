/**
 * The body to paste into a webhook action of Customer.io: JSON with Liquid in it. Every value is written by the filter that quotes and escapes, so that no name
 * with a quote breaks the body, and has a default, because a missing attribute stops the request before it is sent.
 */
import type { EventName } from '../../domain/event.ts';

/** Customer.io's two engines: LiquidJS for accounts since 2023-11-28, else Ruby's, which has no `default`. */
export const LIQUID_ENGINES = ['latest', 'legacy'] as const;
export type LiquidEngine = (typeof LIQUID_ENGINES)[number];

export interface BodyOptions {
  event: EventName;
  audienceKey?: string | undefined;
  action?: string | undefined;
  /** Of an exposure: what it is called. */
  exposure?: string | undefined;
  /** Name of the attribute to where Customer.io has it, such as `event.cart_value`. */
  attributes: Readonly<Record<string, string>>;
  /** Also name, country, city …, which raise match rates. */
  profile: boolean;
  engine: LiquidEngine;
}

interface Field {
  name: string;
  /** A constant, or where Customer.io has the value. */
  value: { constant: string | number } | { path: string } | { liquid: string };
  /** It counts whether this is false or missing. */
  keepsFalse?: boolean;
}

const PROFILE = ['first_name', 'last_name', 'country', 'region', 'city', 'postal_code', 'birth_date', 'gender'];

/** Reads as it is pasted. */
export function liquidBody(options: BodyOptions): string {
  const { event, audienceKey, action, exposure, attributes, profile, engine } = options;
  const constants = { event, ...(audienceKey === undefined ? {} : { audience_key: audienceKey }), ...(action === undefined ? {} : { action }), ...(exposure === undefined ? {} : { exposure }) };
  const top: Field[] = [
    { name: 'schema_version', value: { constant: 1 } },
    { name: 'event_id', value: { path: 'delivery_id' } },
    ...Object.entries(constants).map(([name, constant]): Field => ({ name, value: { constant } })),
    { name: 'timestamp', value: { liquid: '{{ "now" | date: "%s" }}' } },
    ...[['customer_id', 'customer.id'], ['cio_id', 'customer.cio_id'], ['email', 'customer.email'], ['phone', 'customer.phone']].map(([name = '', path = '']): Field => ({ name, value: { path } })),
  ];
  const context = [['campaign_id', 'campaign.id'], ['campaign_name', 'campaign.name'], ['journey_id', 'message.journey_id'], ['step_id', 'message.id'], ['step_name', 'message.name'], ['delivery_id', 'delivery_id']];
  const groups: [string, Field[]][] = [
    ...(profile ? [['profile', PROFILE.map((name): Field => ({ name, value: { path: `customer.${name}` } }))] as [string, Field[]]] : []),
    ['context', context.map(([name = '', path = '']): Field => ({ name, value: { path } }))],
    ['attributes', Object.entries(attributes).map(([name, path]): Field => ({ name, value: { path }, keepsFalse: true }))],
  ];
  const written = [
    ...top.map((field) => `  ${write(field, engine)}`),
    ...groups.filter(([, fields]) => fields.length > 0).map(([name, fields]) => `  ${JSON.stringify(name)}: {\n${fields.map((field) => `    ${write(field, engine)}`).join(',\n')}\n  }`),
  ];
  return `{\n${written.join(',\n')}\n}`;
}

function write({ name, value, keepsFalse = false }: Field, engine: LiquidEngine): string {
  const key = JSON.stringify(name);
  if ('constant' in value) return `${key}: ${JSON.stringify(value.constant)}`;
  if ('liquid' in value) return `${key}: ${value.liquid}`;
  // `default` comes first: only there a missing value is no mistake.
  if (engine === 'latest') return `${key}: {{ ${value.path} | default: ""${keepsFalse ? ', allow_false: true' : ''} | json }}`;
  return `${key}: {% if ${value.path} != blank %}{{ ${value.path} | to_json }}{% else %}null{% endif %}`;
}
