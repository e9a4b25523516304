/** Values for a JSON schema of the description: such as it allows, such as it nearly allows, and such as nobody should send. */
import fc from 'fast-check';
import type { Schema } from '../../src/api/openapi/document.ts';

type Schemas = Readonly<Record<string, Schema>>;
type Type = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'array' | 'object';

const DEEPEST = 4;

export const HOSTILE_TEXTS = [
  '', ' ', '\0', 'a\0b', '\ud800', '\uffff', '\u202eabc', '\r\nX: y', "' or 1=1 --", '"', '\\', '%', '%00', '../..', '__proto__', 'constructor', 'toString', '<script>alert(1)</script>', '{{7*7}}', '\u001b[2J', 'null', 'true', '-1', '1e400', '9007199254740993',
  '99999999999999999999', '0x10', 'NaN', 'Infinity', '1.5', '0000-01-01T00:00:00Z', '2026-02-31T00:00:00Z', '9999-12-31T23:59:59.999999Z', '2026-11-30T10:00:00+99:99', 'a'.repeat(5_000), '🛒'.repeat(100), 'ada@example.com', 'İ',
];

const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 1e21, -1e308, 2 ** 53, 2 ** 31, 2 ** 63, [], {}, [[]], [null], { a: null }, Array.from({ length: 1_000 }, () => 0)),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as unknown),
);

/** @param wrong of 100 values, how many are replaced by hostile ones */
export function valuesOf(schema: Schema, schemas: Schemas, wrong: number, depth = 0): fc.Arbitrary<unknown> {
  const right = rightValues(resolve(schema, schemas), schemas, wrong, depth);
  return wrong === 0 ? right : fc.oneof({ weight: 100 - wrong, arbitrary: right }, { weight: wrong, arbitrary: hostile });
}

const resolve = (schema: Schema, schemas: Schemas): Schema => {
  const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined;
  return name === undefined ? schema : (schemas[name] ?? {});
};

function rightValues(schema: Schema, schemas: Schemas, wrong: number, depth: number): fc.Arbitrary<unknown> {
  const choices = (schema.anyOf ?? schema.oneOf);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...(schema.enum as unknown[]));
  if (choices) return fc.oneof(...choices.map((one) => valuesOf(one, schemas, wrong, depth)));
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type ?? (schema.properties ? 'object' : undefined)]) as (Type | undefined)[];
  return fc.oneof(...types.map((type) => ofType(type, schema, schemas, wrong, depth)));
}

function ofType(type: Type | undefined, schema: Schema, schemas: Schemas, wrong: number, depth: number): fc.Arbitrary<unknown> {
  switch (type) {
    case 'string': return texts(schema);
    case 'integer': return fc.oneof(fc.integer({ min: lower(schema), max: upper(schema) }), fc.constantFrom(lower(schema), upper(schema)));
    case 'number': return fc.oneof(fc.integer({ min: lower(schema), max: upper(schema) }), fc.double({ min: lower(schema), max: upper(schema), noNaN: true }));
    case 'boolean': return fc.boolean();
    case 'null': return fc.constant(null);
    case 'array': return fc.array(depth >= DEEPEST ? fc.constant(1) : valuesOf((schema.items ?? {}) as Schema, schemas, wrong, depth + 1), { maxLength: 5 });
    case 'object': return objects(schema, schemas, wrong, depth);
    case undefined: return depth >= DEEPEST ? fc.constant('x') : hostile;
  }
}

const lower = ({ minimum }: Schema): number => Math.max(minimum ?? -1_000, -(2 ** 31));
const upper = ({ maximum }: Schema): number => Math.min(maximum ?? 1_000_000, 2 ** 31 - 1);

function texts({ pattern, format, minLength = 0, maxLength = 60 }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time') return fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }).map((date) => date.toISOString());
  const plain = fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 300)) });
  if (pattern === undefined) return plain;
  try {
    return fc.stringMatching(new RegExp(pattern, 'u'));
  } catch {
    // A pattern that cannot be turned round (look-ahead).
    return plain;
  }
}

function objects(schema: Schema, schemas: Schemas, wrong: number, depth: number): fc.Arbitrary<unknown> {
  const entries = Object.entries(schema.properties ?? {}) as [string, Schema][];
  const own = Object.fromEntries(entries.map(([name, one]) => [name, depth >= DEEPEST ? fc.constant(null) : valuesOf(one, schemas, wrong, depth + 1)]));
  const required = (schema.required ?? []).filter((name) => name in own);
  const made = fc.record(own, { requiredKeys: wrong === 0 || required.length === 0 ? required : [] });
  const more = fc.dictionary(fc.constantFrom('__proto__', 'constructor', 'extra', '', 'a.b', '$ref', '\0'), hostile, { maxKeys: 2 });
  const withMore = (schema.additionalProperties !== false || wrong > 0) && (entries.length === 0 || wrong > 0);
  return withMore ? fc.tuple(made, more, fc.nat(4)).map(([base, extra, dice]) => (dice === 0 || entries.length === 0 ? { ...base, ...extra } : base)) : made;
}
