/** The webhook bodies of the examples, as Customer.io would render them, pass the door with the examples' own registries. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { eventFromBody } from '../../src/api/event-from-body.ts';
import { customerioLiquid } from '../../src/cli/template/customerio-liquid.ts';
import { identifyPerson } from '../../src/destinations/identify-person.ts';
import { byEvent, loadWorkflowTypes } from '../../src/workflow-types/index.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

/** A customer with everything, and one of whom the event says only what it must. */
const SCOPES = [
  { delivery_id: 'd-1', customer: { id: 'c_1', cio_id: 'a1', email: 'ada@example.com' }, campaign: { id: 7, name: 'Shop "events"' }, event: { order_id: 1001, amount: 25.5, agent: 'Kim', subscription_id: 'sub_7', product: 'Coffee' } },
  { delivery_id: 'd-2', customer: { id: 'c_1' }, event: { order_id: 'o-1', amount: '25.50', subscription_id: 7 } },
];

test.each(['refund-watch', 'win-back'])('%s', async (example) => {
  const { types, problems } = loadWorkflowTypes([join(EXAMPLES, example, 'workflows')], EXAMPLES);
  expect(problems).toEqual([]);
  const templates = (await readdir(join(EXAMPLES, example, 'templates'))).filter((file) => file.endsWith('.liquid'));
  const events = new Set<string>();
  for (const template of templates) {
    const source = await readFile(join(EXAMPLES, example, 'templates', template), 'utf8');
    for (const scope of SCOPES) {
      const body = (await customerioLiquid('latest').parseAndRender(source, scope)) as string;
      const understood = eventFromBody(body, { source: 'shop', people: 'shop', receivedAt: Date.now(), hasAudience: () => false, types: byEvent(types), identify: (person) => identifyPerson(person, []) });
      expect(understood, `${template}: ${body}`).toHaveProperty('event');
      if ('event' in understood) events.add(understood.event.name);
    }
  }
  // There is a template for each event that starts something.
  expect([...events].sort()).toEqual(types.map(({ event }) => event).sort());
});
