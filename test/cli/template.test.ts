/** What is pasted into Customer.io, rendered with people of every kind; each trap of docs/customerio.md that a template can fall into. */
import { describe, expect, test } from 'vitest';
import type { EventContext } from '../../src/api/index.ts';
import { checkTemplate } from '../../src/cli/template/check-template.ts';
import { customerioLiquid } from '../../src/cli/template/customerio-liquid.ts';
import { LIQUID_ENGINES, liquidBody, type BodyOptions } from '../../src/cli/template/liquid-body.ts';
import { attributesOf } from '../../src/cli/template/webhook-template.ts';
import { identifyPerson } from '../../src/destinations/identify-person.ts';

const context: EventContext = {
  source: 'shop', people: 'shop', receivedAt: 1_764_000_000_000, hasAudience: (key) => key === 'cart_v1', hasAction: (name) => name === 'mail', identify: (person) => identifyPerson(person, []),
};
const options = (more: Partial<BodyOptions> = {}): BodyOptions => ({ event: 'cio.audience_add', audienceKey: 'cart_v1', attributes: { cart_value: 'event.cart_value', plan: 'customer.plan' }, profile: true, engine: 'latest', ...more });
const check = (body: string, engine: (typeof LIQUID_ENGINES)[number] = 'latest') => checkTemplate(body, { engine, attributePaths: ['event.cart_value', 'customer.plan'], context });
const wrongIn = (body: string, engine?: (typeof LIQUID_ENGINES)[number]) => check(body, engine).filter(({ problems }) => problems.length > 0).map(({ person, problems }) => `${person}: ${problems.join('; ')}`);
const bodyFor = (person: string, body = liquidBody(options())): Record<string, unknown> => JSON.parse(check(body).find((one) => one.person === person)?.body ?? '{}') as Record<string, unknown>;

describe.each(LIQUID_ENGINES)('for the %s engine', (engine) => {
  test.each([
    options({ engine }), options({ event: 'cio.audience_remove', engine }), options({ event: 'cio.exposure', audienceKey: undefined, exposure: 'journey_entered', engine }), options({ event: 'cio.forward', audienceKey: undefined, action: 'mail', engine }),
  ])('$event holds with everybody', (given) => {
    expect(wrongIn(liquidBody(given), engine)).toEqual([]);
  });
});

test('each body says what was meant: values arrive as they are', () => {
  expect(bodyFor('quotes')).toMatchObject({ event: 'cio.audience_add', audience_key: 'cart_v1', customer_id: 'c_"123"', profile: { first_name: 'Ada "the Countess"' }, attributes: { cart_value: '19" rack' } });
  expect(bodyFor('JSON in values')).toMatchObject({ event: 'cio.audience_add', attributes: { cart_value: '", "event": "cio.audience_remove", "x": "' } });
  expect(bodyFor('Liquid in values')).toMatchObject({ context: { campaign_name: '{{ customer.email }}' } });
  expect(bodyFor('a list of things')).toMatchObject({ attributes: { cart_value: [{ sku: 'A"1', price: 9.5 }, { sku: 'B', price: null }] } });
  expect(bodyFor('false, which is not nothing')).toMatchObject({ attributes: { cart_value: false, plan: false } });
});

describe('symptoms of templates that were written by hand', () => {
  test('"Variable \'customer.phone\' is missing": the request stops before it is sent', () => {
    const careless = '{ "schema_version": 1, "event_id": "{{ delivery_id }}", "event": "cio.audience_add", "audience_key": "cart_v1", "customer_id": {{ customer.id | json }}, "phone": {{ customer.phone | json }} }';
    expect(wrongIn(careless)).toContainEqual(expect.stringMatching(/^missing attributes: it cannot be rendered: undefined variable: customer\.phone/));
  });
  test('"the body is not JSON": a quote in a name', () => {
    const careless = '{ "schema_version": 1, "event_id": "{{ delivery_id }}", "event": "cio.audience_add", "audience_key": "cart_v1", "customer_id": "{{ customer.id | default: "x" }}" }';
    expect(wrongIn(careless)).toContainEqual(expect.stringMatching(/^quotes: the body is not JSON/));
  });
  test('"undefined filter: default": the account has the legacy engine', () => {
    expect(wrongIn(liquidBody(options()), 'legacy')[0]).toContain('undefined filter: default');
  });
  test('"customer_id: the person is missing": a namespace is misspelt', () => {
    const misspelt = liquidBody(options()).replaceAll('customer.', 'costumer.');
    expect(wrongIn(misspelt)).toContainEqual(expect.stringContaining('customer_id: the person is missing'));
  });
  test('a comma behind the last field', () => {
    expect(wrongIn(liquidBody(options()).replace(/\n\}$/, ',\n}'))).not.toEqual([]);
  });
});

test('a test send counts as a test, whatever it says', () => {
  expect(bodyFor('somebody with everything')).toMatchObject({ event_id: 'unsent' });
});

test('the attributes of an action\'s templates are put in by themselves', () => {
  expect(attributesOf(['attributes.sku', 'context.campaign_name', 'attributes.sku.size', 'customer_id', 'attributes.vip'])).toEqual({ sku: 'event.sku', vip: 'event.vip' });
});

test('Liquid as Customer.io has it knows both names of the filter that escapes', () => {
  expect(customerioLiquid('latest').parseAndRenderSync('{{ x | json }} {{ x | to_json }}', { x: 'a"b' })).toBe('"a\\"b" "a\\"b"');
});
