/** Events of workflow types in the description of the door: their names, what their attributes hold, and an example of each. */
import type { EventTypes } from '../../domain/event-type.ts';
import type { Description, Schema } from './document.ts';

/** Puts them in. Where there are no types nothing changes. */
export function describeOwnEvents(description: Description, types: EventTypes): Description {
  if (types.size === 0) return description;
  const body = description.components.schemas['Webhook'];
  const event = body?.properties?.['event'];
  const webhook = description.paths['/v1/webhooks/{source}']?.post;
  const content = webhook?.requestBody?.content['application/json'];
  if (typeof event !== 'object' || !event.enum || !webhook || !content) throw new Error('the description of the webhook has no event');
  event.enum = [...event.enum, ...types.keys()];
  const list = [...types.values()].map(({ event: name, description: what }) => `\`${name}\` (${what}; attributes: \`${schemaName(name)}\`)`);
  webhook.description = `${webhook.description ?? ''} Events of workflow types: ${list.join('; ')}.`;
  for (const type of types.values()) {
    description.components.schemas[schemaName(type.event)] = { ...(type.jsonSchema as Schema), description: `The attributes of \`${type.event}\`: ${type.description}.` };
    content.examples = { ...content.examples, [type.event]: { summary: type.description, value: { schema_version: 1, event_id: `example-${type.name}`, event: type.event, customer_id: 'c_example', attributes: type.example } } };
  }
  return description;
}

/** `shop.refund` → `AttributesOfShopRefund` */
const schemaName = (event: string): string => `AttributesOf${event.split(/[._]/).map((word) => `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`).join('')}`;
