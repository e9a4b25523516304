import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileText, compileTree } from '../../src/actions/template.ts';
import type { ForwardFields } from '../../src/domain/forward.ts';
import type { JsonValue } from '../../src/domain/event.ts';
import { fields } from '../support/forward-fields.ts';

const mistakesOf = (source: JsonValue): string[] => {
  const compiled = compileTree(source);
  return 'mistakes' in compiled ? compiled.mistakes.map(({ path, message }) => `${path.join('.')}: ${message}`) : [];
};
function fill(source: JsonValue, given: ForwardFields): JsonValue {
  const compiled = compileTree(source);
  if ('mistakes' in compiled) throw new Error(JSON.stringify(compiled.mistakes));
  return compiled.template.fill(given);
}
function say(source: string, given: ForwardFields): string {
  const compiled = compileText(source);
  if ('mistakes' in compiled) throw new Error(JSON.stringify(compiled.mistakes));
  return compiled.template.fill(given);
}

test('placeholders, defaults and conditions are filled in', () => {
  const given = fields({ context: { campaign_name: 'Carts' }, attributes: { sku: 'A', price: 9.5 } });
  expect(say('{{ customer_id }}: {{ context.campaign_name }}, {{ attributes.sku | default: "none" }}{% if attributes.price > 9 %} (dear){% endif %}', given)).toBe('c_1: Carts, A (dear)');
  expect(say('{{ attributes.sku | default: "…" }} {{ attributes.a.b.c }}', fields())).toBe('… ');
});

test('a placeholder alone keeps the kind of its value; what is missing is left out of objects and null in lists', () => {
  const given = fields({ attributes: { price: 9.5, ok: false, items: [{ sku: 'A' }], note: null } });
  expect(fill({ price: '{{ attributes.price }}', ok: '{{attributes.ok}}', items: '{{ attributes.items }}', note: '{{ attributes.note }}', gone: '{{ attributes.gone }}', list: ['{{ attributes.gone }}', 1, true, null], text: 'is {{ attributes.price }}', 'a "key"': 'plain' }, given))
    .toEqual({ price: 9.5, ok: false, items: [{ sku: 'A' }], list: [null, 1, true, null], text: 'is 9.5', 'a "key"': 'plain' });
});

test('no value can break the body that it is filled into', () => {
  const compiled = compileTree({ alone: '{{ attributes.x }}', among: 'a {{ attributes.x }} b' });
  if ('mistakes' in compiled) throw new Error('it has mistakes');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const filled = JSON.parse(JSON.stringify(compiled.template.fill(fields({ attributes: { x: value } })))) as unknown;
      expect(filled).toEqual({ alone: value, among: `a ${value} b` });
    }),
  );
});

test('Liquid in a value is text', () => {
  expect(say('{{ attributes.x }}', fields({ attributes: { x: '{{ customer_id }}{% if %}' } }))).toBe('{{ customer_id }}{% if %}');
});

describe('mistakes are told with the place of their text', () => {
  test.each([
    [{ to: { who: '{{ email }}' } }, 'to.who: {{ email }}: e-mail addresses stop at the door: use customer_id or email_sha256'],
    [{ a: ['{{ custmer_id }}'] }, /^a\.0: \{\{ custmer_id \}\}: there is no such field; there are event_id, /],
    [{ a: '{{ customer.id }}' }, /^a: \{\{ customer \}\}: that is Customer\.io's name/],
    [{ a: '{{ attributes.x | upcsae }}' }, /^a: is no template: undefined filter: upcsae/],
    [{ a: '{% include "secrets" %}' }, 'a: is no template: {% include %} is not allowed here'],
    [{ a: '{% for x in (1..99999999) %}{{ x }}{% endfor %}' }, 'a: is no template: {% for %} is not allowed here'],
    [{ a: '{{ attributes.x' }, /^a: is no template: output "\{\{ attributes\.x" not closed/],
    [{ a: '{% if attributes.x %}' }, /^a: is no template: tag \{% if attributes\.x %\} not closed/],
    [{ a: `{{ attributes.x }}${'x'.repeat(20_001)}` }, /^a: is no template: .*limit/],
  ])('%j', (source, said) => {
    expect(mistakesOf(source as JsonValue)).toEqual([typeof said === 'string' ? said : expect.stringMatching(said)]);
  });
  test('all at once', () => {
    expect(mistakesOf({ a: '{{ email }}', b: '{{ phone }}' })).toHaveLength(2);
  });
});

test('a template cannot use up the memory, or reach what is not data', () => {
  const doubling = `{% assign a = "xxxxxxxxxx" %}${'{% assign a = a | append: a %}'.repeat(40)}{{ a }}`;
  expect(() => say(doubling, fields())).toThrow(/memory/);
  expect(say('{{ attributes.constructor.name }}{{ attributes.__proto__.x }}{{ customer_id.constructor }}', fields())).toBe('');
});

test('what a template uses is known', () => {
  const compiled = compileTree({ a: '{{ attributes.sku }}', b: ['{% if attributes.vip %}{{ context.campaign_name }}{% endif %}'] });
  expect('template' in compiled && [...compiled.template.uses].sort()).toEqual(['attributes.sku', 'attributes.vip', 'context.campaign_name']);
});
